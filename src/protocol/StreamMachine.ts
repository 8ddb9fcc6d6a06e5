import type { Money } from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import type { Failure } from "./Failure.js"
import * as JsonSplice from "./JsonSplice.js"
import * as OpenAiChat from "./OpenAiChat.js"
import * as Sse from "./Sse.js"

/** What a pushed chunk led to. `failed` is final, and so is `done`; nothing may be pushed afterwards. */
export type Verdict = "preamble" | "committed" | "done" | "failed"

/** What may be held before the first output; further empty frames are dropped, since they say nothing. */
const maxHeldBytes = 1024 * 1024
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
  private heldBytes = 0
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
    } else if (this.held.length < maxHeldFrames && this.heldBytes + shown.length <= maxHeldBytes) {
      this.held.push(shown)
      this.heldBytes += shown.length
    }
  }
}

const lf = 0x0a
const space = 0x20
const colon = 0x3a
const letterD = 0x64
const openBrace = 0x7b
const closeBrace = 0x7d
const field = "data:".length

/**
 * Frames that cannot hold usage, an error, an end or a second choice need no parsing. Inside a JSON string the quotes
 * would be escaped, so these words are always keys or whole values.
 */
const passes = (frame: Buffer): boolean => {
  if (!isObject(frame)) return false
  const text = frame.toString("latin1")
  return text.includes('"choices"') && !telling.test(text)
}

const telling = /"(?:error"|finish_reason"[ :]*[^ :n]|usage"[ :]*[^ :n]|index"[ :]*[^ :0])/

/** The frame's data look like a whole JSON object, and after them no event is named. */
const isObject = (frame: Buffer): boolean =>
  frame[0] === letterD &&
  frame[field - 1] === colon &&
  frame[frame[field] === space ? field + 1 : field] === openBrace &&
  frame[frame.length - 3] === closeBrace

/** A vendor that was asked for usage says `"usage":null` in every other chunk; a caller who did not ask sees none. */
const withoutNullUsage = (frame: Buffer): Buffer => {
  if (!frame.includes(usageKey)) return frame
  const usual = frame.indexOf(nullAfterChoices)
  if (usual >= 0) return without(frame, usual + nullAfterChoices.indexOf(","), usual + nullAfterChoices.length)
  const from = frame.indexOf(openBrace)
  const to = frame.lastIndexOf(closeBrace) + 1
  const json = frame.subarray(from, to)
  if (json.includes(lf) || someUsage.test(json.toString("latin1"))) return frame
  return Buffer.concat([frame.subarray(0, from), JsonSplice.edit(json, { usage: undefined }), frame.subarray(to)])
}

const usageKey = Buffer.from('"usage"')
const nullAfterChoices = Buffer.from('}],"usage":null')
const someUsage = /"usage"[ :]*[^ :n]/

const without = (frame: Buffer, from: number, to: number): Buffer =>
  Buffer.concat([frame.subarray(0, from), frame.subarray(to)])
