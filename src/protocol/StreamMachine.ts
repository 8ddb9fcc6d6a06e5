import type { Money } from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import type { Failure } from "./Failure.js"
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

  private readonly splitter = new Sse.FrameSplitter()
  private held: Array<Buffer> = []
  private sawFinish = false

  /** With `hideUsage` the gateway asked for usage that the caller did not ask for. */
  constructor(private readonly hideUsage: boolean) {}

  /** Every choice that will come has come; what may still follow is usage and the end mark. */
  get finished(): boolean {
    return this.sawFinish
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
    // Some vendors do not close the last frame with a blank line.
    if (!this.ended() && rest.length > 0) this.take(Buffer.concat([rest, Buffer.from("\n\n")]), released)
    if (this.ended()) return released
    if (this.sawFinish) this.verdict = "done"
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
      released.push(this.hideUsage ? withoutNullUsage(frame) : frame)
      return
    }
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
    if (read.failure !== undefined) {
      this.fail(read.failure)
      return
    }
    this.model ??= read.model
    if (read.usage !== undefined) this.usage = read.usage
    if (read.reportedCost !== undefined) this.reportedCost = read.reportedCost
    if (read.finished) this.sawFinish = true
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

const errorWord = Buffer.from('"error"')
const doneMark = Buffer.from("[DONE]")

/**
 * Frames that cannot hold usage, an error or the end need no parsing. Inside a JSON string the quotes would be escaped,
 * so these words as bytes are always keys or whole values.
 */
const passes = (frame: Buffer): boolean =>
  frame[0] === letterD &&
  !frame.includes(errorWord) &&
  !frame.includes(doneMark) &&
  !hasValue(frame, finishKey) &&
  !hasValue(frame, usageKey)

const finishKey = Buffer.from('"finish_reason"')
const usageKey = Buffer.from('"usage"')
const [letterD, letterN, colon, space] = Buffer.from("dn: ")

/** The member is there and is not null. */
const hasValue = (frame: Buffer, key: Buffer): boolean => {
  for (let at = frame.indexOf(key); at >= 0; at = frame.indexOf(key, at + key.length)) {
    let value = at + key.length
    while (frame[value] === colon || frame[value] === space) value++
    if (frame[value] !== letterN) return true
  }
  return false
}

const nullUsage = Buffer.from(',"usage":null')

/** A vendor that was asked for usage says `"usage":null` in every other chunk; a caller who did not ask sees none. */
const withoutNullUsage = (frame: Buffer): Buffer => {
  const at = frame.indexOf(nullUsage)
  return at < 0 ? frame : Buffer.concat([frame.subarray(0, at), frame.subarray(at + nullUsage.length)])
}
