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

const write = (
  headers: Record<string, string>,
  kind: keyof typeof names,
  { perMinute, remaining, reset }: Left,
  anthropicAt: number | undefined
): void => {
  const { anthropic, openai } = names[kind]
  headers[openai.limit] = String(perMinute)
  headers[openai.remaining] = String(remaining)
  headers[openai.reset] = duration(reset)
  if (anthropicAt === undefined) return
  headers[anthropic.limit] = String(perMinute)
  headers[anthropic.remaining] = String(remaining)
  // RFC 3339 in whole seconds.
  const at = new Date(Math.ceil((anthropicAt + reset) / 1000) * 1000)
  headers[anthropic.reset] = at.toISOString().replace(".000Z", "Z")
}

/** Written out: a name that is put together is looked up anew for every answer. */
const names = {
  requests: {
    openai: {
      limit: "x-ratelimit-limit-requests",
      remaining: "x-ratelimit-remaining-requests",
      reset: "x-ratelimit-reset-requests"
    },
    anthropic: {
      limit: "anthropic-ratelimit-requests-limit",
      remaining: "anthropic-ratelimit-requests-remaining",
      reset: "anthropic-ratelimit-requests-reset"
    }
  },
  tokens: {
    openai: {
      limit: "x-ratelimit-limit-tokens",
      remaining: "x-ratelimit-remaining-tokens",
      reset: "x-ratelimit-reset-tokens"
    },
    anthropic: {
      limit: "anthropic-ratelimit-tokens-limit",
      remaining: "anthropic-ratelimit-tokens-remaining",
      reset: "anthropic-ratelimit-tokens-reset"
    }
  }
} as const

/** As OpenAI writes it: `120ms`, `1.5s`, `6m0s`. */
const duration = (ms: number): string => {
  const whole = Math.ceil(ms)
  if (whole < 1_000) return `${whole}ms`
  const minutes = Math.floor(whole / 60_000)
  return `${minutes === 0 ? "" : `${minutes}m`}${(whole % 60_000) / 1_000}s`
}
