import type { ChatRequest } from "../domain/ChatRequest.js"
import type { Circuits } from "../health/Circuits.js"
import type { Health } from "../health/Health.js"
import * as Status from "../health/Status.js"
import * as InstanceLimits from "../limits/InstanceLimits.js"
import type { LearnedQuota } from "../limits/LearnedQuota.js"
import type { Refusal } from "../ledger/Purse.js"
import type { RateLimiter } from "../limits/RateLimiter.js"
import type { Candidate } from "./Candidate.js"

/** Why a candidate is left out that would have been asked, were it well. */
export type Reason = Status.Ailing["reason"] | "limit_reached" | "quota_low"

export const reasons: ReadonlySet<string> = new Set<Reason>([
  "unhealthy",
  "circuit_open",
  "half_open",
  "rate_limited",
  "limit_reached",
  "quota_low",
  "budget_exceeded"
])

/** Why a model of an instance is better not asked now. */
export interface Ailing {
  readonly reason: Reason
  /** A safe sentence. */
  readonly detail: string
  /** Unix ms; when it may be well again. */
  readonly until: number
}

/**
 * Only a guess, as a failed check or a quota that seems used up, or what may be waited for. Whoever has no other reason is
 * asked when nobody is well.
 */
export const isSoft = ({ reason }: Ailing): boolean => soft.has(reason)

const soft: ReadonlySet<Reason> = new Set<Reason>(["unhealthy", "quota_low", "limit_reached"])

/** What no budget pays for is not asked, now or in a moment. */
export const unpaid = ({ resetsAt, scope }: Refusal) =>
  ({
    reason: "budget_exceeded",
    detail: `the budget ${scope} does not pay for the call`,
    until: resetsAt ?? Number.POSITIVE_INFINITY
  }) as const

/** What plans are made with: what is known of the health, or else of the limits and quotas, for this request or for a short one. */
export const of = (
  circuits: Pick<Circuits["Type"], "ailment" | "forced">,
  health: Pick<Health["Type"], "latest">,
  quotas: Pick<LearnedQuota["Type"], "shortage">,
  limiter: Pick<RateLimiter["Type"], "shortage">,
  now: number,
  request?: ChatRequest
): ((candidate: Candidate) => Ailing | undefined) => {
  const illness = Status.ailments(circuits, health, now)
  return ({ instance, model }) => {
    const ill = illness(instance, model)
    if (ill !== undefined) return ill
    const reached = InstanceLimits.shortage(limiter, instance, now, request)
    if (reached !== undefined) return { reason: "limit_reached", ...reached }
    const shortage = quotas.shortage(instance, model, now, request)
    return shortage === undefined ? undefined : { reason: "quota_low", ...shortage }
  }
}
