import type { InstanceSettings } from "../config/Settings.js"
import { local, type Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import { ofInstance, nameOf } from "./CallerLimits.js"
import type { Claim } from "./Claim.js"
import * as LikelyTokens from "./LikelyTokens.js"
import type { RateLimiter } from "./RateLimiter.js"

/** Why an instance is better not asked now. */
export interface Shortage {
  /** A safe sentence. */
  readonly detail: string
  /** Unix ms. */
  readonly until: number
}

/** What a call wants of the limit of an instance; `undefined`: it is held to none. Without a request: the shortest one. */
export const claimOf = (
  instance: InstanceSettings,
  request?: ChatRequest,
  caller: Caller = local
): Claim | undefined => {
  const limit = ofInstance(instance)
  // Anthropic limits the counting of tokens apart from all else.
  if (limit === undefined || request?.dialect === "anthropic-count-tokens") return undefined
  const tokens = request === undefined ? 0 : LikelyTokens.of(request)
  // It is a guess, and the provider judges what is really too much: the largest ones wait until all is there.
  return { limits: [limit], tokens: Math.min(tokens, limit.tokens?.capacity ?? 0), owner: nameOf(caller) }
}

/** Has an instance been asked as much in this minute as it may be? */
export const shortage = (
  limiter: Pick<RateLimiter["Type"], "shortage">,
  instance: InstanceSettings,
  now: number,
  request?: ChatRequest
): Shortage | undefined => {
  if (instance.rateLimit === undefined) return undefined
  const claim = claimOf(instance, request)
  const refusal = claim && limiter.shortage(claim)
  if (refusal === undefined) return undefined
  const { kind, limit, wait } = refusal
  const seconds = Math.max(1, Math.ceil(wait / 1000))
  return {
    detail: `its limit of ${limit[kind]?.perMinute} ${kind} a minute is used up for ${seconds} s`,
    until: now + wait
  }
}
