import * as Effect from "effect/Effect"
import type { BudgetSettings } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import type { Period } from "./BudgetWindow.js"

/** Why a hard budget does not pay for a call. */
export interface Refusal {
  /**
   * `exceeded`: what is left is less than the call may cost. `unbounded`: nobody knows what it may cost. `unknown`: the store
   * does not say what is left. `unwritten`: nothing can be written down.
   */
  readonly reason: "exceeded" | "unbounded" | "unknown" | "unwritten"
  readonly scope: string
  /** The limit that stands in the way. */
  readonly period: Period | undefined
  /** Unix ms; when there is more. */
  readonly resetsAt: number | undefined
}

/** What the store last said of a budget. */
export interface Left {
  /** Of the limit with the least room: what is neither spent nor leased to anybody. */
  readonly free: Money.Money
  readonly period: Period | undefined
  readonly resetsAt: number | undefined
}

/** A call that waits for the store. */
interface Waiting {
  readonly amount: Money.Money
  answered: boolean
  /** It is kept for it. */
  kept: boolean
  /** Nobody waits any more. */
  gone: boolean
}

/**
 * What this gateway may spend of one hard budget without asking again. Its store has that down as leased, so that all gateways
 * together never spend more than the limit.
 */
export class Purse {
  /** Whose question to the store it is. */
  readonly turn = Effect.unsafeMakeSemaphore(1)
  /** Leased, and not spent. */
  private allowance = 0n
  /** Of that, what calls under way may cost; and the most of it since the last look. */
  private kept = 0n
  private peak = 0n
  private waiting: ReadonlyArray<Waiting> = nobody
  /** Who waits for the answer that is under way, and for how much. */
  private asked: ReadonlyArray<{ readonly one: Waiting; readonly amount: Money.Money }> = []
  private left: Left | undefined = undefined
  private denied: { readonly amount: bigint; readonly at: number } | undefined = undefined
  /** The store did not answer. */
  private isUnknown = false
  /** When the store was last heard, in Unix ms. */
  private heardAt = Number.NEGATIVE_INFINITY
  /** When anybody last looked into it, in Unix ms. */
  private usedAt = Number.NEGATIVE_INFINITY

  constructor(
    readonly scope: string,
    public settings: BudgetSettings
  ) {}

  /** Somebody may spend of it, at this time (Unix ms). */
  use(now: number): void {
    this.usedAt = now
  }

  /** What calls under way may cost. */
  get reserved(): Money.Money {
    return Money.Money.make(this.kept)
  }

  /** Of what is leased, all that no call has spent; less than nothing where one has cost more than was kept for it. */
  get unspent(): bigint {
    return this.allowance
  }

  get isLeased(): boolean {
    return this.allowance !== 0n
  }

  /** Other limits hold from now on, and what is idle counts under them only when the store has been asked. */
  change(settings: BudgetSettings): void {
    this.settings = settings
    this.outdate()
  }

  /** What the store last said is true no more. */
  outdate(): void {
    this.heardAt = Number.NEGATIVE_INFINITY
    this.left = undefined
    this.denied = undefined
  }

  /** Is there enough for a call at this time (Unix ms)? */
  covers(amount: Money.Money, now: number): boolean {
    return amount === 0n || (this.allowance - this.kept >= amount && now - this.heardAt < validity)
  }

  /** Was as much as that refused a moment ago? */
  wasDenied(amount: Money.Money, now: number): boolean {
    return this.denied !== undefined && amount >= this.denied.amount && now - this.denied.at < forgets
  }

  /** What the store refused when it was last asked, if it still stands at this time (Unix ms). */
  refused(now: number): Refusal | undefined {
    // It may have granted less since.
    if (this.denied === undefined || this.denied.at < this.heardAt) return undefined
    const refusal = this.refusal()
    return (refusal.resetsAt ?? Number.POSITIVE_INFINITY) > now ? refusal : undefined
  }

  keep(amount: Money.Money): void {
    this.kept += amount
    if (this.kept > this.peak) this.peak = this.kept
  }

  /** A call is over that so much was kept for. */
  spend(amount: Money.Money, cost: Money.Money): void {
    this.kept -= amount
    this.allowance -= cost
  }

  wait(amount: Money.Money): Waiting {
    const one = { amount, answered: false, kept: false, gone: false }
    this.waiting = [...this.waiting, one]
    return one
  }

  leave(one: Waiting): void {
    const others = this.waiting.filter((each) => each !== one)
    this.waiting = others.length === 0 ? nobody : others
    if (one.kept) this.spend(one.amount, Money.zero)
    one.kept = false
    one.gone = true
  }

  /** What the store is to be asked now. What is idle beyond `keeps` is not to be spent meanwhile. */
  ask(keeps: Money.Money): {
    readonly amounts: ReadonlyArray<Money.Money>
    readonly more: Money.Money
    readonly back: Money.Money
  } {
    const idle = this.allowance - this.kept - keeps
    const back = idle > 0n ? idle : 0n
    this.allowance -= back
    // A call that cost more than was kept for it is paid first.
    let debt = idle < 0n && keeps === 0n ? -idle : 0n
    this.asked = this.waiting.map((one) => {
      const amount = Money.Money.make(one.amount + debt)
      debt = 0n
      return { one, amount }
    })
    this.waiting = nobody
    const wanted = this.asked.reduce((sum, { amount }) => sum + amount, 0n)
    return {
      amounts: this.asked.map(({ amount }) => amount),
      more: Money.Money.make(wanted === 0n ? 0n : 2n * (this.kept + wanted)),
      back: Money.Money.make(back)
    }
  }

  /**
   * The store has leased these of the amounts, and more, at this time (Unix ms). `own` is what it has down for this gateway,
   * with what it has not heard to be spent: where that is less than there should be, others have the rest.
   */
  granted(amounts: ReadonlyArray<boolean>, more: Money.Money, own: Money.Money, left: Left, now: number): void {
    this.left = left
    this.isUnknown = false
    this.heardAt = now
    const leased = this.asked.filter((_, at) => amounts[at] === true)
    const refused = this.asked.flatMap(({ one }, at) => (amounts[at] === true ? [] : [one.amount]))
    const [first] = refused
    if (first !== undefined) {
      this.denied = { amount: refused.reduce((least, each) => (each < least ? each : least), first), at: now }
    } else if (leased.some(({ one }) => one.amount >= (this.denied?.amount ?? 0n))) this.denied = undefined
    for (const { amount } of leased) this.allowance += amount
    this.allowance += more
    if (own < this.allowance) this.allowance = own
    // Or the next one who asks would give it back.
    for (const { one } of leased) {
      if (one.gone || !this.covers(one.amount, now)) continue
      this.keep(one.amount)
      one.kept = true
    }
    this.answer()
  }

  /** The store did not answer, and so this was not given back either. */
  lost(back: Money.Money): void {
    this.allowance += back
    this.isUnknown = true
    this.answer()
  }

  /** The store takes too long for who waits; what it says then counts all the same. */
  late(): void {
    this.isUnknown = true
  }

  /** What the store last said: why there is not enough. */
  refusal(): Refusal {
    const { left, scope } = this
    return this.isUnknown || left === undefined
      ? { reason: "unknown", scope, period: undefined, resetsAt: undefined }
      : { reason: "exceeded", scope, period: left.period, resetsAt: left.resetsAt }
  }

  /** How it was used since the last look. `needed` is what is idle with reason; forgotten is one that nobody uses. */
  look(now: number): { readonly idle: bigint; readonly needed: Money.Money; readonly isForgotten: boolean } {
    const idle = this.allowance - this.kept
    const needed = 2n * this.peak - this.kept
    const isIdle = this.peak === 0n && this.allowance === 0n && this.waiting.length === 0 && this.asked.length === 0
    const isForgotten = isIdle && now - Math.max(this.heardAt, this.usedAt) > remembered
    this.peak = this.kept
    return { idle, needed: Money.Money.make(needed < 0n ? 0n : needed), isForgotten }
  }

  /** Is it time to say that it is still there, at this time (Unix ms)? */
  isAging(now: number): boolean {
    return this.allowance > 0n && now - this.heardAt > refresh
  }

  private answer(): void {
    for (const { one } of this.asked) one.answered = true
    this.asked = []
  }
}

const nobody: ReadonlyArray<Waiting> = []

/** A refusal of the store holds for so long, in ms: others may give something back. */
const forgets = 250

/** For so long what was leased may be spent without hearing from the store, in ms; the store keeps it for longer. */
const validity = 50 * 60_000

/** What is leased is confirmed this often, in ms. */
const refresh = 10 * 60_000

/** Of who has not spent anything for so long nothing is remembered, in ms. */
const remembered = 10 * 60_000
