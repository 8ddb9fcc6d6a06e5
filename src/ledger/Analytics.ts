import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Money from "../domain/Money.js"
import type { DatabaseUnavailable } from "../store/DatabaseError.js"
import * as Projection from "./Projection.js"
import type * as Reports from "./Reports.js"
import * as Rollup from "./Rollup.js"
import type { Order, Sum } from "./RollupQuery.js"
import { RollupStore } from "./RollupStore.js"
import * as TimeRange from "./TimeRange.js"

type Asks<A> = Effect.Effect<A, DatabaseUnavailable | TimeRange.WrongQuery, RollupStore>

/** What of the ledger a query is about: `global`, or as `provider:openai`, `instance:`, `model:`, `user:` or `key:`; absent is all of it. */
interface Scoped {
  readonly scope?: string | undefined
}

/** Which of many: no more than `limit`, those with the greatest `by`. */
interface Top extends TimeRange.Given {
  readonly limit?: string | undefined
  readonly by?: string | undefined
}

/** What each provider has cost. */
export const summary = (given: TimeRange.Given): Asks<Reports.CostSummary> =>
  Effect.map(sumsOf("provider", given, all), ({ range, sums }) => {
    const total = sums.reduce(Rollup.plus, Rollup.none)
    return {
      currency,
      ...isoRange(range),
      total_cost: Money.toUsd(total.cost_usd),
      total_tokens: tokensOf(total),
      ...usageOf(total),
      by_provider: Object.fromEntries(
        sums.map((sum) => [
          sum.value,
          {
            total_cost: Money.toUsd(sum.cost_usd),
            total_tokens: tokensOf(sum),
            average_cost_per_token: averageOf(sum.cost_usd, tokensOf(sum)),
            ...usageOf(sum)
          }
        ])
      )
    }
  })

/** What each day of the range has cost, also those that cost nothing. */
export const daily = ({ scope = "global", ...given }: TimeRange.Given & Scoped): Asks<Reports.DailyCosts> =>
  Effect.gen(function* () {
    const of = yield* scopeOf(scope)
    const range = yield* TimeRange.read(given, yield* Clock.currentTimeMillis)
    const days = TimeRange.daysOf(range)
    const { spans } = yield* RollupStore
    const figures = yield* spans({ ...of, spans: days })
    return {
      currency,
      scope,
      time_zone: range.timeZone,
      ...isoRange(range),
      total_cost: Money.toUsd(Money.sum(figures.map(({ cost_usd }) => cost_usd))),
      days: days.map(({ day }, at) => {
        const sum = figures[at] ?? Rollup.none
        return { day, cost: Money.toUsd(sum.cost_usd), tokens: tokensOf(sum), ...usageOf(sum) }
      })
    }
  })

/** What is to come, by the last whole days (30, if it is not said), and what this month will have cost at its end. */
export const projection = ({
  days = "30",
  scope = "global",
  time_zone: timeZone = "UTC"
}: Pick<TimeRange.Given, "days" | "time_zone"> & Scoped): Asks<Reports.CostProjection> =>
  Effect.gen(function* () {
    const of = yield* scopeOf(scope)
    const zone = yield* TimeRange.zoneNamed(timeZone)
    const count = TimeRange.countOf(days, mostDays)
    if (count === undefined) return yield* wrong("days", `'days' must be a whole number from 1 to ${mostDays}`)
    const now = yield* Clock.currentTimeMillis
    const today = TimeRange.startOfDay(zone, now)
    const month = TimeRange.monthOf(zone, now)
    const before = TimeRange.daysOf({ from: TimeRange.startOfDay(zone, now, -count), to: today, zone })
    const { spans } = yield* RollupStore
    const [spent = Rollup.none, ...figures] = yield* spans({
      ...of,
      spans: [{ from: month.from, to: month.to }, ...before]
    })
    const firstUsed = figures.findIndex(({ calls, hits }) => calls + hits > 0)
    const used = firstUsed < 0 ? [] : before.slice(firstUsed)
    const costs = used.map(({ day }, at) => ({ day, cost: figures[firstUsed + at]?.cost_usd ?? Money.zero }))
    const found = Projection.projectionOf(costs)
    const [current, ...left] = TimeRange.daysOf({ from: today, to: month.to, zone })
    const monthEnd =
      current &&
      Projection.monthEndOf(costs, {
        spent: spent.cost_usd,
        today: current.day,
        elapsed: (now - today) / (current.to - today),
        left: left.map(({ day }) => day)
      })
    return {
      currency,
      scope,
      time_zone: timeZone,
      based_on_days: costs.length,
      confidence: Projection.confidence,
      daily: estimateOf(found?.daily),
      monthly: estimateOf(found?.monthly),
      month: month.month,
      spent_this_month: Money.toUsd(spent.cost_usd),
      month_end: estimateOf(monthEnd)
    }
  })

/** How each provider did. */
export const metrics = (given: TimeRange.Given): Asks<Reports.Metrics> =>
  Effect.map(sumsOf("provider", given, all), ({ range, sums }) => ({
    currency,
    ...isoRange(range),
    ...performanceOf(sums.reduce(Rollup.plus, Rollup.none)),
    by_provider: Object.fromEntries(sums.map((sum) => [sum.value, performanceOf(sum)]))
  }))

/** The models that were asked most often, if `by` says nothing else. */
export const topModels = ({ by = "requests", limit = "5", ...given }: Top): Asks<Reports.TopModels> =>
  Effect.map(top("model", by, limit, given), ({ order, range, sums }) => ({
    currency,
    ...isoRange(range),
    by: order,
    models: sums.map((sum) => ({ model: sum.value, ...performanceOf(sum) }))
  }))

/** The users who cost most, if `by` says nothing else. */
export const topUsers = ({ by = "cost", limit = "10", ...given }: Top): Asks<Reports.TopUsers> =>
  Effect.map(top("user", by, limit, given), ({ order, range, sums }) => ({
    currency,
    ...isoRange(range),
    by: order,
    users: sums.map((sum) => ({ user: sum.value, ...performanceOf(sum) }))
  }))

const currency = "USD" as const

const sumsOf = (dimension: Rollup.Dimension, given: TimeRange.Given, which: Which) =>
  Effect.gen(function* () {
    const range = yield* TimeRange.read(given, yield* Clock.currentTimeMillis)
    const { sums } = yield* RollupStore
    return { range, sums: yield* sums({ dimension, from: range.from, to: range.to, ...which }) }
  })

interface Which {
  readonly order: Order
  readonly limit: number
}

/** There are a few dozen vendors. */
const all: Which = { order: "cost", limit: 1_000 }

const top = (dimension: Rollup.Dimension, by: string, limit: string, given: TimeRange.Given) =>
  Effect.gen(function* () {
    const order = orders.find((known) => known === by)
    if (order === undefined) return yield* wrong("by", "'by' must be 'cost', 'requests' or 'tokens'")
    const most = TimeRange.countOf(limit, longestTop)
    if (most === undefined) return yield* wrong("limit", `'limit' must be a whole number from 1 to ${longestTop}`)
    return { order, ...(yield* sumsOf(dimension, given, { order, limit: most })) }
  })

const orders: ReadonlyArray<Order> = ["cost", "requests", "tokens"]

const longestTop = 1_000

/** A projection by more days would be one by other times. */
const mostDays = 30

const scopeOf = (
  scope: string
): Either.Either<{ readonly dimension: Rollup.Dimension; readonly value: string }, TimeRange.WrongQuery> => {
  if (scope === "global") return Either.right({ dimension: "global", value: "" })
  const [, named, value] = /^([a-z]+):(.+)$/s.exec(scope) ?? []
  const dimension = scopes.find((known) => known === named)
  return dimension === undefined || value === undefined
    ? wrong("scope", "'scope' must be 'global', or as 'provider:openai', 'instance:…', 'model:…', 'user:…' or 'key:…'")
    : Either.right({ dimension, value })
}

const scopes: ReadonlyArray<Rollup.Dimension> = ["provider", "instance", "model", "user", "key"]

const wrong = (param: string, message: string): Either.Either<never, TimeRange.WrongQuery> =>
  Either.left(new TimeRange.WrongQuery({ param, message }))

const isoRange = ({ from, to }: TimeRange.TimeRange) => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString()
})

const usageOf = ({ calls, hits, saved_usd, unpriced }: Rollup.Figures) => ({
  requests: calls,
  hits,
  saved: Money.toUsd(saved_usd),
  unpriced
})

const performanceOf = (sum: Rollup.Figures | Sum) => ({
  requests: sum.calls,
  successes: sum.successes,
  failures: sum.failures,
  cancelled: sum.cancelled,
  success_rate: ratio(sum.successes, sum.successes + sum.failures),
  average_latency_ms: ratio(sum.ms, sum.successes),
  input_tokens: sum.input_tokens,
  output_tokens: sum.output_tokens,
  total_tokens: tokensOf(sum),
  total_cost: Money.toUsd(sum.cost_usd),
  hits: sum.hits,
  saved: Money.toUsd(sum.saved_usd),
  unpriced: sum.unpriced
})

const tokensOf = (sum: Rollup.Figures): number => sum.input_tokens + sum.output_tokens

/** With no more digits than anybody reads. */
const ratio = (part: number, whole: number): number | null =>
  whole <= 0 ? null : Math.round((part / whole) * 1e6) / 1e6

/** Rounded to a pico-dollar. */
const averageOf = (cost: Money.Money, tokens: number): string | null => {
  if (tokens <= 0) return null
  const by = BigInt(tokens)
  return Money.toUsd(Money.Money.make((cost + by / 2n) / by))
}

const estimateOf = (estimate: Projection.Estimate | undefined) =>
  estimate === undefined
    ? null
    : {
        expected: Money.toUsd(estimate.expected),
        low: Money.toUsd(estimate.low),
        high: Money.toUsd(estimate.high)
      }
