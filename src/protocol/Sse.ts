import { Splitter } from "./Splitter.js"

/**
 * Cuts a byte stream into whole frames and changes no byte: the frames and the rest, put together, are the stream. A frame
 * ends with its blank line; line ends are LF, CRLF, CR or a mixture (WHATWG HTML 9.2.5). How the stream was cut into
 * chunks makes no difference, and no byte is looked at twice. A blank line's CR at the end of a chunk waits for the next
 * byte, which may be its LF.
 */
export class FrameSplitter extends Splitter {
  private state: State = "line start"
  private hasCr = false

  override push(chunk: Buffer): ReadonlyArray<Buffer> | undefined {
    this.hasCr = chunk.includes(cr)
    return super.push(chunk)
  }

  protected endOf(chunk: Buffer, start: number): number | undefined {
    let at = start
    while (at < chunk.length) {
      if (this.state === "in line") at = lineEnd(chunk, at, this.hasCr)
      if (at === chunk.length) break
      const byte = chunk[at++]
      if (this.state === "blank line's CR") {
        this.state = "line start"
        return byte === lf ? at : at - 1
      }
      if (byte === lf && this.state === "line start") return at
      if (byte === lf) this.state = "line start"
      else if (byte === cr) this.state = this.state === "in line" ? "line's CR" : "blank line's CR"
      else this.state = "in line"
    }
    return undefined
  }
}

/** A frame's `data` lines, joined; `undefined` when it has none, as a comment. */
export const data = (frame: Buffer): string | undefined => {
  const lines = fieldValues(frame, "data")
  return lines.length > 1 ? lines.join("\n") : lines[0]
}

/** A frame's `event`, when it names one. */
export const eventName = (frame: Buffer): string | undefined => fieldValues(frame, "event").at(-1) || undefined

/** A frame that holds this data. `event` must be a single line. */
export const encode = (text: string, event?: string): Buffer => {
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  return Buffer.from(`${event === undefined ? "" : `event: ${event}\n`}${lines.join("")}\n`)
}

/** What the last byte was the end of; `line's CR` and `blank line's CR` may still be followed by their LF. */
type State = "line start" | "in line" | "line's CR" | "blank line's CR"

const lf = 0x0a
const cr = 0x0d
const colon = 0x3a
const space = 0x20
const byteOrderMark = Buffer.from("\uFEFF")

const fieldValues = (frame: Buffer, name: string): ReadonlyArray<string> => {
  const values: Array<string> = []
  const hasCr = frame.includes(cr)
  const marked = frame[0] === byteOrderMark[0] && frame.subarray(0, 3).equals(byteOrderMark)
  let at = marked ? byteOrderMark.length : 0
  while (at < frame.length) {
    const end = lineEnd(frame, at, hasCr)
    const after = at + name.length
    if (startsWith(frame, at, name) && (after === end || frame[after] === colon)) {
      const from = after + (frame[after + 1] === space ? 2 : 1)
      values.push(frame.toString("utf8", Math.min(from, end), end))
    }
    at = end + (frame[end] === cr && frame[end + 1] === lf ? 2 : 1)
  }
  return values
}

const lineEnd = (frame: Buffer, from: number, hasCr: boolean): number => {
  if (!hasCr) {
    const end = frame.indexOf(lf, from)
    return end < 0 ? frame.length : end
  }
  let at = from
  while (at < frame.length && frame[at] !== lf && frame[at] !== cr) at++
  return at
}

const startsWith = (frame: Buffer, at: number, name: string): boolean => {
  for (let index = 0; index < name.length; index++) if (frame[at + index] !== name.charCodeAt(index)) return false
  return true
}
