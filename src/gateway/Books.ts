import * as Effect from "effect/Effect"
import type { Attempt } from "../domain/Attempt.js"
import type { Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import * as Money from "../domain/Money.js"
import { inputTotal, outputTotal, type Usage } from "../domain/Usage.js"
import { worstCase, type Budgets, type Reservation } from "../ledger/Budgets.js"
import type { CostTracker, OpenEntry } from "../ledger/CostTracker.js"
import type { Purse, Refusal } from "../ledger/Purse.js"
import type { Subject, Want } from "../ledger/Subject.js"
import type { Pricing } from "../ledger/Pricing.js"
import * as RequestSize from "../protocol/RequestSize.js"
import type { Timers } from "../provider/Timers.js"
import type { Bill, Charge } from "../routing/AttemptLog.js"
import type { Candidate } from "../routing/Candidate.js"
import * as MaxCost from "../routing/MaxCost.js"

/** Who keeps money. */
export interface Desk {
  readonly budgets: Budgets["Type"]
  readonly costs: CostTracker["Type"]
  readonly pricing: Pricing["Type"]
}

/**
 * The books of one request: what a call may cost is kept for it before it is made, and what it has cost is written when it
 * is over.
 */
export class Books {
  /** What was kept for calls that are not made yet. */
  private kept: ReadonlyArray<Kept> = nothing
  private bounds: MaxCost.Bounds | undefined = undefined
  private held: ReadonlyArray<() => void> = nothing
  private refusals: Map<Candidate, Refusal> | undefined = undefined
  /** For whom the store was asked since the last call: what it said counts. */
  private asked: ReadonlyArray<Candidate> = nothing

  constructor(
    private readonly desk: Desk,
    readonly request: ChatRequest,
    private readonly caller: Caller,
    /** Canonical name of what is asked for. */
    private readonly model: string,
    private readonly requestId: string | undefined,
    private readonly timers: Timers
  ) {}

  /** Why nobody of these can be paid, where it is for each of them; of several reasons the one that passes first. */
  refusalOf(candidates: ReadonlyArray<Candidate>): Refusal | undefined {
    let first: Refusal | undefined = undefined
    for (const candidate of candidates) {
      const refusal = this.refusals?.get(candidate)
      if (refusal === undefined) return undefined
      if (first === undefined || passes(refusal) < passes(first)) first = refusal
    }
    return first
  }

  /** What the store must be asked for before any of these can be paid; mostly nothing. */
  wants(candidates: ReadonlyArray<Candidate>): ReadonlyArray<Want> {
    if (!this.desk.budgets.areHard()) return nothing
    const wants = new Map<Purse, Want>()
    for (const candidate of candidates) {
      const purses = this.desk.budgets.pursesOf(this.subject(candidate))
      if (purses.length === 0) continue
      const amount = this.most(candidate) ?? worstCase(purses)
      if (amount === undefined) continue
      for (const purse of purses) {
        const known = wants.get(purse)
        if (known === undefined || known.amount < amount) wants.set(purse, { purse, amount })
      }
    }
    return wants.size === 0 ? nothing : [...wants.values()]
  }

  /** Why no budget pays for a call to this candidate, where that was heard a moment ago. */
  readonly unpaid = (candidate: Candidate): Refusal | undefined => {
    const purses = this.desk.budgets.pursesOf(this.subject(candidate))
    const now = this.timers.now()
    for (const purse of purses) {
      const refusal = purse.refused(now)
      if (refusal === undefined) continue
      const amount = this.most(candidate) ?? worstCase(purses)
      if (amount === undefined || purse.covers(amount, now) || !purse.wasDenied(amount, now)) continue
      this.refuse(candidate, refusal)
      return refusal
    }
    return undefined
  }

  /** Why no budget pays for a call to this candidate, where that was found. */
  refusal(candidate: Candidate): Refusal | undefined {
    return this.refusals?.get(candidate)
  }

  /** What is kept for the request until its first call takes it. */
  readonly hold = (release: () => void): void => {
    this.held = [...this.held, release]
  }

  /**
   * Keeps what a call may cost that has leave; false: no budget pays for it, and it must not be made. Or else the store is to
   * be asked before anybody can say.
   */
  reserve(candidate: Candidate): boolean | Effect.Effect<void> {
    const { budgets } = this.desk
    if (!budgets.areHard()) return true
    const purses = budgets.pursesOf(this.subject(candidate))
    if (purses.length === 0) return true
    this.letGo()
    const reserved = budgets.reserve(purses, this.most(candidate))
    if ("reason" in reserved) {
      const ask = reserved.reason === "exceeded" && !this.asked.includes(candidate) ? this.asking(candidate) : undefined
      if (ask !== undefined) return ask
      this.refuse(candidate, reserved)
      return false
    }
    const entry = this.open(candidate, reserved)
    if (!entry.kept) {
      reserved.settle(Money.zero)
      this.refuse(candidate, unwritten(purses))
      return false
    }
    this.refusals?.delete(candidate)
    this.asked = nothing
    this.kept = [...this.kept, { candidate, entry, reservation: reserved }]
    return true
  }

  /** What was leased for the calls before may be too little for this one; `undefined`: the store has just said that it is all. */
  private asking(candidate: Candidate): Effect.Effect<void> | undefined {
    const wants = this.wants([candidate])
    if (this.desk.budgets.suffice(wants)) return undefined
    return Effect.suspend(() => {
      this.asked = [...this.asked, candidate]
      return this.desk.budgets.fill(wants, this.hold)
    })
  }

  private refuse(candidate: Candidate, refusal: Refusal): void {
    this.refusals ??= new Map()
    this.refusals.set(candidate, refusal)
  }

  /** What was kept for a call that is not made after all. */
  giveBack(candidate: Candidate): void {
    if (this.kept.length === 0) return
    const found = this.kept.find((each) => each.candidate === candidate)
    if (found === undefined) return
    this.kept = this.kept.filter((each) => each !== found)
    found.entry.close(unmade)
    found.reservation.settle(Money.zero)
  }

  letGo(): void {
    for (const release of this.held) release()
    this.held = nothing
  }

  giveAllBack(): void {
    this.letGo()
    for (const { candidate } of this.kept) this.giveBack(candidate)
  }

  /** The call is made now. */
  bill(candidate: Candidate): Bill {
    const kept = this.kept.find((each) => each.candidate === candidate)
    if (kept === undefined) return new OpenBill(this, candidate, this.open(candidate, undefined), undefined)
    this.kept = this.kept.filter((each) => each !== kept)
    return new OpenBill(this, candidate, kept.entry, kept.reservation)
  }

  /** At the prices of this moment; `undefined` is unknown. */
  costOf({ instance, model }: Candidate, usage: Usage): Money.Money | undefined {
    return this.desk.pricing.cost(instance, [model], usage, this.timers.now())
  }

  /** The most that a call to a candidate can cost; `undefined`: it has no bound that anybody knows. */
  most(candidate: Candidate): Money.Money | undefined {
    this.bounds ??= MaxCost.boundsOf(this.request)
    return MaxCost.ofCall(candidate, this.bounds, this.desk.pricing, this.timers.now())
  }

  private subject({ instance }: Candidate): Subject {
    return { caller: this.caller, model: this.model, instance }
  }

  private open(candidate: Candidate, reservation: Reservation | undefined): OpenEntry {
    return this.desk.costs.open({
      requestId: this.requestId,
      caller: this.caller,
      asked: this.model,
      instance: candidate.instance,
      model: candidate.model,
      stream: this.request.stream,
      at: this.timers.now(),
      reserved: reservation?.amount,
      budgets: reservation?.scopes ?? nothing
    })
  }
}

/** Nothing can be written down, and nobody must forget what a hard budget pays for. */
const unwritten = (purses: ReadonlyArray<Purse>): Refusal => ({
  reason: "unwritten",
  scope: purses[0]?.scope ?? "",
  period: undefined,
  resetsAt: undefined
})

const passes = ({ reason, resetsAt }: Refusal): number =>
  resetsAt ?? (reason === "unknown" || reason === "unwritten" ? 0 : Number.POSITIVE_INFINITY)

interface Kept {
  readonly candidate: Candidate
  readonly entry: OpenEntry
  readonly reservation: Reservation
}

const unmade = {
  outcome: "cancelled",
  category: undefined,
  ms: 0,
  usage: undefined,
  source: undefined,
  cost: Money.zero
} as const

/** A call that is made. */
class OpenBill implements Bill {
  private isSent = false

  constructor(
    private readonly books: Books,
    private readonly candidate: Candidate,
    private readonly entry: OpenEntry,
    private readonly reservation: Reservation | undefined
  ) {}

  sent(): void {
    this.isSent = true
  }

  close(attempt: Attempt, said: number): Charge {
    const { outcome, category, ms } = attempt
    const found = this.charge(attempt, said)
    // What a hard budget paid for is never unknown.
    const cost = found.cost ?? this.reservation?.amount
    const source = found.source ?? (cost === found.cost ? undefined : "estimated")
    this.entry.close({ outcome, category, ms, usage: found.usage, source, cost })
    this.reservation?.settle(cost ?? Money.zero)
    return { usage: found.usage, cost }
  }

  private charge({ category, cost, outcome, usage }: Attempt, said: number): Charge & Source {
    if (outcome === "success" && usage !== undefined) return { usage, cost, source: "reported" }
    if (!this.isSent || (outcome === "failure" && said === 0 && isRefusal(category) && usage === undefined)) {
      return { usage: undefined, cost: Money.zero, source: undefined }
    }
    const used = counted(this.books.request, usage, said)
    return used === usage
      ? { usage, cost, source: "reported" }
      : { usage: used, cost: this.books.costOf(this.candidate, used) ?? cost, source: "estimated" }
  }
}

interface Source {
  readonly source: "reported" | "estimated" | undefined
}

/** The provider said that it does not answer; whoever only fell silent may have worked, and bills that. */
const isRefusal = (category: ErrorCategory | undefined): boolean => category !== undefined && !silent.has(category)

const silent: ReadonlySet<ErrorCategory> = new Set(["timeout", "network", "malformed_response"])

/** What a call has used that did not come to its end: what its provider has said of it, and beyond that what can be counted here. */
const counted = (request: ChatRequest, reported: Usage | undefined, said: number): Usage => {
  const output = Math.ceil(said / charactersPerToken)
  if (reported === undefined || inputTotal(reported) === 0) {
    return { input: RequestSize.likelyTokens(request), cacheRead: 0, cacheWrite: 0, output, reasoning: 0 }
  }
  const more = output - outputTotal(reported)
  return more <= 0 ? reported : { ...reported, output: reported.output + more }
}

/** As English has. */
const charactersPerToken = 4

const nothing: ReadonlyArray<never> = []
