import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type { Attempt } from "../domain/Attempt.js"
import { local } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { GatewayError } from "../domain/GatewayError.js"
import type { ChatReply, ChatReplyStream } from "../gateway/ChatReply.js"
import type { Gateway } from "../gateway/Gateway.js"
import type * as Call from "../provider/Call.js"
import type { Cancel, Timers } from "../provider/Timers.js"
import { AttemptLog } from "../routing/AttemptLog.js"
import type { Arrival } from "./Arrivals.js"

/** What became of a request. Times in ms. */
export interface Ended {
  readonly arrival: Arrival
  /** `undefined`: it was answered, to the end. */
  readonly failure: string | undefined
  /** Who answered, also where a stream broke later. */
  readonly instance: string | undefined
  /** Of a stream, from its arrival. */
  readonly firstToken: number | undefined
  readonly total: number
  readonly attempts: ReadonlyArray<Attempt>
}

/** What the requests are sent to. */
export interface Target {
  readonly gateway: Pick<Gateway["Type"], "startComplete" | "startOpen">
  readonly timers: Timers
  /** Of what goes on after a failure. */
  readonly runtime: Runtime.Runtime<never>
  readonly requestOf: (arrival: Arrival) => ChatRequest
  /** After so many ms a caller hangs up. */
  readonly patience: number | undefined
  readonly ended: (ended: Ended) => void
}

/** Sends each request when it arrives, until all have ended. Gives the number of fibers that still have not, when asked. */
export const run = (arrivals: Iterator<Arrival, void>, target: Target): Effect.Effect<() => number> =>
  Effect.async<() => number>((resume) => {
    const { timers } = target
    const start = timers.now()
    let [underWay, fibers, coming] = [0, 0, true]
    const finish = (): void => resume(Effect.succeed(() => fibers))
    const leave = (): void => {
      underWay--
      if (underWay === 0 && !coming) finish()
    }
    const next = (): void => {
      const { done, value } = arrivals.next()
      if (done === true || value === undefined) {
        coming = false
        if (underWay === 0) finish()
        return
      }
      timers.after(start + value.at - timers.now(), () => {
        underWay++
        const asking = new Asking(value, target, {
          ended: leave,
          fiber: (change) => (fibers += change),
          died: (cause) => resume(Effect.failCause(cause))
        })
        asking.start()
        next()
      })
    }
    next()
  })

interface Listener {
  readonly ended: () => void
  readonly fiber: (change: 1 | -1) => void
  readonly died: (cause: Cause.Cause<never>) => void
}

/** One request on its way. */
class Asking {
  private readonly log: AttemptLog
  private readonly startedAt: number
  private cancel: Cancel | undefined = undefined
  private stopWaiting: Cancel | undefined = undefined
  private over = false
  private instance: string | undefined = undefined
  private firstToken: number | undefined = undefined

  constructor(
    private readonly arrival: Arrival,
    private readonly target: Target,
    private readonly listener: Listener
  ) {
    const { timers } = target
    this.startedAt = timers.now()
    this.log = new AttemptLog(timers.now)
  }

  start(): void {
    const { arrival, target } = this
    const { gateway, patience, requestOf, timers } = target
    if (patience !== undefined) this.stopWaiting = timers.after(patience, () => this.hangUp())
    const request = requestOf(arrival)
    if (arrival.streamed) this.begin(gateway.startOpen(timers, request, local, this.log), (reply) => this.read(reply))
    else this.begin(gateway.startComplete(timers, request, local, this.log), (reply) => this.take(reply))
  }

  private begin<A>(start: Call.Start<A, GatewayError>, use: (reply: A) => void): void {
    let begun = false
    const cancel = start((outcome) => {
      begun = true
      if (Either.isRight(outcome)) use(outcome.right)
      else this.goOn(outcome.left, use)
    })
    // It may have gone on already, to something that is cancelled in another way.
    if (!begun) this.cancel = cancel
  }

  private goOn<A>(effect: Effect.Effect<A, GatewayError>, use: (reply: A) => void): void {
    this.listener.fiber(1)
    const fiber = Runtime.runFork(this.target.runtime)(effect)
    this.cancel = () => fiber.unsafeInterruptAsFork(FiberId.none)
    fiber.addObserver((exit) => {
      this.listener.fiber(-1)
      if (Exit.isSuccess(exit)) return use(exit.value)
      const failure = Cause.failureOrCause(exit.cause)
      if (Either.isLeft(failure)) this.end(codeOf(failure.left), this.log.view())
      else if (!Cause.isInterruptedOnly(failure.right)) this.listener.died(failure.right)
    })
  }

  private take({ attempts, instance }: ChatReply): void {
    this.instance = instance
    this.end(undefined, attempts)
  }

  private read(reply: ChatReplyStream): void {
    this.instance = reply.instance
    this.firstToken = this.target.timers.now() - this.startedAt
    this.cancel = reply.cancel
    reply.start({
      onFrames: () => {},
      onEnd: ({ attempts, error }) => this.end(error === undefined ? undefined : "broken_stream", attempts)
    })
  }

  private hangUp(): void {
    this.cancel?.()
    this.end("caller_hung_up", this.log.view())
  }

  private end(failure: string | undefined, attempts: ReadonlyArray<Attempt>): void {
    if (this.over) return
    this.over = true
    this.stopWaiting?.()
    const { arrival, firstToken, instance, startedAt, target } = this
    target.ended({ arrival, failure, instance, firstToken, total: target.timers.now() - startedAt, attempts })
    this.listener.ended()
  }
}

/** The codes that a caller would see. */
const codeOf = (error: GatewayError): string => {
  switch (error._tag) {
    case "RequestRejected":
      return error.code ?? "invalid_request"
    case "ModelNotServed":
      return "model_not_found"
    case "ProviderFailed":
      return error.error.category
    case "DeadlineExceeded":
      return "deadline_exceeded"
    case "LimitReached":
      return "rate_limit_exceeded"
    case "NobodyAvailable":
      return error.limited === true ? "rate_limit_exceeded" : "no_provider_available"
    case "FallbackExhausted":
      return "fallback_exhausted"
    case "BudgetExceeded":
      return "budget_exceeded"
    case "BudgetUnavailable":
      return "budget_unavailable"
    case "CostUnbounded":
      return "cost_unbounded"
  }
}
