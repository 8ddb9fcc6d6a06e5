import * as Either from "effect/Either"
import type { Timeouts } from "../config/Settings.js"
import type { ProviderError } from "../domain/ProviderError.js"
import * as ErrorSignals from "../protocol/ErrorSignals.js"
import * as Failures from "./Failures.js"
import * as Terms from "./Terms.js"
import type { Exchange, Incoming, IncomingHeaders, Outgoing, Transport, TransportFailure } from "./Transport.js"
import { Watchdog } from "./Watchdog.js"

/** The end of a call with a 2xx status. */
export interface BufferedAnswer {
  readonly status: number
  readonly body: Buffer
}

/** More than any model writes; a provider that sends more is broken. */
const maxAnswerBytes = 64 * 1024 * 1024

/** One request and its whole answer. Calls back exactly once, or never after `abort`. */
export class BufferedCall implements Incoming {
  /** Not there yet when the transport fails on the spot. */
  private readonly exchange: Exchange | undefined
  private readonly watchdog: Watchdog
  private status = 0
  private headers: IncomingHeaders = {}
  private chunks: Array<Buffer> = []
  private size = 0
  private settled = false

  constructor(
    transport: Transport["Type"],
    outgoing: Outgoing,
    limits: Timeouts,
    private readonly call: Terms.Terms,
    private readonly fail: Failures.Fail,
    private readonly done: (result: Either.Either<BufferedAnswer, ProviderError>) => void
  ) {
    this.watchdog = new Watchdog(call.timers, limits, call.limit, (phase) => {
      this.settle(Either.left(Failures.timeout(fail, phase)))
      this.exchange?.abort()
    })
    this.exchange = transport.exchange(outgoing, this, call.timers)
    if (this.settled) this.exchange.abort()
  }

  readonly abort = (): void => {
    this.settled = true
    this.watchdog.stop()
    this.exchange?.abort()
  }

  onConnected(): void {
    this.call.onSent?.()
    this.watchdog.connected(false)
  }

  onHead(status: number, headers: IncomingHeaders): void {
    this.status = status
    this.headers = headers
    this.watchdog.heard()
    Terms.heard(this.call, status, headers)
  }

  onData(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.size += chunk.length
    if (this.size > maxAnswerBytes) {
      this.settle(Either.left(this.fail({ category: "malformed_response", message: "the answer is too large" })))
      this.exchange?.abort()
    }
  }

  onEnd(): void {
    const [first] = this.chunks
    const body = this.chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.chunks)
    const { headers, status } = this
    if (status >= 200 && status < 300) return this.settle(Either.right({ status, body }))
    const failure = Failures.reading(
      () => ErrorSignals.fromAnswer({ status, headers, body, now: this.call.timers.now() }),
      (unreadable) => Failures.within(unreadable, status)
    )
    this.settle(Either.left(this.fail(failure)))
  }

  onFailure(failure: TransportFailure): void {
    this.settle(Either.left(this.fail({ category: "network", message: failure.message })))
  }

  private settle(result: Either.Either<BufferedAnswer, ProviderError>): void {
    if (this.settled) return
    this.settled = true
    this.watchdog.stop()
    this.done(result)
  }
}
