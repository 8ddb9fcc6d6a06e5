import * as ChatEvent from "../domain/ChatEvent.js"
import type { Money } from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import type { Reading, StreamReader } from "./Dialects.js"
import * as ErrorSignals from "./ErrorSignals.js"
import type { Failure } from "./Failure.js"
import * as Json from "./Json.js"
import type { Splitter } from "./Splitter.js"
import * as Sse from "./Sse.js"

/** What a pushed chunk led to. `failed` is final, and so is `done`; nothing may be pushed afterwards. */
export type Verdict = "preamble" | "committed" | "done" | "failed"

/** What the caller gets to see of a provider's frames: the very bytes, or another dialect's. */
export interface Output {
  /** A frame that says something and nothing that the gateway must know, as it is shown; `undefined`: it must be read. */
  readonly glance: (frame: Buffer) => Buffer | undefined
  readonly show: (frame: Buffer, reading: Reading) => ReadonlyArray<Buffer>
  /** Frames that say nothing may be left out: whoever gets the rest misses nothing. */
  readonly sparing: boolean
  /** A frame without data. */
  readonly comment: (frame: Buffer) => ReadonlyArray<Buffer>
  /** What is still to be said when all has come; `open` are the choices that never said why they ended. */
  readonly close: (usage: Usage | undefined, open: ReadonlyArray<number>) => ReadonlyArray<Buffer>
  /** The provider's stream makes no sense any more. */
  readonly failure: () => Failure | undefined
}

/** How the frames of a stream are read and shown. */
export interface Way {
  readonly framing: "sse" | "ndjson"
  readonly splitter: Splitter
  readonly reader: StreamReader
  readonly output: Output
}

/** What may be held before the first output. */
const maxHeldBytes = 1024 * 1024
const maxHeldFrames = 4_096
const enoughFrames = 64

/**
 * One streamed answer from its first byte to its one end, whatever dialects it comes and goes in. Until the first semantic
 * output nothing is released, so that a failure can still fall over. Pure: it does no I/O and knows no time.
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

  /** Characters of what was read. */
  private heard = 0
  /** Of the frames that were glanced at: how many, and their bytes. */
  private glanced = 0
  private glancedBytes = 0
  /** The least bytes of a frame that are none of the answer: what is around the words of one that was read. */
  private around = Number.POSITIVE_INFINITY

  private held: Array<Buffer> = []
  private heldBytes = 0
  private cut = false
  /** Indices of the choices that have begun, and of those that have finished. */
  private readonly begun = new Set<number>()
  private readonly over = new Set<number>()

  constructor(private readonly way: Way) {}

  /** Every choice that will come has come; what may still follow is usage and the end mark. */
  get finished(): boolean {
    return this.over.size > 0 && [...this.begun].every((choice) => this.over.has(choice))
  }

  /** Each choice says why it ended, and none was cut short. */
  get complete(): boolean {
    return this.finished && !this.cut
  }

  /** About how many characters the answer has so far; what is around them is about as long in each frame. */
  get said(): number {
    return this.heard + (this.glanced === 0 ? 0 : this.glancedBytes - this.glanced * this.around)
  }

  /** Takes the provider's next bytes; gives what goes to the caller now. */
  push(chunk: Buffer): ReadonlyArray<Buffer> {
    if (this.ended()) return []
    const frames = this.way.splitter.push(chunk)
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
    const rest = this.way.splitter.rest()
    // Some vendors do not close the last frame; what is only half of one is dropped.
    if (!this.ended() && rest.length > 0) this.read(Buffer.concat([rest, frameEnd]), released)
    if (this.ended()) return released
    if (this.finished) this.close(released)
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

  private close(released: Array<Buffer>): void {
    const open = [...this.begun].filter((choice) => !this.over.has(choice))
    append(released, this.way.output.close(this.usage, open))
    this.verdict = "done"
  }

  private take(frame: Buffer, released: Array<Buffer>): void {
    const shown = this.verdict === "committed" ? this.way.output.glance(frame) : undefined
    if (shown === undefined) this.read(frame, released)
    else {
      this.begun.add(0)
      this.chunks++
      this.glanced++
      this.glancedBytes += frame.length
      // It says at least something.
      this.around = Math.min(this.around, frame.length - 1)
      released.push(shown)
    }
  }

  private read(frame: Buffer, released: Array<Buffer>): void {
    const { framing, output, reader } = this.way
    const data = framing === "sse" ? Sse.data(frame) : frame.toString("utf8")
    if (data === undefined) {
      if (this.verdict === "committed") append(released, output.comment(frame))
      return
    }
    const event = framing === "sse" ? Sse.eventName(frame) : undefined
    if (event === "error") return this.fail(ErrorSignals.ofErrorEvent(Json.parsed(data)))
    const reading = reader.read(data, event)
    // No client could read it either.
    if (reading === undefined) return
    if (reading.failure !== undefined) return this.fail(reading.failure)
    const before = this.heard
    this.note(reading)
    if (this.heard > before) this.around = Math.min(this.around, frame.length - (this.heard - before))
    const shown = output.show(frame, reading)
    const failure = output.failure()
    if (failure !== undefined) return this.fail(failure)
    this.release(reading, shown, released)
    if (!reading.done) return
    if (this.verdict === "committed") this.close(released)
    else this.fail({ category: "malformed_response", message: "the provider's stream ended without an answer" })
  }

  private note({ choices, events, model, reportedCost, usage }: Reading): void {
    this.model ??= model
    if (usage !== undefined) this.usage = usage
    if (reportedCost !== undefined) this.reportedCost = reportedCost
    if (choices.length > 0 || usage !== undefined) this.chunks++
    for (const choice of choices) this.begun.add(choice)
    for (const event of events) {
      if (event._tag === "Finish") {
        this.over.add(event.index)
        this.cut ||= ChatEvent.cutsShort(event)
      } else this.heard += ChatEvent.characters(event)
    }
  }

  private release(reading: Reading, shown: ReadonlyArray<Buffer>, released: Array<Buffer>): void {
    if (this.verdict === "committed") append(released, shown)
    else if (reading.events.length > 0 || reading.speaks) {
      append(released, this.held)
      append(released, shown)
      this.held = []
      this.verdict = "committed"
    } else if (!isPing(reading)) this.hold(shown)
  }

  private hold(frames: ReadonlyArray<Buffer>): void {
    // Some vendors send empty chunks for as long as a model thinks.
    if (this.way.output.sparing && this.held.length >= enoughFrames) return
    append(this.held, frames)
    for (const frame of frames) this.heldBytes += frame.length
    if (this.held.length <= maxHeldFrames && this.heldBytes <= maxHeldBytes) return
    this.fail({ category: "malformed_response", message: "the provider's stream does not come to its answer" })
  }
}

/** It tells nothing of the answer, so nobody misses it later. */
export const isPing = ({ choices, id, json, usage }: Reading): boolean =>
  json?.["type"] === "ping" || (choices.length === 0 && id === undefined && usage === undefined && json === undefined)

/** Without spreading: a frame may hold more than a call has arguments. */
const append = (target: Array<Buffer>, more: ReadonlyArray<Buffer>): void => {
  for (const each of more) target.push(each)
}

const frameEnd = Buffer.from("\n\n")
