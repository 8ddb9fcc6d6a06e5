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
import type { Refusal } from "./Purse.js"
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
  /** A hard one has refused a call before that much was spent: less is left than the call may cost. */
  readonly refuses: boolean
  /** Unix ms; `undefined`: nobody knows, as of a window that rolls. */
  readonly resetsAt: number | undefined
}

/** The parts of a limit that are told of, in percent. */
const thresholds = [50, 80, 100] as const

/**
 * Tells once in each window when so much of a budget is spent: in the log, and to who listens. A hard budget mostly refuses before
 * all is spent, as calls may cost more than they do; that it refuses counts as 100 %.
 */
export class BudgetAlerts extends Context.Tag("orelse/BudgetAlerts")<
  BudgetAlerts,
  {
    /** Until it is called. */
    readonly listen: (listener: (alert: BudgetAlert) => void) => () => void
    /** Takes note of a call that a hard budget did not pay for. Nobody waits for it. */
    readonly refused: (refusal: Refusal) => void
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
    /** Which limits of a budget refused calls that nobody was told of, and when they last did (Unix ms). */
    const refusals = new Map<string, Map<BudgetWindow.Period, number>>()
    let listeners: ReadonlyArray<(alert: BudgetAlert) => void> = []

    const listener = (entry: LedgerEntry): void => {
      if (entry.cost_usd === null || entry.cost_usd === "0" || budgets.all().length === 0) return
      for (const scope of scopesOf(entry)) {
        if (budgets.of(scope) !== undefined) spent.set(scope, looks)
      }
      if (spent.size > 0) fresh.unsafeOffer(undefined)
    }
    const isTold = (name: string, { start }: BudgetWindow.BudgetWindow): boolean =>
      (told.get(name) ?? Number.NEGATIVE_INFINITY) >= start

    const refused = ({ period, reason, scope }: Refusal): void => {
      const budget = budgets.of(scope)
      if (reason !== "exceeded" || budget === undefined) return
      const known = refusals.get(scope)
      if (known === undefined && refusals.size >= mostRefusals) return
      const at = now()
      const window = BudgetWindow.of(budget, at).find((each) => each.period === period)
      if (window === undefined || window.limit === 0n || isTold(nameOf(scope, window, 100), window)) return
      refusals.set(scope, (known ?? new Map<BudgetWindow.Period, number>()).set(window.period, at))
      if (!spent.has(scope)) spent.set(scope, 1)
      fresh.unsafeOffer(undefined)
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
        if (budget === undefined) return void refusals.delete(scope)
        const windows = BudgetWindow.of(budget, now())
        const standing = yield* budgets.standing(scope, windows)
        for (const [at, window] of windows.entries()) {
          const { end, limit, period, start } = window
          const amount = standing.spent[at] ?? Money.zero
          // One that rolls has no start that stands: it is told again when as long as it lasts has passed.
          const begins = end === undefined ? Rollup.bucketOf(now()) : start
          for (const percent of thresholds) {
            const name = nameOf(scope, window, percent)
            const isSpent = limit > 0n && amount * 100n >= limit * BigInt(percent)
            const refusedAt =
              (percent === 100 ? refusals.get(scope)?.get(period) : undefined) ?? Number.NEGATIVE_INFINITY
            if ((!isSpent && refusedAt < start) || isTold(name, window)) continue
            const isOurs = yield* claim({ scope, period, percent, begins, since: start })
            told.set(name, begins)
            if (!isOurs) continue
            const resetsAt = BudgetWindow.resetsAt(window, standing.oldest[at])
            const about = { scope, period, percent, spent: amount, limit, refuses: !isSpent, resetsAt }
            yield* tell({ kind: "budget_threshold", ...about })
          }
        }
        refusals.delete(scope)
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
      },
      refused
    })
  })

const looks = 2

/** In one look. */
const mostScopes = 500

const mostTold = 10_000

/** Who makes up users can have any number of them refused. */
const mostRefusals = 10_000

const nameOf = (scope: string, { period }: BudgetWindow.BudgetWindow, percent: number): string =>
  `${scope} ${period} ${percent}`

/** The longest window, in ms. */
const longest = 31 * 24 * 3_600_000

const scopesOf = ({ instance, key, model, provider, user }: LedgerEntry): ReadonlyArray<string> => {
  const scopes = ["global", `provider:${provider}`, `instance:${instance}`, `model:${model}`]
  if (user !== null) scopes.push(`user:${user}`)
  if (key !== null) scopes.push(`key:${key}`)
  return scopes
}

const sentence = ({ limit, percent, period, refuses, resetsAt, scope, spent }: BudgetAlert): string => {
  const until = resetsAt === undefined ? "" : `; there is more at ${new Date(resetsAt).toISOString()}`
  if (refuses) {
    return `budget ${scope}: it refuses calls, since less is left of its ${period} limit of ${Money.toUsd(limit)} USD than they may cost (${Money.toUsd(spent)} USD is spent)${until}`
  }
  return `budget ${scope}: ${percent} % of its ${period} limit of ${Money.toUsd(limit)} USD is spent (${Money.toUsd(spent)} USD)${until}`
}
