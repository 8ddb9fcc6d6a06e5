import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Money from "../domain/Money.js"
import { Database } from "../store/Database.js"
import { Budgets } from "./Budgets.js"
import type { BudgetStoreFailed } from "./BudgetStore.js"
import * as BudgetTables from "./BudgetTables.js"
import * as BudgetWindow from "./BudgetWindow.js"
import { CostTracker } from "./CostTracker.js"
import type { LedgerEntry } from "./LedgerEntry.js"
import * as Rollup from "./Rollup.js"

/** A budget, hard or soft, is spent to this part. */
export interface BudgetAlert {
  readonly kind: "budget_threshold"
  /** Of a budget for each the user or key that it is about. */
  readonly scope: string
  readonly period: BudgetWindow.Period
  readonly percent: number
  readonly spent: Money.Money
  readonly limit: Money.Money
  /** Unix ms; `undefined`: nobody knows, as of a window that rolls. */
  readonly resetsAt: number | undefined
}

/** The parts of a limit that are told of, in percent. */
const thresholds = [50, 80, 100] as const

/** Tells once in each window when so much of a budget is spent: in the log, and to who listens. */
export class BudgetAlerts extends Context.Tag("orelse/BudgetAlerts")<
  BudgetAlerts,
  {
    /** Until it is called. */
    readonly listen: (listener: (alert: BudgetAlert) => void) => () => void
  }
>() {
  /** This gateway tells for itself. */
  static readonly layerMemory: Layer.Layer<BudgetAlerts, never, Budgets | CostTracker> = Layer.scoped(
    BudgetAlerts,
    Effect.suspend(() => make(() => Effect.succeed(true)))
  )

  /** Of all gateways on a database the first one tells. */
  static readonly layerTables: Layer.Layer<BudgetAlerts, never, Budgets | CostTracker | Database> = Layer.scoped(
    BudgetAlerts,
    Effect.gen(function* () {
      const database = yield* Database
      const told = BudgetTables.told(database)
      const tidy = Effect.ignore(told.tidy)
      yield* Effect.forkScoped(Effect.zipRight(database.whenUp, Effect.repeat(tidy, Schedule.spaced("1 day"))))
      return yield* make(told.claim)
    })
  )
}

/** Is it this gateway that tells? */
type Claim = (claimed: BudgetTables.Claimed) => Effect.Effect<boolean, BudgetStoreFailed>

const make = (claim: Claim) =>
  Effect.gen(function* () {
    const budgets = yield* Budgets
    const costs = yield* CostTracker
    const clock = yield* Effect.clock
    const now = (): number => clock.unsafeCurrentTimeMillis()
    /** What is spent of since the last look, and how often it is still to be looked at. */
    const spent = new Map<string, number>()
    const fresh = yield* Queue.sliding<void>(1)
    /** What was told, by whomever, and the start of its window. */
    const told = new Map<string, number>()
    let listeners: ReadonlyArray<(alert: BudgetAlert) => void> = []

    const listener = (entry: LedgerEntry): void => {
      if (entry.cost_usd === null || entry.cost_usd === "0" || budgets.all().length === 0) return
      for (const scope of scopesOf(entry)) {
        if (budgets.of(scope) !== undefined) spent.set(scope, looks)
      }
      if (spent.size > 0) fresh.unsafeOffer(undefined)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => costs.listen(listener)),
      (end) => Effect.sync(end)
    )

    const tell = (alert: BudgetAlert): Effect.Effect<void> =>
      Effect.suspend(() => {
        for (const each of listeners) each(alert)
        return Effect.logWarning(sentence(alert))
      })

    const lookAt = (scope: string): Effect.Effect<void, BudgetStoreFailed> =>
      Effect.gen(function* () {
        const budget = budgets.of(scope)
        if (budget === undefined) return
        const windows = BudgetWindow.of(budget, now())
        const standing = yield* budgets.standing(scope, windows)
        for (const [at, window] of windows.entries()) {
          const { end, limit, period, start } = window
          const amount = standing.spent[at] ?? Money.zero
          // One that rolls has no start that stands: it is told again when as long as it lasts has passed.
          const begins = end === undefined ? Rollup.bucketOf(now()) : start
          for (const percent of thresholds) {
            if (limit === 0n || amount * 100n < limit * BigInt(percent)) continue
            const name = `${scope} ${period} ${percent}`
            if ((told.get(name) ?? Number.NEGATIVE_INFINITY) >= start) continue
            const isOurs = yield* claim({ scope, period, percent, begins, since: start })
            told.set(name, begins)
            const resetsAt = BudgetWindow.resetsAt(window, standing.oldest[at])
            if (isOurs)
              yield* tell({ kind: "budget_threshold", scope, period, percent, spent: amount, limit, resetsAt })
          }
        }
      })

    const look = Effect.gen(function* () {
      for (const [scope, left] of [...spent].slice(0, mostScopes)) {
        spent.delete(scope)
        yield* Effect.tapError(lookAt(scope), () => Effect.sync(() => void spent.set(scope, looks)))
        // Rows of the ledger may take a moment to get into the tables.
        if (left > 1 && !spent.has(scope)) spent.set(scope, left - 1)
      }
      if (told.size > mostTold) for (const [name, start] of told) if (start < now() - longest) told.delete(name)
    })

    const round = Queue.take(fresh).pipe(
      Effect.zipRight(Effect.sleep("5 seconds")),
      // While the store does not answer it is asked again.
      Effect.zipRight(Effect.ignore(look)),
      Effect.zipRight(Effect.sync(() => void (spent.size > 0 && fresh.unsafeOffer(undefined))))
    )
    yield* Effect.forkScoped(Effect.forever(round))

    return BudgetAlerts.of({
      listen: (added) => {
        listeners = [...listeners, added]
        return () => {
          listeners = listeners.filter((other) => other !== added)
        }
      }
    })
  })

const looks = 2

/** In one look. */
const mostScopes = 500

const mostTold = 10_000

/** The longest window, in ms. */
const longest = 31 * 24 * 3_600_000

const scopesOf = ({ instance, key, model, provider, user }: LedgerEntry): ReadonlyArray<string> => {
  const scopes = ["global", `provider:${provider}`, `instance:${instance}`, `model:${model}`]
  if (user !== null) scopes.push(`user:${user}`)
  if (key !== null) scopes.push(`key:${key}`)
  return scopes
}

const sentence = ({ limit, percent, period, resetsAt, scope, spent }: BudgetAlert): string => {
  const until = resetsAt === undefined ? "" : `; there is more at ${new Date(resetsAt).toISOString()}`
  return `budget ${scope}: ${percent} % of its ${period} limit of ${Money.toUsd(limit)} USD is spent (${Money.toUsd(spent)} USD)${until}`
}
