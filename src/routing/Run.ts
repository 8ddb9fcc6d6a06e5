import * as Effect from "effect/Effect"
import { catches } from "../domain/ErrorCategory.js"
import type { ProviderError } from "../domain/ProviderError.js"
import * as Blame from "../health/Blame.js"
import type { Permit } from "../health/Permit.js"
import type { Timers } from "../provider/Timers.js"
import type { HardLimit } from "../provider/Watchdog.js"
import type { Admission } from "./Admission.js"
import { reasons } from "./Ailing.js"
import type { AttemptLog } from "./AttemptLog.js"
import type { CallTo, Served, Started } from "./Calls.js"
import type { Candidate } from "./Candidate.js"
import * as Conclusion from "./Conclusion.js"
import type { Plan } from "./Plan.js"
import type * as RetryPolicy from "./RetryPolicy.js"

/** What happened so far in one run of a plan. */
export class Run {
  private readonly deadlineAt: number
  /** Time that is kept for each candidate which was not asked yet, in ms. */
  private readonly share: number
  /** Leave that was taken for a call which has not started yet. */
  private leave: { readonly position: number; readonly permit: Permit } | undefined = undefined
  /** Leave of the calls that are under way. */
  private underWay: ReadonlyArray<Permit> = none
  /** By position. */
  private readonly callsTo: Array<number> = []
  /** What has to be known before the next candidate can be admitted. */
  private unanswered: Effect.Effect<void> | undefined = undefined
  private passedOver = false
  private error: ProviderError | undefined = undefined
  /** Tokens of the largest context window that was too small. */
  private outgrown = 0
  /** Positions of candidates that may not be asked again, and of those that had no room. */
  private readonly refused: Array<number> = []
  private readonly roomless: Array<number> = []
  /** Scopes that have failed in this request: it counts once against each. */
  private readonly blamed: Array<string> = []
  private readonly failures: Array<Conclusion.Failed & { readonly position: number }> = []

  /** Those of the plan, and behind them its reserve. */
  readonly candidates: ReadonlyArray<Candidate>

  constructor(
    readonly plan: Plan,
    private readonly log: AttemptLog,
    readonly timers: Timers,
    readonly admission: Admission
  ) {
    this.candidates = plan.reserve.length === 0 ? plan.candidates : [...plan.candidates, ...plan.reserve]
    this.deadlineAt = timers.now() + plan.deadline
    this.share = Math.min(longestShare, plan.deadline / (plan.candidates.length + 1))
  }

  /** The latest failure of a candidate. */
  failureOf(position: number): ProviderError | undefined {
    return this.failures.findLast((failure) => failure.position === position)?.error
  }

  /** The first candidate that may be asked now, its leave taken. */
  firstAdmitted(): number | undefined {
    for (const [position, candidate] of this.candidates.entries()) {
      if (this.admits(position)) return position
      // Nobody is passed over who may have room.
      this.unanswered = this.admission.later(candidate)
      if (this.unanswered !== undefined) return undefined
    }
    return undefined
  }

  /** The same, where limits are kept elsewhere and have to be asked for it. */
  readonly firstAdmittedLater: Effect.Effect<number | undefined> = Effect.suspend(() => {
    const position = this.firstAdmitted()
    return position !== undefined || this.unanswered === undefined
      ? Effect.succeed(position)
      : Effect.zipRight(this.unanswered, this.firstAdmittedLater)
  })

  /** Takes leave to call a candidate, also where limits have to be asked for it. */
  admitsLater(position: number): Effect.Effect<boolean> {
    if (this.admits(position)) return Effect.succeed(true)
    const candidate = this.candidates[position]
    const later = candidate && this.admission.later(candidate)
    return later === undefined ? Effect.succeed(false) : Effect.map(later, () => this.admits(position))
  }

  wasCalled(position: number): boolean {
    return this.callsTo[position] !== undefined
  }

  /** It was well, and had no room. */
  lacksRoom(position: number): boolean {
    return this.roomless.includes(position)
  }

  /** Takes leave to call a candidate, unless it is taken already. */
  admits(position: number): boolean {
    if (this.leave?.position === position) return true
    const candidate = this.candidates[position]
    if (candidate === undefined) return false
    const again = this.log.has(candidate)
    const permit = this.admission.admit(candidate, again) ?? this.admitLast(candidate, again)
    if (permit === undefined) {
      if (this.admission.later(candidate) !== undefined) return false
      if (again) this.refused.push(position)
      else if (this.admission.ailment(candidate) === undefined) this.roomless.push(position)
      return false
    }
    this.leave?.permit.release()
    this.leave = { position, permit }
    return true
  }

  /** Gives back what leave there is that nobody was told of. */
  readonly giveBack: Effect.Effect<void> = Effect.sync(() => {
    this.leave?.permit.release()
    for (const permit of this.underWay) permit.release()
    this.admission.drop()
  })

  /** How long somebody is waited for who is not free or not well now, in ms. */
  get patience(): number {
    return Math.min(this.plan.patience, this.deadlineAt - this.timers.now())
  }

  nobody(why: Conclusion.Unasked): Conclusion.ChainError {
    return Conclusion.nobody(this.plan, this.log.view(), why)
  }

  start<A>(position: number, callTo: CallTo<A>): Started<A> {
    const candidate = this.candidates[position]
    const permit = this.leave?.permit
    if (candidate === undefined || permit === undefined) throw new Error("a call without leave")
    this.leave = undefined
    this.underWay = this.underWay.length === 0 ? [permit] : [...this.underWay, permit]
    this.callsTo[position] = (this.callsTo[position] ?? 0) + 1
    const at = this.timers.now()
    const entry = this.log.begin(candidate, this.admission.bill(candidate))
    return { position, candidate, call: callTo(candidate, this.limit(position), entry), entry, permit, at }
  }

  served<A>(value: A, { at, candidate, entry, permit, position }: Started<A>): Served<A> {
    this.ends(permit)
    permit.begin(this.timers.now() - at)
    const before = this.failures.some(
      (failure) => failure.position < position || (failure.position > position && failure.at <= at)
    )
    const fellBack = before || this.passedBy(position)
    return { value, candidate, attempt: entry, permit, counts: this.counts, fellBack }
  }

  /** Another one was faster. */
  abandoned({ at, entry, permit }: Started<unknown>): void {
    entry.leave()
    this.ends(permit)
    permit.late(this.timers.now() - at)
  }

  failed({ candidate, entry, permit, position }: Started<unknown>, error: ProviderError): ProviderError {
    entry.fail(error)
    entry.close()
    this.ends(permit)
    permit.fail(error, this.counts(error))
    this.error = error
    if (error.category === "context_length") this.outgrown = Math.max(this.outgrown, comparable(candidate) ?? 0)
    this.failures.push({ error, at: this.timers.now(), position })
    return error
  }

  /** Retries of an early candidate never starve the last: everyone who was not asked yet keeps a share. */
  limit(position: number): HardLimit {
    const untried = this.untried(position)
    if (untried === 0) return { at: this.deadlineAt, phase: "deadline" }
    // Whoever had to wait for room still has its part of what is left.
    const now = this.timers.now()
    const fair = now + (this.deadlineAt - now) / (untried + 1)
    return { at: Math.max(this.deadlineAt - untried * this.share, fair), phase: "share" }
  }

  remaining(candidate: Candidate, position: number): RetryPolicy.Remaining {
    const { error } = this
    const ailment = this.admission.ailment(candidate)
    const limited = ailment === undefined || ailment.reason === "rate_limited"
    return {
      // Nobody waits for a circuit that has opened meanwhile.
      calls:
        limited && !this.refused.includes(position)
          ? Math.min(candidate.maxCalls - (this.callsTo[position] ?? 0), this.callsLeft(position))
          : 0,
      ms: this.limit(position).at - this.timers.now(),
      wait: Math.max(0, Math.max(ailment?.until ?? 0, this.admission.roomAt(candidate) ?? 0) - this.timers.now()),
      paid: this.admission.mayRetry(candidate),
      again: (this.callsTo[position] ?? 0) > 1,
      successor:
        error !== undefined &&
        this.candidates
          .slice(position + 1, this.plan.candidates.length)
          .some((next) => catches(next.catch, error.category))
    }
  }

  /** Does this candidate catch the last failure, and may the request still cost a call? */
  takesOver(candidate: Candidate): boolean {
    const { error } = this
    if (error === undefined || this.deadlinePassed() || this.log.calls >= this.plan.maxAttempts) return false
    return (
      catches(candidate.catch, error.category) && (comparable(candidate) ?? Number.POSITIVE_INFINITY) > this.outgrown
    )
  }

  /** May this candidate follow on the last failure? It is its turn. */
  opens(candidate: Candidate): boolean {
    const opened = this.takesOver(candidate)
    if (this.plan.candidates.includes(candidate)) this.passedOver = !opened
    return opened
  }

  announce(candidate: Candidate): Effect.Effect<void> {
    const last = this.failures.at(-1)
    const from = last && this.candidates[last.position]
    if (last !== undefined && from !== undefined) this.admission.goesOn(from, candidate, last.error, this.log.id)
    return Effect.logWarning("fallback").pipe(
      Effect.annotateLogs({
        from: from?.instance.id,
        to: candidate.instance.id,
        model: candidate.model,
        reason: last?.error.category,
        detail: last?.error.message
      })
    )
  }

  get lastFailure(): Effect.Effect<never, ProviderError> {
    return this.error === undefined ? Effect.die("no failure to pass on") : Effect.fail(this.error)
  }

  conclusion(): Conclusion.ChainError {
    return Conclusion.of({
      plan: this.plan,
      attempts: this.log.view(),
      failures: this.failures,
      candidates: this.callsTo.filter((calls) => calls > 0).length,
      passedOver: this.passedOver,
      recovery: this.recovery(),
      late: this.deadlinePassed(),
      now: this.timers.now()
    })
  }

  /** The first failure that a scope is blamed for in this request. */
  private readonly counts = (error: ProviderError): boolean => {
    const scope = Blame.of(error)?.scope
    if (scope === undefined) return true
    const blamed = Blame.nameOf(scope, error.instance, error.model)
    if (this.blamed.includes(blamed)) return false
    this.blamed.push(blamed)
    return true
  }

  /** Who asked for fewer requests is not asked before its time. */
  private admitLast(candidate: Candidate, extra: boolean): Permit | undefined {
    if (this.plan.lastResort === undefined) return undefined
    const ailment = this.admission.ailment(candidate)
    return ailment?.reason === "rate_limited" ? undefined : this.admission.admitLast(candidate, extra)
  }

  private recovery(): number | undefined {
    const ends = this.candidates.map((candidate) => this.admission.ailment(candidate)?.until)
    const first = Math.min(...ends.map((end) => end ?? Number.NaN))
    return Number.isFinite(first) ? first : undefined
  }

  private ends(permit: Permit): void {
    const [only, second] = this.underWay
    this.underWay = only === permit && second === undefined ? none : this.underWay.filter((other) => other !== permit)
  }

  /** A candidate before this one was left out although it was there, for its health or its limits. */
  private passedBy(position: number): boolean {
    for (let at = 0; at < position; at++) if (this.callsTo[at] === undefined) return true
    return this.plan.excluded.some(({ ahead, reason }) => ahead && reasons.has(reason))
  }

  /** Calls that are left to a candidate when those behind it keep one each. */
  callsLeft(position: number): number {
    return this.plan.maxAttempts - this.log.calls - this.untried(position)
  }

  private untried(position: number): number {
    return Math.max(0, this.plan.candidates.length - position - 1)
  }

  private deadlinePassed(): boolean {
    return this.timers.now() >= this.deadlineAt
  }
}

/** Mostly one call is under way, or none. */
const none: ReadonlyArray<Permit> = []

/** The context window of a candidate; that of one with a bound of its own for the answer tells nothing about others. */
const comparable = (candidate: Candidate | undefined): number | undefined =>
  candidate?.maxTokens === undefined ? candidate?.contextWindow : undefined

/** No candidate is kept more than this, in ms, however long the deadline. */
const longestShare = 30_000
