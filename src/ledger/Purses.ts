import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { same } from "../config/Same.js"
import type { BudgetSettings } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import * as PlainText from "../domain/PlainText.js"
import * as BudgetScope from "./BudgetScope.js"
import { freeOf, type BudgetStore, type BudgetStoreFailed, type Standing } from "./BudgetStore.js"
import * as BudgetWindow from "./BudgetWindow.js"
import { Purse, type Left } from "./Purse.js"
import type { Subject, Want } from "./Subject.js"

/** The purses of the hard budgets, and their way to the store: one question at a time for each, for all who wait. */
export class Purses {
  /** By scope. */
  private readonly purses = new Map<string, Purse>()
  /** Of budgets that are none any more, until all that they had leased is given back. */
  private readonly retired = new Map<string, Purse>()
  private leased: () => void = () => {}
  /** The store has answered once. */
  private heard = false
  private settings = new Map<string, BudgetSettings>()

  constructor(
    private readonly store: BudgetStore["Type"],
    private readonly now: () => number
  ) {}

  set(budgets: ReadonlyArray<BudgetSettings>): void {
    this.settings = new Map(budgets.map((each) => [each.scope, each]))
    for (const [scope, purse] of this.purses) {
      const settings = this.settingsOf(scope)
      if (settings === undefined) this.retire(purse)
      else if (!same(settings, purse.settings)) purse.change(settings)
    }
  }

  get areAny(): boolean {
    return this.settings.size > 0
  }

  of({ caller: { key, user }, instance, model }: Subject): ReadonlyArray<Purse> {
    if (this.settings.size === 0) return none
    const found: Array<Purse> = []
    const now = this.now()
    const add = (scope: string): void => {
      const purse = this.purses.get(scope) ?? this.open(scope)
      if (purse === undefined) return
      purse.use(now)
      found.push(purse)
    }
    add("global")
    add(`provider:${instance.provider}`)
    add(`instance:${instance.id}`)
    // Under the names that the ledger keeps.
    add(`model:${PlainText.of(model)}`)
    if (user !== undefined) add(`user:${PlainText.of(user)}`)
    if (key !== undefined) add(`key:${key}`)
    return found
  }

  reserved(scope: string): Money.Money {
    return this.purses.get(scope)?.reserved ?? Money.zero
  }

  /** How a budget stands; what calls here have spent is spent, also where the store has not heard of it. */
  readonly standing = (
    scope: string,
    windows: ReadonlyArray<BudgetWindow.BudgetWindow>
  ): Effect.Effect<Standing, BudgetStoreFailed> =>
    Effect.suspend(() => {
      const purse = this.purses.get(scope)
      const asked = this.store.standing(scope, windows)
      if (purse === undefined) return asked
      // While a question is under way what is leased is known on one side only.
      return purse.turn.withPermits(1)(
        Effect.map(asked, (found) => {
          const untold = found.own - purse.unspent
          return untold <= 0n ? found : { ...found, spent: found.spent.map((each) => Money.Money.make(each + untold)) }
        })
      )
    })

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
      const answered = purse.turn
        .withPermits(1)(
          Effect.suspend(() => (waiting.answered ? Effect.void : Effect.uninterruptible(this.ask(purse))))
        )
        .pipe(
          // What was asked is leased whenever the answer comes: nobody waits that long, and nobody forgets it.
          Effect.disconnect,
          Effect.timeoutTo({ duration: patience, onSuccess: () => {}, onTimeout: () => purse.late() })
        )
      // A store that is still starting is waited for.
      return this.heard ? answered : Effect.zipRight(Effect.race(this.store.whenUp, Effect.sleep(starting)), answered)
    })

  /** Succeeds as soon as anything is leased. */
  readonly anything: Effect.Effect<void> = Effect.async((resume) => {
    const isAny = this.all().some((purse) => purse.isLeased)
    if (isAny) resume(Effect.void)
    else this.leased = () => resume(Effect.void)
  })

  /** Gives back what nobody needs. */
  readonly tend: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(
      this.all(),
      (purse) => {
        const { isForgotten, idle, needed } = purse.look(this.now())
        const isRetired = this.retired.get(purse.scope) === purse
        if (isRetired && idle <= 0n && purse.reserved === 0n) this.retired.delete(purse.scope)
        else if (isForgotten && !isRetired) this.purses.delete(purse.scope)
        const keeps = isRetired ? Money.zero : needed
        return idle > keeps || purse.isAging(this.now())
          ? purse.turn.withPermits(1)(Effect.uninterruptible(this.ask(purse, keeps)))
          : Effect.void
      },
      { discard: true }
    )
  )

  /** For all who wait; what is leased and idle beyond `keeps` is counted anew with it. */
  private ask(purse: Purse, keeps = Money.zero): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { scope, settings } = purse
      const windows = BudgetWindow.of(settings, this.now())
      const asked = { scope, windows, ...purse.ask(keeps), reserved: purse.reserved }
      return this.store.lease(asked).pipe(
        Effect.matchCause({
          // A `COMMIT` that fails is a defect, and nobody knows how it went: what was given back may be somebody else's by now.
          onFailure: (cause) => purse.lost(Cause.isDie(cause) ? Money.zero : asked.back),
          onSuccess: ({ amounts, more, standing }) => {
            this.heard = true
            purse.granted(amounts, more, standing.own, leftOf(windows, standing), this.now())
            // They were changed meanwhile.
            if (purse.settings !== settings) purse.outdate()
            if (purse.isLeased) this.leased()
          }
        })
      )
    })
  }

  private open(scope: string): Purse | undefined {
    const settings = this.settingsOf(scope)
    if (settings === undefined) return undefined
    const purse = this.retired.get(scope) ?? new Purse(scope, settings)
    if (this.retired.delete(scope)) purse.change(settings)
    this.purses.set(scope, purse)
    return purse
  }

  private retire(purse: Purse): void {
    this.purses.delete(purse.scope)
    this.retired.set(purse.scope, purse)
  }

  private all(): ReadonlyArray<Purse> {
    return [...this.purses.values(), ...this.retired.values()]
  }

  private settingsOf(scope: string): BudgetSettings | undefined {
    return this.settings.get(scope) ?? this.settings.get(BudgetScope.eachOf(scope))
  }
}

const none: ReadonlyArray<Purse> = []

/** Nobody's request waits for longer, but for a store that is still starting. */
const patience = "2 seconds"
const starting = "5 seconds"

/** What there is left, and which limit is the nearest. */
const leftOf = (windows: ReadonlyArray<BudgetWindow.BudgetWindow>, standing: Standing): Left => {
  const free = freeOf(windows, standing)
  const at = windows.findIndex(({ limit }, place) => limit - (standing.spent[place] ?? 0n) - standing.leased <= free)
  const window = windows[at]
  const resetsAt = window && BudgetWindow.resetsAt(window, standing.oldest[at])
  return { free, period: window?.period, resetsAt }
}
