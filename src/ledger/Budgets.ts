import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LiveSettings } from "../config/LiveSettings.js"
import type { BudgetSettings } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import * as Timers from "../provider/Timers.js"
import * as BudgetScope from "./BudgetScope.js"
import { BudgetStore, type BudgetStoreFailed, type Standing } from "./BudgetStore.js"
import type { BudgetWindow } from "./BudgetWindow.js"
import type { Purse, Refusal } from "./Purse.js"
import { Purses } from "./Purses.js"
import type { Subject, Want } from "./Subject.js"

/** What hard budgets keep for one call. */
export interface Reservation {
  readonly amount: Money.Money
  readonly scopes: ReadonlyArray<string>
  /** The call is over and has cost this much; what is left is free again. The first word counts. */
  readonly settle: (cost: Money.Money) => void
}

/**
 * What may be spent. A hard budget keeps what a call may cost at most, before it is made, and takes what it has cost when it
 * is over: so it is never overspent, by however many calls at once and however many gateways.
 */
export class Budgets extends Context.Tag("orelse/Budgets")<
  Budgets,
  {
    /** Is there any hard budget? */
    readonly areHard: () => boolean
    /** The hard budgets that a call is taken out of; mostly none. */
    readonly pursesOf: (subject: Subject) => ReadonlyArray<Purse>
    /** Keeps the most that a call can cost in all of them, or in none; `undefined`: nobody knows how much that is. */
    readonly reserve: (purses: ReadonlyArray<Purse>, most: Money.Money | undefined) => Reservation | Refusal
    /**
     * Fills them from the store, as far as it has anything, and keeps what one call wants of each for it, until all that `hold`
     * was given is called.
     */
    readonly fill: (wants: ReadonlyArray<Want>, hold: (release: () => void) => void) => Effect.Effect<void>
    /** Do all of them hold enough, or is it known that there is no more? */
    readonly suffice: (wants: ReadonlyArray<Want>) => boolean
    /** What a hard budget refused when it was last asked, whatever that call may have cost. */
    readonly refused: (subject: Subject) => Refusal | undefined
    /** The budget of a scope; of a user or a key it may be the one for each. */
    readonly of: (scope: string) => BudgetSettings | undefined
    /** How a budget stands, also a soft one; what calls here have spent is spent, also where the store has not heard of it. */
    readonly standing: (
      scope: string,
      windows: ReadonlyArray<BudgetWindow>
    ) => Effect.Effect<Standing, BudgetStoreFailed>
    /** Those that are set, the ones of the configuration first. */
    readonly all: () => ReadonlyArray<BudgetSettings>
    /** Lays these over the configuration. */
    readonly setOverlay: (budgets: ReadonlyArray<BudgetSettings>) => void
    /** What calls under way may cost, of a scope. */
    readonly reserved: (scope: string) => Money.Money
  }
>() {
  static readonly layer: Layer.Layer<Budgets, never, BudgetStore | LiveSettings> = Layer.scoped(
    Budgets,
    Effect.gen(function* () {
      const store = yield* BudgetStore
      const live = yield* LiveSettings
      const { now } = Timers.ofClock(yield* Effect.clock)
      const purses = new Purses(store, now)
      let configured: ReadonlyArray<BudgetSettings> | undefined
      let overlay: ReadonlyArray<BudgetSettings> = []
      let all: ReadonlyArray<BudgetSettings> = []
      let byScope: ReadonlyMap<string, BudgetSettings> = new Map()

      /** The settings may have been read again. */
      const refresh = (): void => {
        const { budgets } = live.current()
        if (budgets === configured) return
        configured = budgets
        const above = new Set(overlay.map(({ scope }) => scope))
        all = [...budgets.filter(({ scope }) => !above.has(scope)), ...overlay]
        byScope = new Map(all.map((each) => [each.scope, each]))
        purses.set(all.filter(({ mode }) => mode === "hard"))
      }
      refresh()

      yield* Effect.forkScoped(
        Effect.forever(purses.anything.pipe(Effect.zipRight(Effect.sleep("2 seconds")), Effect.zipRight(purses.tend)))
      )
      return {
        areHard: () => {
          refresh()
          return purses.areAny
        },
        pursesOf: (subject) => {
          refresh()
          return purses.of(subject)
        },
        reserve: (found, most) => {
          const amount = most ?? worstCase(found)
          if (amount === undefined) {
            const scope = found.find(({ settings }) => settings.worstCase === undefined)?.scope ?? ""
            return { reason: "unbounded", scope, period: undefined, resetsAt: undefined }
          }
          const at = now()
          const short = found.find((purse) => !purse.covers(amount, at))
          if (short !== undefined) return short.refusal()
          for (const purse of found) purse.keep(amount)
          return new Kept(found, amount)
        },
        fill: (wants, hold) => Effect.forEach(wants, (want) => purses.fill(want, hold), { discard: true }),
        suffice: (wants) => {
          const at = now()
          return wants.every(({ amount, purse }) => purse.covers(amount, at) || purse.wasDenied(amount, at))
        },
        refused: (subject) => {
          refresh()
          return firstRefused(purses.of(subject), now())
        },
        of: (scope) => {
          refresh()
          return byScope.size === 0 ? undefined : (byScope.get(scope) ?? byScope.get(BudgetScope.eachOf(scope)))
        },
        standing: purses.standing,
        all: () => {
          refresh()
          return all
        },
        setOverlay: (budgets) => {
          overlay = budgets
          configured = undefined
          refresh()
        },
        reserved: (scope) => purses.reserved(scope)
      }
    })
  )
}

class Kept implements Reservation {
  private settled = false

  constructor(
    private readonly purses: ReadonlyArray<Purse>,
    readonly amount: Money.Money
  ) {}

  get scopes(): ReadonlyArray<string> {
    return this.purses.map(({ scope }) => scope)
  }

  readonly settle = (cost: Money.Money): void => {
    if (this.settled) return
    this.settled = true
    for (const purse of this.purses) purse.spend(this.amount, cost)
  }
}

const firstRefused = (purses: ReadonlyArray<Purse>, now: number): Refusal | undefined => {
  for (const purse of purses) {
    const refusal = purse.refused(now)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** What a call is taken to cost whose cost has no bound; `undefined`: one of them does not say. */
export const worstCase = (purses: ReadonlyArray<Purse>): Money.Money | undefined => {
  let most = Money.zero
  for (const { settings } of purses) {
    if (settings.worstCase === undefined) return undefined
    if (settings.worstCase > most) most = settings.worstCase
  }
  return most
}
