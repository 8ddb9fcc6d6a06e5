import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { catches, type ErrorCategory } from "../domain/ErrorCategory.js"
import { DeadlineExceeded, FallbackExhausted, ProviderFailed } from "../domain/GatewayError.js"
import type { ProviderError } from "../domain/ProviderError.js"
import * as Call from "../provider/Call.js"
import type { Timers } from "../provider/Timers.js"
import type { HardLimit } from "../provider/Watchdog.js"
import type { AttemptEntry, AttemptLog } from "./AttemptLog.js"
import type { Candidate } from "./Candidate.js"
import type { Plan } from "./Plan.js"
import * as RetryPolicy from "./RetryPolicy.js"

/** What a candidate gave, and the attempt that it was. */
export interface Served<A> {
  readonly value: A
  readonly candidate: Candidate
  readonly attempt: AttemptEntry
  /** A candidate before this one failed, or was left out because it is not well. */
  readonly fellBack: boolean
}

export type ChainError = ProviderFailed | FallbackExhausted | DeadlineExceeded

/** One call to one candidate, within a limit. */
export type CallTo<A> = (candidate: Candidate, limit: HardLimit) => Call.Call<A, ProviderError>

/**
 * Runs the plan: the first candidate, or else the next one that catches its failure, and so on. The first call is made at
 * once and without a fiber, since mostly it is the only one; what follows on its failure is an effect.
 */
export const run =
  <A, B>(
    plan: Plan,
    log: AttemptLog,
    timers: Timers,
    callTo: CallTo<A>,
    settle: (served: Served<A>) => B
  ): Call.Start<B, ChainError> =>
  (goOn) => {
    const [first] = plan.candidates
    if (first === undefined) {
      goOn(Either.left(Effect.die("a plan without candidates")))
      return () => {}
    }
    const state = new Run(plan, log, timers)
    const entry = state.begin(first)
    return callTo(
      first,
      state.limit(0)
    )((result) => {
      if (Either.isRight(result)) {
        const fellBack = state.fellBack(0)
        return goOn(Call.guard(() => settle({ value: result.right, candidate: first, attempt: entry, fellBack })))
      }
      state.failed(entry, result.left)
      goOn(Either.left(Effect.mapBoth(rest(state, callTo), { onSuccess: settle, onFailure: () => state.conclusion() })))
    })
  }

/**
 * What follows on the failure of the first call: its retries, or else the next candidate, or else the one after. `orElse`
 * is given no error, so each attempt leaves its failure in the run, where the next step's guard reads it.
 */
const rest = <A>(state: Run, callTo: CallTo<A>): Effect.Effect<Served<A>, ProviderError> => {
  const attempt = (candidate: Candidate, position: number): Effect.Effect<Served<A>, ProviderError> =>
    Effect.suspend(() => {
      const entry = state.begin(candidate)
      return Effect.mapBoth(Call.toEffect(callTo(candidate, state.limit(position))), {
        onSuccess: (value) => ({ value, candidate, attempt: entry, fellBack: state.fellBack(position) }),
        onFailure: (error) => state.failed(entry, error)
      })
    })

  // The failure that there is already is the schedule's first input.
  const retries = (candidate: Candidate, position: number): Effect.Effect<Served<A>, ProviderError> => {
    let first = true
    return Effect.retry(
      Effect.suspend(() => {
        if (!first) return attempt(candidate, position)
        first = false
        return state.lastFailure
      }),
      RetryPolicy.schedule(candidate.instance.retry, () => state.remaining(candidate, position))
    )
  }

  const step = (candidate: Candidate, position: number): Effect.Effect<Served<A>, ProviderError> =>
    Effect.suspend(() =>
      state.opens(candidate)
        ? state.announce(candidate).pipe(
            Effect.zipRight(attempt(candidate, position)),
            Effect.orElse(() => retries(candidate, position))
          )
        : state.lastFailure
    )

  return state.candidates.reduce<Effect.Effect<Served<A>, ProviderError>>(
    (before, candidate, position) =>
      position === 0 ? retries(candidate, 0) : Effect.orElse(before, () => step(candidate, position)),
    state.lastFailure
  )
}

/** What happened so far in one run of a plan. */
class Run {
  private readonly deadlineAt: number
  /** Time that is kept for each candidate which was not asked yet, in ms. */
  private readonly share: number
  private current: Candidate | undefined = undefined
  private callsToCurrent = 0
  private tried = 0
  private passedOver = false
  private error: ProviderError | undefined = undefined
  private readonly failures: Array<{ readonly error: ProviderError; readonly at: number }> = []

  constructor(
    private readonly plan: Plan,
    private readonly log: AttemptLog,
    private readonly timers: Timers
  ) {
    this.deadlineAt = timers.now() + plan.deadline
    this.share = Math.min(longestShare, plan.deadline / (plan.candidates.length + 1))
  }

  get candidates(): ReadonlyArray<Candidate> {
    return this.plan.candidates
  }

  begin(candidate: Candidate): AttemptEntry {
    if (this.current !== candidate) {
      this.current = candidate
      this.callsToCurrent = 0
      this.tried++
    }
    this.callsToCurrent++
    return this.log.begin(candidate)
  }

  failed(entry: AttemptEntry, error: ProviderError): ProviderError {
    entry.fail(error)
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
    return {
      calls: Math.min(candidate.maxCalls - this.callsToCurrent, this.plan.maxAttempts - this.log.calls - untried),
      ms: this.limit(position).at - this.timers.now(),
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
    return position > 0 || this.plan.excluded.some(({ ahead, reason }) => ahead && reason === "unhealthy")
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

  private untried(position: number): number {
    return this.plan.candidates.length - position - 1
  }

  private deadlinePassed(): boolean {
    return this.timers.now() >= this.deadlineAt
  }
}

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
