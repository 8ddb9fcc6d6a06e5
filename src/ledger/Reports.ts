import * as Schema from "effect/Schema"

/** What the routes of analytics answer, and `orelse costs --json` prints. Money is USD as a decimal; what is unknown adds nothing to it. */

const Usd = Schema.String

const currency = Schema.Literal("USD")

/** ISO 8601, whole quarters of an hour. */
const range = { from: Schema.String, to: Schema.String }

const usage = {
  /** Calls to providers. */
  requests: Schema.Int,
  /** Answers out of the cache, and what they would have cost. */
  hits: Schema.Int,
  saved: Usd,
  /** Calls whose cost nobody knows. */
  unpriced: Schema.Int
}

/** `GET /admin/costs/summary`. */
export const CostSummary = Schema.Struct({
  currency,
  ...range,
  total_cost: Usd,
  total_tokens: Schema.Int,
  ...usage,
  by_provider: Schema.Record({
    key: Schema.String,
    value: Schema.Struct({
      total_cost: Usd,
      total_tokens: Schema.Int,
      /** Null where there were no tokens; too low where calls are unpriced. */
      average_cost_per_token: Schema.NullOr(Usd),
      ...usage
    })
  })
}).annotations({ identifier: "CostSummary" })
export type CostSummary = typeof CostSummary.Type

/** `GET /admin/costs/daily`: every day of the range, the earliest first. */
export const DailyCosts = Schema.Struct({
  currency,
  scope: Schema.String,
  time_zone: Schema.String,
  ...range,
  total_cost: Usd,
  days: Schema.Array(Schema.Struct({ day: Schema.String, cost: Usd, tokens: Schema.Int, ...usage }))
}).annotations({ identifier: "DailyCosts" })
export type DailyCosts = typeof DailyCosts.Type

const Estimate = Schema.NullOr(Schema.Struct({ expected: Usd, low: Usd, high: Usd }))

/** `GET /admin/costs/projection`. */
export const CostProjection = Schema.Struct({
  currency,
  scope: Schema.String,
  time_zone: Schema.String,
  /** Whole days, from the first of them with use to yesterday; of none, nothing is projected. */
  based_on_days: Schema.Int,
  /** How often what comes lies between `low` and `high`, about. */
  confidence: Schema.Number,
  /** Any day. */
  daily: Estimate,
  /** 30 days from today. */
  monthly: Estimate,
  /** The calendar month, as 2026-11, what it has cost so far, and will have at its end. */
  month: Schema.String,
  spent_this_month: Usd,
  month_end: Estimate
}).annotations({ identifier: "CostProjection" })
export type CostProjection = typeof CostProjection.Type

const performance = {
  requests: Schema.Int,
  successes: Schema.Int,
  failures: Schema.Int,
  /** Neither: left by the caller, or overtaken. */
  cancelled: Schema.Int,
  /** Of those that succeeded or failed, from 0 to 1; null where none did. */
  success_rate: Schema.NullOr(Schema.Number),
  /** Of those that succeeded. */
  average_latency_ms: Schema.NullOr(Schema.Number),
  input_tokens: Schema.Int,
  output_tokens: Schema.Int,
  total_tokens: Schema.Int,
  total_cost: Usd,
  hits: Schema.Int,
  saved: Usd,
  unpriced: Schema.Int
}

/** `GET /admin/metrics`. */
export const Metrics = Schema.Struct({
  currency,
  ...range,
  ...performance,
  by_provider: Schema.Record({ key: Schema.String, value: Schema.Struct(performance) })
}).annotations({ identifier: "Metrics" })
export type Metrics = typeof Metrics.Type

const Order = Schema.Literal("cost", "requests", "tokens")

/** `GET /admin/top-models`, the greatest first. */
export const TopModels = Schema.Struct({
  currency,
  ...range,
  by: Order,
  models: Schema.Array(Schema.Struct({ model: Schema.String, ...performance }))
}).annotations({ identifier: "TopModels" })
export type TopModels = typeof TopModels.Type

/** `GET /admin/top-users`, the greatest first. */
export const TopUsers = Schema.Struct({
  currency,
  ...range,
  by: Order,
  users: Schema.Array(Schema.Struct({ user: Schema.String, ...performance }))
}).annotations({ identifier: "TopUsers" })
export type TopUsers = typeof TopUsers.Type
