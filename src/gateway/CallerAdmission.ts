import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { naming, type Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import { LimitReached, type GatewayError } from "../domain/GatewayError.js"
import { total, type Usage } from "../domain/Usage.js"
import { nameOf, type LimitsOf } from "../limits/CallerLimits.js"
import type { Claim } from "../limits/Claim.js"
import * as LikelyTokens from "../limits/LikelyTokens.js"
import type { Grant, RateLimiter, Refusal } from "../limits/RateLimiter.js"
import * as Call from "../provider/Call.js"
import type { Timers } from "../provider/Timers.js"
import { AttemptLog } from "../routing/AttemptLog.js"
import type { ChatReply, ChatReplyStream } from "./ChatReply.js"

/** Starts to serve a request, on these timers; its calls are in `log` as they are made. */
export type Starter<B> = (
  timers: Timers,
  request: ChatRequest,
  caller: Caller,
  log?: AttemptLog
) => Call.Start<B, GatewayError>

/** Is told what a request has used; `undefined`: nobody knows. */
export type Used = (usage: Usage | undefined) => void

/**
 * The same for callers within their limits, under the names of their end users. Tokens are taken as they are likely, and
 * corrected as soon as somebody knows better, which `follow` tells. Whoever is admitted at once costs no fiber.
 */
export const within =
  <B>(
    limiter: RateLimiter["Type"],
    limitsNow: () => LimitsOf | undefined,
    start: Starter<B>,
    follow: (reply: B, used: Used) => B
  ): Starter<B> =>
  (timers, request, asker, log = new AttemptLog(timers.now)) => {
    const caller = naming(asker, request.user)
    const limits = limitsNow()?.(caller)
    if (limits === undefined || limits.length === 0) return start(timers, request, caller, log)
    const claim: Claim = { limits, tokens: LikelyTokens.of(request), owner: nameOf(caller) }

    const granted =
      (grant: Grant): Call.Start<B, GatewayError> =>
      (goOn) => {
        log.quota = grant.quota
        const used: Used = (usage) => {
          if (usage !== undefined) grant.settle(total(usage))
        }
        return start(
          timers,
          request,
          caller,
          log
        )((outcome) =>
          goOn(
            Either.mapBoth(outcome, {
              onRight: (reply) => follow(reply, used),
              onLeft: (rest) =>
                Effect.tapErrorCause(
                  Effect.map(rest, (reply) => follow(reply, used)),
                  (cause) =>
                    // Whoever hangs up may have been answered by then.
                    Effect.sync(() => (Cause.isInterrupted(cause) ? undefined : grant.settle(usedIn(log))))
                )
            })
          )
        )
      }
    const decided = (result: Grant | Refusal): Effect.Effect<B, GatewayError> => {
      if (result._tag === "Grant") return Call.run(granted(result))
      log.quota = result.quota
      return mayWait(result) ? waited : Effect.fail(reached(result))
    }
    const waited = Effect.suspend(() => {
      let kept: Grant | undefined
      return Effect.async<Grant | Refusal>((resume) => {
        const leave = limiter.wait(claim, (result) => {
          // Kept before anybody is told, so that an interruption in between loses nothing.
          if (result._tag === "Grant") kept = result
          resume(Effect.succeed(result))
        })
        return Effect.sync(leave)
      }).pipe(
        Effect.flatMap((result) => {
          kept = undefined
          if (result._tag === "Grant") return Call.run(granted(result))
          log.quota = result.quota
          return Effect.fail(reached(result))
        }),
        Effect.onInterrupt(() => Effect.sync(() => kept?.giveBack()))
      )
    })
    return (goOn) => {
      const taken = limiter.take(claim)
      if (Either.isRight(taken) && taken.right._tag === "Grant") return granted(taken.right)(goOn)
      goOn(Either.left(Either.isRight(taken) ? decided(taken.right) : Effect.flatMap(taken.left, decided)))
      return () => {}
    }
  }

/** Follows a whole answer: what it has used is known. */
export const buffered = (reply: ChatReply, used: Used): ChatReply => {
  used(reply.answer.usage)
  return reply
}

/** Follows a stream to its end. */
export const streamed = (reply: ChatReplyStream, used: Used): ChatReplyStream => ({
  ...reply,
  start: (sink) =>
    reply.start({
      onFrames: sink.onFrames,
      onEnd: (end) => {
        used(end.usage)
        sink.onEnd(end)
      }
    }),
  cancel: () => {
    const end = reply.cancel()
    used(end.usage)
    return end
  }
})

/** Is there a line to wait in, and would the turn come in time? */
const mayWait = ({ limit: { queue }, wait }: Refusal): boolean => queue !== undefined && wait <= queue.timeout

const reached = ({ amount, kind, limit, wait }: Refusal): LimitReached => {
  const rate = limit[kind]
  return new LimitReached({
    scope: limit.scope,
    kind,
    perMinute: rate?.perMinute ?? 0,
    capacity: rate?.capacity ?? 0,
    wanted: amount,
    ...(Number.isFinite(wait) ? { retryAfterMs: Math.ceil(wait) } : {})
  })
}

/** Tokens of all calls that told them. */
const usedIn = (log: AttemptLog): number =>
  log.view().reduce((sum, { usage }) => sum + (usage === undefined ? 0 : total(usage)), 0)
