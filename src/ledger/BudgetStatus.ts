import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { BudgetSettings } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import type { DatabaseUnavailable } from "../store/DatabaseError.js"
import * as Analytics from "./Analytics.js"
import { BudgetEditor } from "./BudgetEditor.js"
import { Budgets } from "./Budgets.js"
import * as BudgetScope from "./BudgetScope.js"
import type { BudgetStoreFailed, Standing } from "./BudgetStore.js"
import * as BudgetWindow from "./BudgetWindow.js"
import { CostProjection } from "./Reports.js"
import type { RollupStore } from "./RollupStore.js"

/** USD as a decimal; null where it is not known, and of a budget that is one for each. */
const Usd = Schema.NullOr(Schema.String)

const Limit = Schema.NullOr(
  Schema.Struct({
    limit: Schema.String,
    spent: Usd,
    /** What calls under way may cost. */
    reserved: Usd,
    /** Which part of the limit is spent. */
    percentage: Schema.NullOr(Schema.Number),
    /** ISO 8601: when a calendar's window ends, or the oldest spending leaves one that rolls. */
    resets_at: Schema.NullOr(Schema.String)
  })
)

/** `GET /admin/budgets/{scope}`. */
export const BudgetStatus = Schema.Struct({
  scope: Schema.String,
  mode: Schema.Literal("hard", "soft"),
  window: Schema.Literal("calendar", "rolling"),
  time_zone: Schema.String,
  worst_case: Usd,
  /** Who says so: the configuration, or somebody over the admin API. */
  source: Schema.Literal("config", "api"),
  daily: Limit,
  weekly: Limit,
  monthly: Limit,
  /** By the last whole days; null of a budget that is one for each. */
  projection: Schema.NullOr(
    CostProjection.pick("based_on_days", "confidence", "daily", "monthly", "month", "month_end")
  )
}).annotations({ identifier: "BudgetStatus" })
export type BudgetStatus = typeof BudgetStatus.Type

/** `GET /admin/budgets`. */
export const AllBudgets = Schema.Struct({
  currency: Schema.Literal("USD"),
  budgets: Schema.Array(BudgetStatus)
}).annotations({ identifier: "AllBudgets" })
export type AllBudgets = typeof AllBudgets.Type

type Asks<A> = Effect.Effect<A, BudgetStoreFailed | DatabaseUnavailable, BudgetEditor | Budgets | RollupStore>

/** How the budget of a scope stands; of a user or a key it may be the one for each. `undefined`: there is none. */
export const of = (scope: string): Asks<BudgetStatus | undefined> =>
  Effect.flatMap(Budgets, (budgets) => {
    const budget = budgets.of(scope)
    return budget === undefined ? Effect.succeed(undefined) : statusOf(scope, budget)
  })

/** How all of them stand. */
export const all: Asks<AllBudgets> = Effect.gen(function* () {
  const budgets = yield* Budgets
  const found = yield* Effect.forEach(budgets.all(), (budget) => statusOf(budget.scope, budget), { concurrency: 4 })
  return { currency: "USD", budgets: found }
})

/** A budget without what is spent of it. */
export const unread = (scope: string, budget: BudgetSettings): Effect.Effect<BudgetStatus, never, BudgetEditor> =>
  Effect.gen(function* () {
    const windows = BudgetWindow.of(budget, yield* Clock.currentTimeMillis)
    return { ...(yield* headOf(scope, budget)), ...limitsOf(windows, undefined, Money.zero), projection: null }
  })

const statusOf = (scope: string, budget: BudgetSettings): Asks<BudgetStatus> =>
  Effect.gen(function* () {
    if (BudgetScope.isEach(scope)) return yield* unread(scope, budget)
    const { reserved, standing } = yield* Budgets
    const windows = BudgetWindow.of(budget, yield* Clock.currentTimeMillis)
    const found = yield* standing(scope, windows)
    const projection = yield* Analytics.projection({ scope, time_zone: budget.timeZone }).pipe(
      Effect.map(({ based_on_days, confidence, daily, month, month_end, monthly }) => ({
        based_on_days,
        confidence,
        daily,
        monthly,
        month,
        month_end
      })),
      // Days are summed up by zones that have a name.
      Effect.catchTag("WrongQuery", () => Effect.succeed(null))
    )
    return { ...(yield* headOf(scope, budget)), ...limitsOf(windows, found, reserved(scope)), projection }
  })

const headOf = (scope: string, { mode, scope: own, timeZone, window, worstCase }: BudgetSettings) =>
  Effect.map(BudgetEditor, ({ isSet }) => ({
    scope,
    mode,
    window,
    time_zone: timeZone,
    worst_case: worstCase === undefined ? null : Money.toUsd(worstCase),
    source: isSet(own) ? ("api" as const) : ("config" as const)
  }))

/** Its limits; `standing` is unknown, or `reserved` is what calls here may cost. */
const limitsOf = (
  windows: ReadonlyArray<BudgetWindow.BudgetWindow>,
  standing: Standing | undefined,
  reserved: Money.Money
): Pick<BudgetStatus, BudgetWindow.Period> => {
  const kept = standing && Money.toUsd(Money.sum([reserved, standing.reservedElsewhere]))
  const limitOf = (period: BudgetWindow.Period): BudgetStatus[BudgetWindow.Period] => {
    const at = windows.findIndex((window) => window.period === period)
    const window = windows[at]
    if (window === undefined) return null
    const spent = standing?.spent[at]
    const resetsAt = BudgetWindow.resetsAt(window, standing?.oldest[at])
    return {
      limit: Money.toUsd(window.limit),
      spent: spent === undefined ? null : Money.toUsd(spent),
      reserved: kept ?? null,
      percentage: spent === undefined ? null : percentageOf(spent, window.limit),
      resets_at: resetsAt === undefined ? null : new Date(resetsAt).toISOString()
    }
  }
  return { daily: limitOf("daily"), weekly: limitOf("weekly"), monthly: limitOf("monthly") }
}

/** With two digits, and never rounded up to a limit that is not reached. Of nothing all is spent. */
const percentageOf = (spent: Money.Money, limit: Money.Money): number =>
  limit === 0n ? 100 : Number((spent * 10_000n) / limit) / 100
