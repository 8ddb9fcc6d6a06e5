import * as Effect from "effect/Effect"
import { catches, type ErrorCategory } from "../domain/ErrorCategory.js"
import { DeadlineExceeded, FallbackExhausted, NobodyAvailable, ProviderFailed } from "../domain/GatewayError.js"
import type { ProviderError } from "../domain/ProviderError.js"
import * as Blame from "../health/Blame.js"
import type { Ailment, Permit } from "../health/Permit.js"
import type * as Call from "../provider/Call.js"
import type { Timers } from "../provider/Timers.js"
import type { HardLimit } from "../provider/Watchdog.js"
import { reasons } from "./Ailing.js"
import type { AttemptEntry, AttemptLog } from "./AttemptLog.js"
import type { Candidate } from "./Candidate.js"
import type { Plan } from "./Plan.js"
import type * as RetryPolicy from "./RetryPolicy.js"

/** What a candidate gave, and the attempt that it was. */
export interface Served<A> {
  readonly value: A
  readonly candidate: Candidate
  readonly attempt: AttemptEntry
  /** Has heard that it answers, and is still to hear how that ended. */
  readonly permit: Permit
  /** Is this the first failure of the request that its scope is blamed for? */
  readonly counts: (error: ProviderError) => boolean
  /** A candidate before this one failed, or was left out because it is not well. */
  readonly fellBack: boolean
}

export type ChainError = ProviderFailed | FallbackExhausted | DeadlineExceeded | NobodyAvailable

/** One call to one candidate, within a limit. */
export type CallTo<A> = (candidate: Candidate, limit: HardLimit) => Call.Call<A, ProviderError>

/** Leave for calls, asked for when one starts and not when the plan is made. */
export interface Admission {
  /** Why not, and until when. */
  readonly ailment: (candidate: Candidate) => Ailment | undefined
  readonly admit: (candidate: Candidate) => Permit | undefined
  /** Although its circuit is open, because nobody else is left. */
  readonly admitLast: (candidate: Candidate) => Permit | undefined
}

/** What happened so far in one run of a plan. */
export class Run {
  private readonly deadlineAt: number
  /** Time that is kept for each candidate which was not asked yet, in ms. */
  private readonly share: number
  /** Leave that was taken for a call which has not started yet. */
  private leave: { readonly position: number; readonly permit: Permit } | undefined = undefined
  /** Leave of the call that is under way. */
  private underWay: Permit | undefined = undefined
  private startedAt = 0
  private current: Candidate | undefined = undefined
  private callsToCurrent = 0
  private tried = 0
  private passedOver = false
  private error: ProviderError | undefined = undefined
  /** Scopes that have failed in this request: it counts once against each. */
  private readonly blamed = new Set<string>()
  private readonly failures: Array<{ readonly error: ProviderError; readonly at: number }> = []

  constructor(
    private readonly plan: Plan,
    private readonly log: AttemptLog,
    private readonly timers: Timers,
    private readonly admission: Admission
  ) {
    this.deadlineAt = timers.now() + plan.deadline
    this.share = Math.min(longestShare, plan.deadline / (plan.candidates.length + 1))
  }

  get candidates(): ReadonlyArray<Candidate> {
    return this.plan.candidates
  }

  get calls(): number {
    return this.log.calls
  }

  /** The first candidate that may be asked now, its leave taken. */
  firstAdmitted(): number | undefined {
    for (const [position] of this.plan.candidates.entries()) if (this.admits(position)) return position
    return undefined
  }

  /** Takes leave to call a candidate, unless it is taken already. */
  admits(position: number): boolean {
    if (this.leave?.position === position) return true
    const candidate = this.plan.candidates[position]
    if (candidate === undefined) return false
    const permit = this.admission.admit(candidate) ?? this.admitLast(candidate)
    if (permit === undefined) return false
    this.leave?.permit.release()
    this.leave = { position, permit }
    return true
  }

  /** Gives back what leave there is that nobody was told of. */
  readonly giveBack: Effect.Effect<void> = Effect.sync(() => {
    this.leave?.permit.release()
    this.underWay?.release()
  })

  /** Waits for a candidate that is nearly well again, if there is one and time for it. */
  get anyoneAtLast(): Effect.Effect<number, ChainError> {
    const patience = Math.min(this.timers.now() + longestPatience, this.deadlineAt)
    const again: Effect.Effect<number, ChainError> = Effect.suspend(() => {
      const position = this.firstAdmitted()
      if (position !== undefined) return Effect.succeed(position)
      const now = this.timers.now()
      const recovery = this.recovery(now)
      // A timer may go off a moment early.
      const wait = Math.ceil(Math.max(recovery - now, shortestWait)) + 1
      return now + wait > patience
        ? Effect.fail(this.nobody(recovery - now))
        : Effect.zipRight(Effect.sleep(wait), again)
    })
    return again
  }

  start<A>(
    position: number,
    callTo: CallTo<A>
  ): { readonly call: Call.Call<A, ProviderError>; readonly entry: AttemptEntry; readonly permit: Permit } {
    const candidate = this.plan.candidates[position]
    const permit = this.leave?.permit
    if (candidate === undefined || permit === undefined) throw new Error("a call without leave")
    this.leave = undefined
    this.underWay = permit
    if (this.current !== candidate) {
      this.current = candidate
      this.callsToCurrent = 0
      this.tried++
    }
    this.callsToCurrent++
    this.startedAt = this.timers.now()
    return { call: callTo(candidate, this.limit(position)), entry: this.log.begin(candidate), permit }
  }

  served<A>(value: A, position: number, attempt: AttemptEntry, permit: Permit): Served<A> {
    this.underWay = undefined
    permit.begin(this.timers.now() - this.startedAt)
    const candidate = this.plan.candidates[position]
    if (candidate === undefined) throw new Error("an answer of nobody")
    return { value, candidate, attempt, permit, counts: this.counts, fellBack: this.fellBack(position) }
  }

  failed(entry: AttemptEntry, permit: Permit, error: ProviderError): ProviderError {
    entry.fail(error)
    this.underWay = undefined
    permit.fail(error, this.counts(error))
    this.error = error
    this.failures.push({ error, at: this.timers.now() })
    return error
  }

  /** Retries of an early candidate never starve the last: everyone who was not asked yet keeps a share. */
  limit(position: number): HardLimit {
    const untried = this.untried(position)
    return untried === 0
      ? { at: this.deadlineAt, phase: "deadline" }
      : { at: this.deadlineAt - untried * this.share, phase: "share" }
  }

  remaining(candidate: Candidate, position: number): RetryPolicy.Remaining {
    const { error } = this
    const untried = this.untried(position)
    const ailment = this.admission.ailment(candidate)
    const limited = ailment === undefined || ailment.reason === "rate_limited"
    return {
      // Nobody waits for a circuit that has opened meanwhile.
      calls: limited
        ? Math.min(candidate.maxCalls - this.callsToCurrent, this.plan.maxAttempts - this.log.calls - untried)
        : 0,
      ms: this.limit(position).at - this.timers.now(),
      wait: Math.max(0, (ailment?.until ?? 0) - this.timers.now()),
      successor:
        error !== undefined &&
        this.plan.candidates.slice(position + 1).some((next) => catches(next.catch, error.category))
    }
  }

  /** May this candidate follow on the last failure? */
  opens(candidate: Candidate): boolean {
    const { error } = this
    if (error === undefined || this.deadlinePassed()) return false
    const opened = catches(candidate.catch, error.category)
    this.passedOver = !opened
    return opened
  }

  announce(candidate: Candidate): Effect.Effect<void> {
    const { current, error } = this
    return Effect.logWarning("fallback").pipe(
      Effect.annotateLogs({
        from: current?.instance.id,
        to: candidate.instance.id,
        model: candidate.model,
        reason: error?.category,
        detail: error?.message
      })
    )
  }

  get lastFailure(): Effect.Effect<never, ProviderError> {
    return this.error === undefined ? Effect.die("no failure to pass on") : Effect.fail(this.error)
  }

  fellBack(position: number): boolean {
    return position > 0 || this.plan.excluded.some(({ ahead, reason }) => ahead && reasons.has(reason))
  }

  conclusion(): ChainError {
    const { error } = this
    const attempts = this.log.view()
    if (error === undefined || this.deadlinePassed()) {
      return new DeadlineExceeded({ attempts, deadlineMs: this.plan.deadline })
    }
    if (this.tried === 1 || this.passedOver) return new ProviderFailed({ error, attempts })
    const now = this.timers.now()
    const waits = this.failures.flatMap(({ at, error: { retryAfterMs } }) =>
      retryAfterMs === undefined ? [] : [Math.max(0, at + retryAfterMs - now)]
    )
    return new FallbackExhausted({
      attempts,
      ...(waits.length === 0 ? {} : { retryAfterMs: Math.min(...waits) }),
      retryable: this.failures.some(({ error: { category } }) => passing.has(category))
    })
  }

  private nobody(wait: number): NobodyAvailable {
    const known = Number.isFinite(wait)
    return new NobodyAvailable({
      model: this.plan.asked,
      attempts: this.log.view(),
      ...(known ? { retryAfterMs: Math.max(shortestWait, Math.ceil(wait)) } : {})
    })
  }

  /** The first failure that a scope is blamed for in this request. */
  private readonly counts = (error: ProviderError): boolean => {
    const scope = Blame.of(error)?.scope
    const blamed = scope === "model" ? `model ${error.instance} ${error.model}` : `${scope} ${error.instance}`
    if (this.blamed.has(blamed)) return false
    this.blamed.add(blamed)
    return true
  }

  /** A 429 that is nearly over is waited for: the call would only be told the same again. */
  private admitLast(candidate: Candidate): Permit | undefined {
    if (this.plan.lastResort === undefined) return undefined
    const ailment = this.admission.ailment(candidate)
    const until = Math.min(this.timers.now() + longestPatience, this.deadlineAt)
    return ailment?.reason === "rate_limited" && ailment.until < until ? undefined : this.admission.admitLast(candidate)
  }

  /** When the first of the candidates may be asked again. */
  private recovery(now: number): number {
    return Math.min(...this.plan.candidates.map((candidate) => this.admission.ailment(candidate)?.until ?? now))
  }

  private untried(position: number): number {
    return this.plan.candidates.length - position - 1
  }

  private deadlinePassed(): boolean {
    return this.timers.now() >= this.deadlineAt
  }
}

/** A candidate that is well again within this, in ms, is waited for. */
const longestPatience = 5_000

/** Nobody knows how long a trial takes: who waits for its end looks again after this, in ms. */
const shortestWait = 250

/** No candidate is kept more than this, in ms, however long the deadline. */
const longestShare = 30_000

/** Failures that may be gone at the next try. */
const passing: ReadonlySet<ErrorCategory> = new Set([
  "rate_limit",
  "timeout",
  "network",
  "provider_unavailable",
  "malformed_response"
])
