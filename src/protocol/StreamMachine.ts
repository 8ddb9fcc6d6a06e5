import type { Money } from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import type { Failure } from "./Failure.js"
import * as JsonSplice from "./JsonSplice.js"
import * as OpenAiChat from "./OpenAiChat.js"
import * as Sse from "./Sse.js"

/** What a pushed chunk led to. `failed` is final, and so is `done`; nothing may be pushed afterwards. */
export type Verdict = "preamble" | "committed" | "done" | "failed"

/** Frames that may be held before the first output; further empty ones are dropped, since they say nothing. */
const maxHeldFrames = 64

/**
 * One streamed answer from its first byte to its one end. Until the first semantic output nothing is released, so that
 * a failure can still fall over; from then on frames pass as the bytes that they came in. Pure: it does no I/O and
 * knows no time.
 */
export class StreamMachine {
  verdict: Verdict = "preamble"
  /** Set with `failed`. */
  failure: Failure | undefined = undefined
  /** What the provider calls the model that answers. */
  model: string | undefined = undefined
  usage: Usage | undefined = undefined
  reportedCost: Money | undefined = undefined
  /** Chunks of the answer so far; comments and pings are none. */
  chunks = 0

  private readonly splitter = new Sse.FrameSplitter()
  private held: Array<Buffer> = []
  /** Indices of the choices that have begun, and of those that have finished. */
  private readonly begun = new Set<number>()
  private readonly over = new Set<number>()

  /** With `hideUsage` the gateway asked for usage that the caller did not ask for. */
  constructor(private readonly hideUsage: boolean) {}

  /** Every choice that will come has come; what may still follow is usage and the end mark. */
  get finished(): boolean {
    return this.over.size > 0 && [...this.begun].every((choice) => this.over.has(choice))
  }

  /** Takes the provider's next bytes; gives what goes to the caller now. */
  push(chunk: Buffer): ReadonlyArray<Buffer> {
    if (this.verdict === "done" || this.verdict === "failed") return []
    const frames = this.splitter.push(chunk)
    if (frames === undefined) {
      this.fail({ category: "malformed_response", message: "the provider's stream holds a frame that is too large" })
      return []
    }
    const released: Array<Buffer> = []
    for (const frame of frames) {
      this.take(frame, released)
      if (this.ended()) break
    }
    return released
  }

  /** The provider closed the connection: fine after a finish, else the stream was cut. */
  end(): ReadonlyArray<Buffer> {
    const released: Array<Buffer> = []
    const rest = this.splitter.rest()
    // Some vendors do not close the last frame with a blank line; what is only half of one is dropped.
    if (!this.ended() && rest.length > 0) this.read(Buffer.concat([rest, Buffer.from("\n\n")]), released)
    if (this.ended()) return released
    if (this.finished) this.verdict = "done"
    else this.fail({ category: "malformed_response", message: "the provider's stream ended before its end" })
    return released
  }

  private ended(): boolean {
    return this.verdict === "done" || this.verdict === "failed"
  }

  private fail(failure: Failure): void {
    this.verdict = "failed"
    this.failure = failure
    this.held = []
  }

  private take(frame: Buffer, released: Array<Buffer>): void {
    if (this.verdict === "committed" && passes(frame)) {
      this.begun.add(0)
      this.chunks++
      released.push(this.hideUsage ? withoutNullUsage(frame) : frame)
    } else this.read(frame, released)
  }

  private read(frame: Buffer, released: Array<Buffer>): void {
    const data = Sse.data(frame)
    if (data === undefined) {
      if (this.verdict === "committed") released.push(frame)
      return
    }
    if (Sse.eventName(frame) === "error") {
      this.fail(OpenAiChat.failureOf(data))
      return
    }
    if (OpenAiChat.isDone(data)) {
      if (this.verdict === "preamble") {
        this.fail({ category: "malformed_response", message: "the provider's stream ended without an answer" })
      } else this.verdict = "done"
      return
    }
    const read = OpenAiChat.readFrame(data)
    // No client could read it either.
    if (read === undefined) return
    if (read.failure !== undefined) {
      this.fail(read.failure)
      return
    }
    this.model ??= read.model
    if (read.usage !== undefined) this.usage = read.usage
    if (read.reportedCost !== undefined) this.reportedCost = read.reportedCost
    if (read.choices.length > 0 || read.usage !== undefined) this.chunks++
    for (const choice of read.choices) this.begun.add(choice)
    for (const choice of read.finishes) this.over.add(choice)
    if (this.hideUsage && read.usageOnly) return
    const shown = this.hideUsage ? withoutNullUsage(frame) : frame
    if (this.verdict === "committed") released.push(shown)
    else if (read.semantic) {
      released.push(...this.held, shown)
      this.held = []
      this.verdict = "committed"
    } else if (this.held.length < maxHeldFrames) this.held.push(shown)
  }
}

const lf = 0x0a
const space = 0x20
const zero = 0x30
const colon = 0x3a
const letterN = 0x6e
const openBrace = 0x7b
const closeBrace = 0x7d
const dataField = Buffer.from("data:")
const choicesKey = Buffer.from('"choices"')
const errorWord = Buffer.from('"error"')
const finishKey = Buffer.from('"finish_reason"')
const usageKey = Buffer.from('"usage"')
const indexKey = Buffer.from('"index"')

/**
 * Frames that cannot hold usage, an error, an end or a second choice need no parsing. Inside a JSON string the quotes
 * would be escaped, so these words as bytes are always keys or whole values.
 */
const passes = (frame: Buffer): boolean =>
  isOneObject(frame) &&
  frame.includes(choicesKey) &&
  !frame.includes(errorWord) &&
  everyValue(frame, finishKey, letterN) &&
  everyValue(frame, usageKey, letterN) &&
  everyValue(frame, indexKey, zero)

/** One line of data that looks like a whole JSON object; beside it could be the name of an event. */
const isOneObject = (frame: Buffer): boolean => {
  const start = frame[dataField.length] === space ? dataField.length + 1 : dataField.length
  const end = frame.length - 2
  return (
    frame[start] === openBrace &&
    frame[end - 1] === closeBrace &&
    frame.indexOf(lf) === end &&
    frame.subarray(0, dataField.length).equals(dataField)
  )
}

/** Do all values of this member, if there are any, begin with this byte? */
const everyValue = (frame: Buffer, key: Buffer, first: number): boolean => {
  for (let at = frame.indexOf(key); at >= 0; at = frame.indexOf(key, at + key.length)) {
    let value = at + key.length
    while (frame[value] === colon || frame[value] === space) value++
    if (frame[value] !== first) return false
  }
  return true
}

/** A vendor that was asked for usage says `"usage":null` in every other chunk; a caller who did not ask sees none. */
const withoutNullUsage = (frame: Buffer): Buffer => {
  if (!frame.includes(usageKey) || !everyValue(frame, usageKey, letterN)) return frame
  const from = frame.indexOf(openBrace)
  const to = frame.lastIndexOf(closeBrace) + 1
  if (frame.subarray(from, to).includes(lf)) return frame
  return Buffer.concat([
    frame.subarray(0, from),
    JsonSplice.edit(frame.subarray(from, to), { usage: undefined }),
    frame.subarray(to)
  ])
}
