import * as Money from "../domain/Money.js"
import type { LedgerEntry } from "./LedgerEntry.js"

/** By what calls are summed up. */
export type Dimension = "global" | "provider" | "instance" | "model" | "user" | "key"

/** Sums of rows of the ledger. Money is exact; what is unknown adds nothing. */
export interface Figures {
  /** Calls to providers: those that succeeded, failed, and were cancelled. An answer out of the cache is none. */
  readonly calls: number
  readonly successes: number
  readonly failures: number
  /** Neither: the caller hung up, another one was faster, or the gateway died. */
  readonly cancelled: number
  /** Answers out of the cache. */
  readonly hits: number
  /** Calls whose cost nobody knows. */
  readonly unpriced: number
  /** All that went into calls: fresh, out of the provider's cache and into it, audio. */
  readonly input_tokens: number
  /** All that came out of them: also thoughts and audio. */
  readonly output_tokens: number
  readonly cost_usd: Money.Money
  /** What hits would have cost. */
  readonly saved_usd: Money.Money
  /** Of the successes, together. */
  readonly ms: number
}

/** A row of `ledger_rollups`: the sums of a quarter of an hour. */
export interface Rollup extends Figures {
  readonly dimension: Dimension
  /** Which provider, instance, model, user or key; empty where the dimension is global. */
  readonly value: string
  /** When the quarter of an hour begins, as Unix ms. A day of every time zone is a whole number of them. */
  readonly bucket: number
}

/** A quarter of an hour in ms. */
export const quarter = 900_000

/** The start of the quarter of an hour that a time is in; both Unix ms. */
export const bucketOf = (at: number): number => Math.floor(at / quarter) * quarter

/** What a closed row of the ledger adds, or takes away again where `sign` is -1. */
export const rollupsOf = (entry: LedgerEntry, sign: 1 | -1 = 1): ReadonlyArray<Rollup> => {
  const figures = figuresOf(entry, sign)
  const bucket = bucketOf(Date.parse(entry.timestamp))
  const rollups = [
    row("global", "", bucket, figures),
    row("provider", entry.provider, bucket, figures),
    row("instance", entry.instance, bucket, figures),
    row("model", entry.model, bucket, figures)
  ]
  if (entry.user !== null) rollups.push(row("user", entry.user, bucket, figures))
  if (entry.key !== null) rollups.push(row("key", entry.key, bucket, figures))
  return rollups
}

/** No calls. */
export const none: Figures = {
  calls: 0,
  successes: 0,
  failures: 0,
  cancelled: 0,
  hits: 0,
  unpriced: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: Money.zero,
  saved_usd: Money.zero,
  ms: 0
}

/** Both together. */
export const plus = (a: Figures, b: Figures): Figures => ({
  calls: a.calls + b.calls,
  successes: a.successes + b.successes,
  failures: a.failures + b.failures,
  cancelled: a.cancelled + b.cancelled,
  hits: a.hits + b.hits,
  unpriced: a.unpriced + b.unpriced,
  input_tokens: a.input_tokens + b.input_tokens,
  output_tokens: a.output_tokens + b.output_tokens,
  cost_usd: Money.sum([a.cost_usd, b.cost_usd]),
  saved_usd: Money.sum([a.saved_usd, b.saved_usd]),
  ms: a.ms + b.ms
})

const figuresOf = (entry: LedgerEntry, sign: 1 | -1): Figures => {
  if (entry.outcome === "hit") return { ...none, hits: sign, saved_usd: money(entry.saved_usd, sign) }
  const isSuccess = entry.outcome === "success"
  const isFailure = entry.outcome === "failure"
  return {
    calls: sign,
    successes: isSuccess ? sign : 0,
    failures: isFailure ? sign : 0,
    cancelled: isSuccess || isFailure ? 0 : sign,
    hits: 0,
    unpriced: entry.cost_usd === null ? sign : 0,
    input_tokens: signed(inputOf(entry), sign),
    output_tokens: signed(outputOf(entry), sign),
    cost_usd: money(entry.cost_usd, sign),
    saved_usd: Money.zero,
    ms: isSuccess ? signed(entry.ms, sign) : 0
  }
}

const inputOf = (entry: LedgerEntry): number =>
  (entry.input_tokens ?? 0) +
  (entry.cache_read_tokens ?? 0) +
  (entry.cache_write_tokens ?? 0) +
  (entry.cache_write_1h_tokens ?? 0) +
  (entry.input_audio_tokens ?? 0)

const outputOf = (entry: LedgerEntry): number =>
  (entry.output_tokens ?? 0) + (entry.reasoning_tokens ?? 0) + (entry.output_audio_tokens ?? 0)

const money = (usd: string | null, sign: 1 | -1): Money.Money => {
  const amount = usd === null ? Money.zero : (Money.fromText(usd) ?? Money.zero)
  return sign === 1 ? amount : Money.Money.make(-amount)
}

/** Without a -0. */
const signed = (amount: number, sign: 1 | -1): number => (sign === 1 ? amount : 0 - amount)

/** No spread: this is made for every call. */
const row = (dimension: Dimension, value: string, bucket: number, of: Figures): Rollup => ({
  dimension,
  value,
  bucket,
  calls: of.calls,
  successes: of.successes,
  failures: of.failures,
  cancelled: of.cancelled,
  hits: of.hits,
  unpriced: of.unpriced,
  input_tokens: of.input_tokens,
  output_tokens: of.output_tokens,
  cost_usd: of.cost_usd,
  saved_usd: of.saved_usd,
  ms: of.ms
})
