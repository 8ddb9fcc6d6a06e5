import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { BudgetSettings } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import { freeOf, type BudgetStore, type Standing } from "./BudgetStore.js"
import * as BudgetWindow from "./BudgetWindow.js"
import { Purse, type Left } from "./Purse.js"
import type { Subject, Want } from "./Subject.js"

/** The purses of the hard budgets, and their way to the store: one question at a time for each, for all who wait. */
export class Purses {
  /** By scope. */
  private readonly purses = new Map<string, Purse>()
  private leased: () => void = () => {}
  private settings = new Map<string, BudgetSettings>()

  constructor(
    private readonly store: BudgetStore["Type"],
    private readonly now: () => number
  ) {}

  set(budgets: ReadonlyArray<BudgetSettings>): void {
    this.settings = new Map(budgets.map((each) => [each.scope, each]))
    for (const [scope, purse] of this.purses) {
      const settings = this.settingsOf(scope)
      if (settings === undefined) this.purses.delete(scope)
      else purse.settings = settings
    }
  }

  of({ caller: { key, user }, instance, model }: Subject): ReadonlyArray<Purse> {
    if (this.settings.size === 0) return none
    const found: Array<Purse> = []
    const add = (scope: string): void => {
      const purse = this.purses.get(scope) ?? this.open(scope)
      if (purse !== undefined) found.push(purse)
    }
    add("global")
    add(`provider:${instance.provider}`)
    add(`instance:${instance.id}`)
    add(`model:${model}`)
    if (user !== undefined) add(`user:${user}`)
    if (key !== undefined) add(`key:${key}`)
    return found
  }

  reserved(scope: string): Money.Money {
    return this.purses.get(scope)?.reserved ?? Money.zero
  }

  /**
   * Succeeds when there is enough for one more call, and keeps it for that, or when it is known that there is not, or when the
   * store is late. `hold` gets at once what gives it back.
   */
  readonly fill = ({ amount, purse }: Want, hold: (release: () => void) => void): Effect.Effect<void> =>
    Effect.suspend(() => {
      const now = this.now()
      if (purse.wasDenied(amount, now) && !purse.covers(amount, now)) return Effect.void
      const waiting = purse.wait(amount)
      hold(() => purse.leave(waiting))
      return purse.turn
        .withPermits(1)(
          Effect.suspend(() => (waiting.answered ? Effect.void : Effect.uninterruptible(this.ask(purse))))
        )
        .pipe(
          // What was asked is leased whenever the answer comes: nobody waits that long, and nobody forgets it.
          Effect.disconnect,
          Effect.timeoutTo({ duration: patience, onSuccess: () => {}, onTimeout: () => purse.late() })
        )
    })

  /** Succeeds as soon as anything is leased. */
  readonly anything: Effect.Effect<void> = Effect.async((resume) => {
    const isAny = [...this.purses.values()].some((purse) => purse.isLeased)
    if (isAny) resume(Effect.void)
    else this.leased = () => resume(Effect.void)
  })

  /** Gives back what nobody needs. */
  readonly tend: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(
      [...this.purses.values()],
      (purse) => {
        const { isForgotten, idle, needed } = purse.look(this.now())
        if (isForgotten) this.purses.delete(purse.scope)
        return idle > needed || purse.isAging(this.now())
          ? purse.turn.withPermits(1)(Effect.uninterruptible(this.ask(purse, needed)))
          : Effect.void
      },
      { discard: true }
    )
  )

  /** For all who wait; what is leased and idle beyond `keeps` is counted anew with it. */
  private ask(purse: Purse, keeps = Money.zero): Effect.Effect<void> {
    return Effect.suspend(() => {
      const windows = BudgetWindow.of(purse.settings, this.now())
      const { scope } = purse
      const asked = { scope, windows, ...purse.ask(keeps), reserved: purse.reserved }
      return this.store.lease(asked).pipe(
        Effect.matchCause({
          // A `COMMIT` that fails is a defect, and nobody knows how it went: what was given back may be somebody else's by now.
          onFailure: (cause) => purse.lost(Cause.isDie(cause) ? Money.zero : asked.back),
          onSuccess: ({ amounts, more, standing }) => {
            purse.granted(amounts, more, standing.own, leftOf(windows, standing), this.now())
            if (purse.isLeased) this.leased()
          }
        })
      )
    })
  }

  private open(scope: string): Purse | undefined {
    const settings = this.settingsOf(scope)
    if (settings === undefined) return undefined
    const purse = new Purse(scope, settings)
    this.purses.set(scope, purse)
    return purse
  }

  private settingsOf(scope: string): BudgetSettings | undefined {
    return this.settings.get(scope) ?? this.settings.get(scope.replace(/^(user|key):.*$/s, "$1:*"))
  }
}

const none: ReadonlyArray<Purse> = []

/** Nobody's request waits for longer. */
const patience = "2 seconds"

/** What there is left, and which limit is the nearest. */
const leftOf = (windows: ReadonlyArray<BudgetWindow.BudgetWindow>, standing: Standing): Left => {
  const free = freeOf(windows, standing)
  const at = windows.findIndex(({ limit }, place) => limit - (standing.spent[place] ?? 0n) - standing.leased <= free)
  const window = windows[at]
  const oldest = standing.oldest[at]
  const resetsAt = window?.end ?? (window && oldest !== undefined ? oldest + window.length : undefined)
  return { free, period: window?.period, resetsAt }
}
