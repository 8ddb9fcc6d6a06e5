import type { Left, Quota } from "../limits/Claim.js"
import { isAnthropic, type Inbound, type WireReply } from "./WireReply.js"

/**
 * Tells a caller what its limits have left, under the names that clients read: OpenAI's, and on Anthropic's paths theirs too. `now` is
 * Unix ms.
 */
export const tell = (reply: WireReply, inbound: Inbound, quota: Quota | undefined, now: number): WireReply => {
  if (quota === undefined) return reply
  const headers = { ...reply.headers }
  for (const kind of ["requests", "tokens"] as const) {
    const left = quota[kind]
    if (left !== undefined) write(headers, kind, left, isAnthropic(inbound) ? now : undefined)
  }
  return { ...reply, headers }
}

const write = (headers: Record<string, string>, kind: string, left: Left, anthropicAt: number | undefined): void => {
  const { perMinute, remaining, reset } = left
  headers[`x-ratelimit-limit-${kind}`] = String(perMinute)
  headers[`x-ratelimit-remaining-${kind}`] = String(remaining)
  headers[`x-ratelimit-reset-${kind}`] = duration(reset)
  if (anthropicAt === undefined) return
  headers[`anthropic-ratelimit-${kind}-limit`] = String(perMinute)
  headers[`anthropic-ratelimit-${kind}-remaining`] = String(remaining)
  // RFC 3339 in whole seconds.
  const at = new Date(Math.ceil((anthropicAt + reset) / 1000) * 1000)
  headers[`anthropic-ratelimit-${kind}-reset`] = at.toISOString().replace(".000Z", "Z")
}

/** As OpenAI writes it: `120ms`, `1.5s`, `6m0s`. */
const duration = (ms: number): string => {
  const whole = Math.ceil(ms)
  if (whole < 1_000) return `${whole}ms`
  const minutes = Math.floor(whole / 60_000)
  return `${minutes === 0 ? "" : `${minutes}m`}${(whole % 60_000) / 1_000}s`
}
