import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { RetrySettings } from "../config/Settings.js"
import type { ProviderError } from "../domain/ProviderError.js"

/** What is left to a candidate when one of its calls has failed. */
export interface Remaining {
  /** Calls that this candidate may still make. */
  readonly calls: number
  /** Until this candidate's share of the deadline is over, in ms. */
  readonly ms: number
  /** Until it may be asked at all, in ms: another request may have been told to wait. */
  readonly wait: number
  /** The instance's retry budget pays for another call. */
  readonly paid: boolean
  /** It has been asked again already. */
  readonly again: boolean
  /** Another candidate would take over from this failure. */
  readonly successor: boolean
}

/** A rate limit that passes sooner than this is waited for although somebody else could answer, in ms. */
const shortWait = 5_000

/** Is the same candidate worth another call after this failure? */
export const mayRetry = (error: ProviderError, settings: RetrySettings, remaining: Remaining): boolean => {
  const hint = Math.max(error.retryAfterMs ?? 0, remaining.wait)
  if (remaining.wait > shortWait && remaining.successor) return false
  if (remaining.calls <= 0 || !remaining.paid || hint >= remaining.ms || error.shouldRetry === false) return false
  switch (error._tag) {
    // A second try with the same key or an empty account cannot help, whatever the provider says.
    case "AuthFailed":
    case "QuotaExceeded":
      return false
    case "RateLimited":
      // Waiting is for once, where somebody else could answer.
      return wanted(error, settings) && ((hint <= shortWait && !remaining.again) || !remaining.successor)
    case "ProviderUnavailable":
      // Overloaded: more calls make it worse, so who can move on does.
      if (remaining.successor && (error.status === 503 || error.status === 529)) return false
      return wanted(error, settings)
    case "ProviderTimeout":
      // The caller has waited once already, and the provider may bill what it was doing.
      if (error.phase === "share" || error.phase === "deadline") return false
      return wanted(error, settings) && (error.phase === "connect" || !remaining.successor)
    default:
      return wanted(error, settings)
  }
}

const wanted = (error: ProviderError, settings: RetrySettings): boolean =>
  error.shouldRetry === true || settings.on.some((category) => category === error.category)

/**
 * The delays between calls to one candidate: exponential, capped, jittered, and never shorter than the provider asked
 * for. It ends when the failure is not worth another call.
 */
export const schedule = (
  settings: RetrySettings,
  remaining: () => Remaining
): Schedule.Schedule<unknown, ProviderError> =>
  Schedule.exponential(Duration.millis(settings.baseDelay), settings.multiplier).pipe(
    Schedule.intersect(Schedule.identity<ProviderError>()),
    Schedule.whileInput((error: ProviderError) => mayRetry(error, settings, remaining())),
    Schedule.modifyDelayEffect(([, error], delay) =>
      Effect.map(Random.next, (random) => {
        const { ms, wait } = remaining()
        const capped = Math.min(Duration.toMillis(delay), settings.maxDelay, ms / 2)
        const jittered = settings.jitter === "full" ? capped * random : capped
        return Duration.millis(Math.ceil(Math.max(jittered, error.retryAfterMs ?? 0, wait)))
      })
    )
  )
