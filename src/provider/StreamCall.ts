import * as Either from "effect/Either"
import type { Timeouts } from "../config/Settings.js"
import type { Money } from "../domain/Money.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Usage } from "../domain/Usage.js"
import * as ErrorSignals from "../protocol/ErrorSignals.js"
import type { Failure } from "../protocol/Failure.js"
import type { Lost } from "../protocol/Lossiness.js"
import type { OngoingAnswer } from "../protocol/OngoingAnswer.js"
import { StreamMachine, type Way } from "../protocol/StreamMachine.js"
import * as Failures from "./Failures.js"
import * as Terms from "./Terms.js"
import type { Cancel } from "./Timers.js"
import type { Exchange, Incoming, IncomingHeaders, Outgoing, Transport, TransportFailure } from "./Transport.js"
import { Watchdog } from "./Watchdog.js"

/** Takes the frames of a committed stream, and its one end. */
export interface StreamSink {
  /** Whole frames, as bytes. */
  readonly onFrames: (frames: ReadonlyArray<Buffer>) => void
  /** `undefined` is a clean end. */
  readonly onEnd: (error: ProviderError | undefined) => void
}

/** A stream that has said something. Nothing more is read from the provider until it is started. */
export interface ProviderStream {
  readonly status: number
  /** What of the request the provider was not told. */
  readonly lost: ReadonlySet<Lost>
  /** What it is a part of, where others may go on with it when it breaks. */
  readonly answer: OngoingAnswer | undefined
  /** Once. */
  readonly start: (sink: StreamSink) => void
  readonly pause: () => void
  readonly resume: () => void
  /** Closes the provider's socket at once; the sink hears nothing more. */
  readonly abort: () => void
  /** What the provider has reported so far. */
  readonly model: () => string | undefined
  readonly usage: () => Usage | undefined
  readonly reportedCost: () => Money | undefined
  /** Each choice has said why it ended, and none was cut short. */
  readonly complete: () => boolean
  /** About how many characters of an answer have come. */
  readonly said: () => number
}

/** How long a provider may take to close an answer that has ended, in ms. */
const drainTime = 1_000

/** An error answer beyond this is cut: no vendor explains itself at such length. */
const maxErrorBytes = 1024 * 1024

/**
 * One streamed call. Calls back once: with the failure, as long as nothing was said, or with the stream at its first
 * semantic output.
 */
export class StreamCall implements Incoming, ProviderStream {
  status = 0
  readonly answer: OngoingAnswer | undefined

  /** Not there yet when the transport fails on the spot. */
  private readonly exchange: Exchange | undefined
  private readonly watchdog: Watchdog
  private readonly machine: StreamMachine
  private headers: IncomingHeaders = {}
  /** The answer when it is no stream. */
  private plain: Array<Buffer> | undefined = undefined
  private plainSize = 0
  private sink: StreamSink | undefined = undefined
  /** What was released before somebody listened. */
  private waiting: Array<Buffer> = []
  private end: { readonly error: ProviderError | undefined } | undefined = undefined
  private closed = false
  /** Nobody listens any more. */
  private left = false
  private stopDraining: Cancel | undefined = undefined

  constructor(
    transport: Transport["Type"],
    outgoing: Outgoing,
    limits: Timeouts,
    private readonly call: Terms.Terms & { readonly answer?: OngoingAnswer | undefined },
    private readonly way: Way,
    readonly lost: ReadonlySet<Lost>,
    private readonly fail: Failures.Fail,
    private readonly done: (result: Either.Either<ProviderStream, ProviderError>) => void
  ) {
    this.answer = call.answer
    this.machine = new StreamMachine(way)
    this.watchdog = new Watchdog(call.timers, limits, call.limit, (phase) => {
      this.exchange?.abort()
      // All was said; only the end mark is missing.
      if (this.machine.finished && phase === "idle") this.release(this.reading(() => this.machine.end()))
      else this.close(Failures.timeout(fail, phase))
    })
    this.exchange = transport.exchange(outgoing, this, call.timers)
    if (this.closed) this.exchange.abort()
  }

  // ------------------------------------------------------------------------------------------ from the provider

  onConnected(): void {
    this.call.onSent?.()
    this.watchdog.connected(true)
  }

  onHead(status: number, headers: IncomingHeaders): void {
    this.status = status
    this.headers = headers
    Terms.heard(this.call, status, headers)
    const type = headers["content-type"]
    const isJson = typeof type === "string" && /^application\/(?:[\w.-]+\+)?json\b/i.test(type)
    const streams = status >= 200 && status < 300 && (this.way.framing === "ndjson" || !isJson)
    if (!streams) this.plain = []
  }

  onData(chunk: Buffer): void {
    if (this.closed) return
    if (this.plain === undefined) {
      const { machine } = this
      const before = machine.chunks
      const frames = this.reading(() => machine.push(chunk))
      // Comments and pings are no sign of life of the model. Before the sink, which may pause the watch.
      if (machine.verdict === "committed" && machine.chunks > before) this.watchdog.progress()
      this.release(frames)
    } else if (this.plainSize < maxErrorBytes) {
      this.plain.push(chunk)
      this.plainSize += chunk.length
    }
  }

  onEnd(): void {
    this.stopDraining?.()
    if (this.closed) return
    if (this.plain === undefined) this.release(this.reading(() => this.machine.end()))
    else this.close(this.notAStream(Buffer.concat(this.plain)))
  }

  onFailure(failure: TransportFailure): void {
    this.close(this.failed({ category: "network", message: failure.message }))
  }

  // ------------------------------------------------------------------------------------------ to the caller

  readonly start = (sink: StreamSink): void => {
    this.sink = sink
    const { waiting } = this
    this.waiting = []
    if (waiting.length > 0) sink.onFrames(waiting)
    // The sink may have hung up.
    if (this.left) return
    if (this.end !== undefined) sink.onEnd(this.end.error)
    else this.resume()
  }

  readonly pause = (): void => {
    if (this.closed) return
    this.watchdog.pause()
    this.exchange?.pause()
  }

  readonly resume = (): void => {
    if (this.closed) return
    this.watchdog.progress()
    this.exchange?.resume()
  }

  readonly abort = (): void => {
    this.closed = true
    this.left = true
    this.watchdog.stop()
    this.exchange?.abort()
  }

  readonly model = (): string | undefined => this.machine.model

  readonly usage = (): Usage | undefined => this.machine.usage

  readonly reportedCost = (): Money | undefined => this.machine.reportedCost

  readonly complete = (): boolean => this.machine.complete

  readonly said = (): number => this.machine.said

  // ------------------------------------------------------------------------------------------ inside

  private release(frames: ReadonlyArray<Buffer>): void {
    const { machine } = this
    const commits = this.sink === undefined && this.waiting.length === 0 && frames.length > 0
    if (this.sink === undefined) this.waiting.push(...frames)
    else if (frames.length > 0) this.sink.onFrames(frames)
    // The sink may have hung up.
    if (this.closed) return
    if (commits) this.commit()
    if (machine.verdict === "done") this.close(undefined)
    else if (machine.failure !== undefined) this.close(this.failed(machine.failure))
  }

  private commit(): void {
    this.pause()
    // From here the request's deadline no longer counts, only the limits of the attempt.
    this.watchdog.commit()
    this.done(Either.right(this))
  }

  private close(error: ProviderError | undefined): void {
    if (this.closed) return
    this.closed = true
    this.watchdog.stop()
    if (error === undefined) this.drain()
    else this.exchange?.abort()
    const committed = this.sink !== undefined || this.waiting.length > 0
    if (!committed) {
      const nothing: Failure = { category: "malformed_response", message: "the provider's stream said nothing" }
      this.done(Either.left(error ?? this.failed(nothing)))
    } else if (this.sink === undefined) this.end = { error }
    else this.sink.onEnd(error)
  }

  /** What the machine gives; an answer that it cannot read at all has failed. */
  private reading(read: () => ReadonlyArray<Buffer>): ReadonlyArray<Buffer> {
    return Failures.reading(read, (unreadable) => {
      this.close(this.failed(unreadable))
      return []
    })
  }

  /** After its end mark a provider closes its answer; waiting for that keeps the connection for the next call. */
  private drain(): void {
    const { exchange } = this
    if (exchange === undefined) return
    exchange.resume()
    this.stopDraining = this.call.timers.after(drainTime, exchange.abort)
  }

  private notAStream(body: Buffer): ProviderError {
    const { headers, status } = this
    if (status >= 200 && status < 300) {
      const failure = Failures.reading(
        () => ErrorSignals.fromErrorValue(parse(body), undefined),
        (unreadable) => unreadable
      )
      const message = "the provider answered a stream request without a stream"
      return this.failed(failure ?? { category: "malformed_response", message })
    }
    return this.failed(
      Failures.reading(
        () => ErrorSignals.fromAnswer({ status, headers, body, now: this.call.timers.now() }),
        (unreadable) => unreadable
      )
    )
  }

  private failed(failure: Failure): ProviderError {
    return this.fail(Failures.within(failure, this.status))
  }
}

const parse = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString("utf8"))
  } catch {
    return undefined
  }
}
