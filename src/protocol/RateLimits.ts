import * as HeaderTimes from "./HeaderTimes.js"

/** What an answer says that remains of one of the limits of whoever asked. */
export interface RateLimit {
  readonly of: Limited
  readonly remaining: number
  /** The most that can remain. */
  readonly limit: number | undefined
  /** Unix ms. */
  readonly resetAt: number
  /** The reset is when all of it is there again; some of it is sooner. Else all of it comes at the reset. */
  readonly refills: boolean
}

/** What is counted; `tokens` are those of the input and the output together. */
export type Limited = "requests" | "tokens" | "input_tokens" | "output_tokens"

/**
 * The limits that an answer's headers name; `undefined` where they name none. A 429 that says when to come again leaves
 * nothing else to know: it is as if there were no limit after that. Read are `x-ratelimit-*` as OpenAI has it and
 * most others do (Groq, Azure, xAI, Fireworks; Cerebras and Mistral with a unit of time), the plain one of OpenRouter and
 * Together, and `anthropic-ratelimit-*`. The buckets of Anthropic and Cerebras refill evenly, as they say, and OpenAI's and
 * Azure's, as their numbers show (https://docs.claude.com/en/api/rate-limits,
 * https://inference-docs.cerebras.ai/support/rate-limits).
 */
export const read = (
  status: number,
  headers: HeaderTimes.Headers,
  now: number
): ReadonlyArray<RateLimit> | undefined => {
  if (status === 429 && HeaderTimes.retryAfter(headers, status, now) !== undefined) return none
  let found: Array<RateLimit> | undefined
  for (const form of forms) {
    const told = headers[form.remaining]
    if (told === undefined) continue
    const remaining = HeaderTimes.number(HeaderTimes.one(told), 1)
    if (remaining === undefined) continue
    found ??= []
    found.push(new Told(form, remaining, headers, now))
  }
  return found
}

const none: ReadonlyArray<RateLimit> = []

/** Most answers find plenty left, and nobody asks them for the rest: that is read when it is wanted. */
class Told implements RateLimit {
  readonly of: Limited
  readonly refills: boolean
  private readonly limitText: string | undefined
  private readonly resetText: string | undefined
  private readonly inMs: boolean
  private readonly window: number

  constructor(
    { limit, of, period, refills, reset, window }: Form,
    readonly remaining: number,
    headers: HeaderTimes.Headers,
    private readonly now: number
  ) {
    this.of = of
    this.refills = refills
    this.window = window
    this.limitText = HeaderTimes.one(headers[limit])
    this.resetText = HeaderTimes.one(headers[reset])
    this.inMs = period !== undefined && headers[period] !== undefined
  }

  get limit(): number | undefined {
    return HeaderTimes.number(this.limitText, 1)
  }

  get resetAt(): number {
    return this.now + (resetIn(this.resetText, this.inMs, this.now) ?? this.window)
  }
}

/** Names of the headers of one limit. */
interface Form {
  readonly of: Limited
  readonly remaining: string
  readonly limit: string
  readonly reset: string
  /** Azure: how long the limit's window is. */
  readonly period: string | undefined
  /** Where no reset is named, in ms. */
  readonly window: number
  readonly refills: boolean
}

const minute = 60_000

const dashed = (of: Limited, unit: string, window = minute): Form => ({
  of,
  remaining: `x-ratelimit-remaining-${unit}`,
  limit: `x-ratelimit-limit-${unit}`,
  reset: `x-ratelimit-reset-${unit}`,
  period: `x-ratelimit-renewalperiod-${unit}`,
  window,
  refills: true
})

const anthropic = (of: Limited, unit: string): Form => ({
  of,
  remaining: `anthropic-ratelimit-${unit}-remaining`,
  limit: `anthropic-ratelimit-${unit}-limit`,
  reset: `anthropic-ratelimit-${unit}-reset`,
  period: undefined,
  window: minute,
  refills: true
})

const forms: ReadonlyArray<Form> = [
  dashed("requests", "requests"),
  dashed("tokens", "tokens"),
  anthropic("requests", "requests"),
  anthropic("tokens", "tokens"),
  anthropic("input_tokens", "input-tokens"),
  anthropic("output_tokens", "output-tokens"),
  dashed("requests", "requests-minute"),
  dashed("requests", "requests-hour"),
  dashed("requests", "requests-day"),
  dashed("requests", "req-10-second", 10_000),
  dashed("requests", "req-minute"),
  dashed("tokens", "tokens-minute"),
  dashed("tokens", "tokens-hour"),
  dashed("tokens", "tokens-day"),
  {
    of: "requests",
    remaining: "x-ratelimit-remaining",
    limit: "x-ratelimit-limit",
    reset: "x-ratelimit-reset",
    period: undefined,
    window: minute,
    refills: false
  }
]

/**
 * In ms from now: a duration, a date, Unix time in ms (OpenRouter) or s (GitHub), or else seconds (Cerebras, Together). Azure
 * counts in ms (a quarter of a second for one of 240 requests a minute), and is told by its `renewalperiod`.
 */
const resetIn = (text: string | undefined, inMs: boolean, now: number): number | undefined => {
  const named = HeaderTimes.duration(text) ?? HeaderTimes.date(text, now)
  if (named !== undefined) return named
  const ms = HeaderTimes.number(text, 1000)
  if (ms === undefined) return undefined
  if (ms >= unixMs * 1000) return Math.max(0, ms / 1000 - now)
  if (ms >= unixSeconds * 1000) return Math.max(0, ms - now)
  return inMs ? ms / 1000 : ms
}

/** September 2001, in either unit: no time of today is less, and no time to wait is more. */
const unixMs = 1e12
const unixSeconds = 1e9
