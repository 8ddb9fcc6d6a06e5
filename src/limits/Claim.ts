import type { Take } from "./RateLimitStore.js"
import type { Level, Rate } from "./TokenBucket.js"

/** A limit that holds somebody. */
export interface Limit {
  /** Names its buckets: who has the same id shares them, and a limit that was changed keeps what was used of it. */
  readonly id: string
  /** Whom it holds, as in the config file. */
  readonly scope: string
  readonly requests: Rate | undefined
  readonly tokens: Rate | undefined
  /** Absent: nobody waits for it. `timeout` is in ms. */
  readonly queue: { readonly max: number; readonly timeout: number } | undefined
}

/** One request, so many tokens of it as are likely, and every limit that it is held to. */
export interface Claim {
  readonly limits: ReadonlyArray<Limit>
  readonly tokens: number
  /** Of the line that it would wait in: owners have a turn after the other. */
  readonly owner: string
}

export type Kind = "requests" | "tokens"

/** What is left of one kind of limit. */
export interface Left {
  readonly perMinute: number
  readonly remaining: number
  /** Until all of it is there, in ms. */
  readonly reset: number
}

/** What is left to somebody, of the limit that is the nearest to its end. */
export interface Quota {
  readonly requests: Left | undefined
  readonly tokens: Left | undefined
}

/** One bucket of a claim. */
export interface Part extends Take {
  readonly limit: Limit
  readonly kind: Kind
}

/** The buckets of a claim. */
export const partsOf = ({ limits, tokens }: Pick<Claim, "limits" | "tokens">): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  for (const limit of limits) {
    if (limit.requests !== undefined) parts.push(part(limit, "requests", limit.requests, 1))
    if (limit.tokens !== undefined) parts.push(part(limit, "tokens", limit.tokens, tokens))
  }
  return parts
}

const part = (limit: Limit, kind: Kind, rate: Rate, amount: number): Part => ({
  bucket: `${limit.id}/${kind}`,
  rate,
  amount,
  limit,
  kind
})

/** The least that is left of each kind. */
export const quotaOf = (parts: ReadonlyArray<Part>, levels: ReadonlyArray<Level>): Quota => {
  let [requests, tokens]: [Left | undefined, Left | undefined] = [undefined, undefined]
  for (const [at, { kind, rate }] of parts.entries()) {
    const level = levels[at]
    if (level === undefined) continue
    const left = { perMinute: rate.perMinute, remaining: Math.max(0, Math.floor(level.remaining)), reset: level.reset }
    if (kind === "requests" && left.remaining < (requests?.remaining ?? Number.POSITIVE_INFINITY)) requests = left
    if (kind === "tokens" && left.remaining < (tokens?.remaining ?? Number.POSITIVE_INFINITY)) tokens = left
  }
  return { requests, tokens }
}
