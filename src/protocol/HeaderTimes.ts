import * as Predicate from "effect/Predicate"

/** Names in lower case. */
export type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** A header's value, or its first one. */
export const one = (value: Headers[string]): string | undefined => (typeof value === "string" ? value : value?.[0])

/** How long an answer asks to be waited for, in ms. `retry-after-ms` is the finer one where both are there. */
export const retryAfter = (headers: Headers, status: number, now: number): number | undefined =>
  number(one(headers["retry-after-ms"]), 1) ??
  number(one(headers["x-ms-retry-after-ms"]), 1) ??
  number(one(headers["retry-after"]), 1000) ??
  date(one(headers["retry-after"]), now) ??
  (status === 429 ? resets(headers, now) : undefined)

/** A bare number of units, in ms; never less than 0. */
export const number = (text: string | undefined, msPerUnit: number): number | undefined =>
  text !== undefined && /^ *-?\d{1,15}(?:\.\d+)? *$/.test(text)
    ? Math.max(0, Math.round(Number(text) * msPerUnit))
    : undefined

/** An HTTP date (all three forms of RFC 9110) or one of RFC 3339, as ms from `now`. */
export const date = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined || !/^(?:[A-Z][a-z]{2,8},? |\d{4}-\d\d-\d\dT)/.test(text)) return undefined
  const at = Date.parse(/(?:[A-Z]|[+-]\d\d:\d\d)$/.test(text) ? text : `${text} GMT`)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

/** A Go or protobuf duration in ms: `6m0s`, `12ms`, `34.4s`. A bare number has no unit and says nothing certain. */
export const duration = (text: unknown): number | undefined => {
  if (typeof text !== "string" || !/^(?:\d{1,15}(?:\.\d+)?(?:ms|us|[dhms]))+$/.test(text)) return undefined
  let ms = 0
  for (const [, amount, unit = ""] of text.matchAll(/([\d.]+)([a-z]+)/g)) ms += Number(amount) * (msPer[unit] ?? 0)
  return Math.round(ms)
}

const msPer: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3 }

/** `x-ratelimit-reset-tokens` and `anthropic-ratelimit-tokens-reset`, each only when nothing remains of its limit. */
const resets = (headers: Headers, now: number): number | undefined => {
  const waits = Object.keys(headers)
    .filter((name) => /^(?:x|anthropic)-ratelimit-.*reset/.test(name))
    .filter((name) => one(headers[name.replace("reset", "remaining")]) === "0")
    .map((name) => duration(one(headers[name])) ?? date(one(headers[name]), now))
    .filter(Predicate.isNumber)
  return waits.length === 0 ? undefined : Math.max(...waits)
}
