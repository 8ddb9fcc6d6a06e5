/**
 * Cuts a byte stream into whole frames and changes no byte: the frames and the rest, put together, are the stream. A frame
 * ends with its blank line; line ends are LF, CRLF, CR or a mixture (WHATWG HTML 9.2.5). How the stream was cut into
 * chunks makes no difference, and no byte is looked at twice. A blank line's CR at the end of a chunk waits for the next
 * byte, which may be its LF.
 */
export class FrameSplitter {
  private state: State = "line start"
  /** The unfinished frame, in the first `length` bytes. */
  private pending = nothing
  private length = 0
  private overflowed = false

  constructor(private readonly maxFrameBytes: number = 4 * 1024 * 1024) {}

  /**
   * The frames that this chunk completes, each with its blank line; most are views of the chunk. `undefined` when a frame
   * is longer than `maxFrameBytes`: the stream is given up, with all that was held of it.
   */
  push(chunk: Buffer): ReadonlyArray<Buffer> | undefined {
    const frames: Array<Buffer> = []
    const hasCr = chunk.includes(cr)
    let start = 0
    while (!this.overflowed) {
      const end = this.frameEnd(chunk, start, hasCr)
      if (this.length + (end ?? chunk.length) - start > this.maxFrameBytes) {
        this.overflowed = true
        this.pending = nothing
        this.length = 0
      } else if (end === undefined) {
        this.hold(chunk, start, chunk.length)
        return frames
      } else {
        frames.push(this.frame(chunk, start, end))
        start = end
      }
    }
    return undefined
  }

  /** What came after the last whole frame. */
  rest(): Buffer {
    return this.pending.subarray(0, this.length)
  }

  private frame(chunk: Buffer, start: number, end: number): Buffer {
    if (this.length === 0) return chunk.subarray(start, end)
    this.hold(chunk, start, end)
    const frame = this.rest()
    this.pending = nothing
    this.length = 0
    return frame
  }

  private hold(chunk: Buffer, start: number, end: number): void {
    const length = this.length + end - start
    if (length > this.pending.length) {
      // Doubling keeps the copying linear when the frame comes in many small chunks.
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.pending.length, 512))
      this.pending.copy(grown, 0, 0, this.length)
      this.pending = grown
    }
    chunk.copy(this.pending, this.length, start, end)
    this.length = length
  }

  /** Reads on from `start`; gives the offset at which the current frame is whole, if it becomes so in this chunk. */
  private frameEnd(chunk: Buffer, start: number, hasCr: boolean): number | undefined {
    let at = start
    while (at < chunk.length) {
      if (this.state === "in line") at = lineEnd(chunk, at, hasCr)
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
const nothing = Buffer.alloc(0)
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
