import { catches, type ErrorCategory } from "../domain/ErrorCategory.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Permit } from "../health/Permit.js"
import type * as Call from "../provider/Call.js"
import type { Timers } from "../provider/Timers.js"
import type { Admission } from "./Admission.js"
import type { AttemptLog } from "./AttemptLog.js"
import type { CallTo, Served } from "./Calls.js"
import type { Candidate } from "./Candidate.js"
import type { ChainError } from "./Conclusion.js"
import * as FallbackChain from "./FallbackChain.js"
import type { Plan } from "./Plan.js"
import * as RetryPolicy from "./RetryPolicy.js"

/** A request whose stream has broken. */
export interface Seam {
  /** As it was made for the whole request. */
  readonly plan: Plan
  readonly log: AttemptLog
  readonly timers: Timers
  readonly admission: Admission
}

/** A stream that said something and then failed. */
export interface Broken {
  /** The plan that it was a part of: the request's own, or what `planOf` made at the seam before. */
  readonly plan: Plan
  readonly candidate: Candidate
  readonly error: ProviderError
  /** Is this the first failure of the request that its scope is blamed for? */
  readonly counts: (error: ProviderError) => boolean
}

/** Could somebody else go on after this failure? What is wrong with the request or the answer itself would only come again. */
export const mayGoOn = ({ category }: ProviderError): boolean => !pointless.has(category)

const pointless: ReadonlySet<ErrorCategory> = new Set(["content_filter", "invalid_request", "context_length"])

/**
 * The plan of who goes on: those behind the broken one that catch its failure, in their order, and at last itself, where its
 * retries allow that. The calls that the request may cost still hold. The deadline runs anew from the break, since the one
 * before it ended with the first output: so long at most does the caller's stream pause. Two at a time cannot go on with
 * one answer, so there is no hedge. `undefined`: nobody.
 */
export const planOf = (seam: Seam, { candidate, error, plan }: Broken): Plan | undefined => {
  if (!mayGoOn(error)) return undefined
  const failed = seam.log.view().filter(({ outcome }) => outcome === "failure")
  const others = seam.plan.candidates.filter(
    (other) =>
      other !== candidate &&
      !failed.some(({ instance, model }) => other.instance.id === instance && other.model === model)
  )
  const retried = mayRetry(seam, candidate, error)
    ? [{ ...candidate, catch: undefined, maxCalls: left(seam, candidate) }]
    : []
  const candidates = [...others, ...retried].slice(0, Math.max(0, plan.maxAttempts - seam.log.calls))
  return candidates.some((next) => catches(next.catch, error.category))
    ? {
        ...plan,
        candidates,
        reserve: plan.reserve.filter((each) => each !== candidate),
        lastResort: undefined,
        hedge: { enabled: false, after: undefined }
      }
    : undefined
}

/**
 * Asks those of a plan that `planOf` made, as a chain of their own: with its circuits, retries and limits. `failed` hears of
 * each failure.
 */
export const run = <A, B>(
  { admission, log, timers }: Seam,
  { counts, error, plan }: Broken,
  callTo: CallTo<A>,
  settle: (served: Served<A>) => B,
  failed: (error: ProviderError) => void
): Call.Start<B, ChainError> => {
  let begun = false
  // Until somebody else has failed it is the broken stream's failure that opens a candidate.
  const opens = (candidate: Candidate): boolean => begun || catches(candidate.catch, error.category)
  const told = (permit: Permit | undefined): Permit | undefined =>
    permit && {
      begin: (latency) => permit.begin(latency),
      used: (tokens) => permit.used(tokens),
      succeed: (tokens) => permit.succeed(tokens),
      late: (ms) => permit.late(ms),
      release: () => permit.release(),
      fail: (failure, first) => {
        failed(failure)
        // A request counts once against each scope, on both sides of the seam.
        permit.fail(failure, first && counts(failure))
      }
    }
  return FallbackChain.run(
    plan,
    log,
    timers,
    {
      p95: (candidate) => admission.p95(candidate),
      pay: (candidate) => admission.pay(candidate),
      mayRetry: (candidate) => admission.mayRetry(candidate),
      room: (candidates) => admission.room(candidates),
      roomAt: (candidate) => admission.roomAt(candidate),
      later: (candidate) => (opens(candidate) ? admission.later(candidate) : undefined),
      drop: () => admission.drop(),
      bill: (candidate) => admission.bill(candidate),
      goesOn: (from, to, failure, request) => admission.goesOn(from, to, failure, request),
      ailment: (candidate) => (opens(candidate) ? admission.ailment(candidate) : closed),
      admit: (candidate, extra) => (opens(candidate) ? told(admission.admit(candidate, extra)) : undefined),
      admitLast: () => undefined
    },
    (candidate, limit, entry) => {
      begun = true
      return callTo(candidate, limit, entry)
    },
    settle
  )
}

const mayRetry = (seam: Seam, candidate: Candidate, error: ProviderError): boolean => {
  const { admission, plan, timers } = seam
  const wait = Math.max(0, (admission.ailment(candidate)?.until ?? 0) - timers.now())
  const remaining = {
    calls: left(seam, candidate),
    ms: plan.deadline,
    wait,
    paid: admission.mayRetry(candidate),
    again: false,
    successor: false
  }
  return RetryPolicy.mayRetry(error, candidate.instance.retry, remaining)
}

/** Calls that a candidate of the request's own plan may still cost. */
const left = ({ log, plan }: Seam, { instance, model, maxCalls }: Candidate): number => {
  const own = plan.candidates.find((candidate) => candidate.instance === instance && candidate.model === model)
  const made = log.view().filter((attempt) => attempt.instance === instance.id && attempt.model === model)
  return (own?.maxCalls ?? maxCalls) - made.length
}

/** It does not catch this failure. */
const closed = {
  scope: "model",
  reason: "circuit_open",
  until: Number.POSITIVE_INFINITY,
  detail: "it does not catch this failure"
} as const
