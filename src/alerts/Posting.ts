import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Version from "../config/Version.js"
import * as HeaderTimes from "../protocol/HeaderTimes.js"
import * as Call from "../provider/Call.js"
import * as Timers from "../provider/Timers.js"
import type { Exchange, Incoming, IncomingHeaders, Transport, TransportFailure } from "../provider/Transport.js"
import type { AlertBody } from "./AlertBody.js"
import * as Message from "./Message.js"
import type { Target } from "./Target.js"

/** A webhook did not take an alert. `message` is a safe sentence. */
export class NotTaken extends Schema.TaggedError<NotTaken>()("AlertNotTaken", {
  message: Schema.String,
  status: Schema.UndefinedOr(Schema.Int),
  retryAfterMs: Schema.UndefinedOr(Schema.Number),
  /** It is the webhook that does not answer, and not this alert that it does not like. */
  awayFor: Schema.Literal("this", "all")
}) {}

/** Posts an alert, and gives the status. Redirects are not followed; it takes no longer than `timeout` (ms). */
export const post = (
  transport: Transport["Type"],
  target: Target,
  body: AlertBody,
  timeout: number
): Effect.Effect<number, NotTaken> =>
  Effect.clockWith((clock) =>
    Call.toEffect<number, NotTaken>(
      (done) => new Posting(transport, target, body, Timers.ofClock(clock), timeout, done).abort
    )
  )

class Posting implements Incoming {
  /** Not there yet when the transport fails on the spot. */
  private readonly exchange: Exchange | undefined
  private readonly stopTimer: Timers.Cancel
  private status = 0
  private headers: IncomingHeaders = {}
  private readonly chunks: Array<Buffer> = []
  private size = 0
  private settled = false

  constructor(
    transport: Transport["Type"],
    { format, origin, path }: Target,
    alert: AlertBody,
    private readonly timers: Timers.Timers,
    timeout: number,
    private readonly done: (result: Either.Either<number, NotTaken>) => void
  ) {
    this.stopTimer = timers.after(timeout, () => {
      this.settle(Either.left(away(`it did not answer within ${timeout} ms`)))
      this.exchange?.abort()
    })
    const headers = {
      "content-type": "application/json",
      "user-agent": `orelse/${Version.version}`,
      "idempotency-key": alert.id
    }
    this.exchange = transport.exchange(
      { origin, path: Redacted.value(path), method: "POST", headers, body: Buffer.from(Message.of(alert, format)) },
      this,
      timers
    )
    if (this.settled) this.exchange.abort()
  }

  readonly abort = (): void => {
    this.settled = true
    this.stopTimer()
    this.exchange?.abort()
  }

  onConnected(): void {}

  onHead(status: number, headers: IncomingHeaders): void {
    this.status = status
    this.headers = headers
  }

  onData(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.size += chunk.length
    if (this.size <= longestAnswer) return
    this.settle(this.outcome())
    this.exchange?.abort()
  }

  onEnd(): void {
    this.settle(this.outcome())
  }

  onFailure({ message }: TransportFailure): void {
    this.settle(Either.left(away(message)))
  }

  private outcome(): Either.Either<number, NotTaken> {
    const { status } = this
    if (status >= 200 && status < 300) return Either.right(status)
    const [, word] = /^\s*([a-z][a-z_]{1,62}[a-z])\s*$/.exec(Buffer.concat(this.chunks).toString("latin1")) ?? []
    const why =
      status >= 300 && status < 400
        ? "it redirects, which is not followed: set the address that it leads to"
        : `it answers with status ${status}${word === undefined ? "" : ` (${word})`}`
    return Either.left(
      new NotTaken({
        message: why,
        status,
        retryAfterMs: HeaderTimes.retryAfter(this.headers, status, this.timers.now()),
        awayFor: status === 400 || status === 413 || status === 422 ? "this" : "all"
      })
    )
  }

  private settle(result: Either.Either<number, NotTaken>): void {
    if (this.settled) return
    this.settled = true
    this.stopTimer()
    this.done(result)
  }
}

const away = (message: string): NotTaken =>
  new NotTaken({ message, status: undefined, retryAfterMs: undefined, awayFor: "all" })

/** In bytes; Slack says `ok`, or one word about what it did not like. */
const longestAnswer = 4_096
