import type { Attempt } from "../domain/Attempt.js"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import { DeadlineExceeded, FallbackExhausted, NobodyAvailable, ProviderFailed } from "../domain/GatewayError.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Plan } from "./Plan.js"

export type ChainError = ProviderFailed | FallbackExhausted | DeadlineExceeded | NobodyAvailable

/** A call that failed, at this time (Unix ms). */
export interface Failed {
  readonly error: ProviderError
  readonly at: number
}

/** A run of a plan in which nobody answered. */
export interface Unanswered {
  readonly plan: Plan
  readonly attempts: ReadonlyArray<Attempt>
  readonly failures: ReadonlyArray<Failed>
  /** How many of the plan were asked. */
  readonly candidates: number
  /** The last of the plan does not catch the last failure. */
  readonly passedOver: boolean
  /** When the first of them may be asked again, where all are out (Unix ms). */
  readonly recovery: number | undefined
  /** The deadline has passed. */
  readonly late: boolean
  /** Unix ms. */
  readonly now: number
}

/** What the caller is told when nobody answered. */
export const of = ({
  attempts,
  candidates,
  failures,
  late,
  now,
  passedOver,
  plan,
  recovery
}: Unanswered): ChainError => {
  const error = failures.at(-1)?.error
  if (error === undefined || late) return new DeadlineExceeded({ attempts, deadlineMs: plan.deadline })
  const again = recovery === undefined ? undefined : Math.max(soonest, Math.ceil(recovery - now))
  if (candidates === 1 || passedOver) {
    return new ProviderFailed({ error, attempts, ...(again === undefined ? {} : { retryAfterMs: again }) })
  }
  const retryable = failures.some((failure) => passing.has(failure.error.category))
  // Of each candidate the latest word counts.
  const latest = new Map(failures.map((failure) => [`${failure.error.instance}\n${failure.error.model}`, failure]))
  const named = [...latest.values()].flatMap(({ at, error: { retryAfterMs } }) =>
    retryAfterMs === undefined ? [] : [Math.max(soonest, Math.ceil(at + retryAfterMs - now))]
  )
  const waits = named.length > 0 || again === undefined || !retryable ? named : [again]
  return new FallbackExhausted({
    attempts,
    ...(waits.length === 0 ? {} : { retryAfterMs: Math.min(...waits) }),
    retryable
  })
}

/** Why nobody could be asked. */
export interface Unasked {
  /** For want of room: whoever is well has as many calls as it takes. */
  readonly full: boolean
  /** For want of room: whoever is well was asked as much in this minute as it may be. */
  readonly limited: boolean
  /** When somebody may be, in ms from now; infinite is unknown. */
  readonly wait: number
}

/** What the caller is told when nobody could be asked. */
export const nobody = (
  { asked }: Plan,
  attempts: ReadonlyArray<Attempt>,
  { full, limited, wait }: Unasked
): ChainError =>
  new NobodyAvailable({
    model: asked,
    attempts,
    full,
    ...(limited ? { limited } : {}),
    ...(Number.isFinite(wait) ? { retryAfterMs: Math.max(soonest, Math.ceil(wait)) } : {})
  })

/** In ms. */
const soonest = 250

/** Failures that may be gone at the next try. */
const passing: ReadonlySet<ErrorCategory> = new Set([
  "rate_limit",
  "timeout",
  "network",
  "provider_unavailable",
  "malformed_response"
])
