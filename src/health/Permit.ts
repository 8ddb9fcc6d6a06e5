import type { InstanceSettings } from "../config/Settings.js"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type * as Blame from "./Blame.js"
import type * as CircuitBreaker from "./CircuitBreaker.js"
import type { LatencySummary } from "./Latency.js"

/** Why a candidate is not asked now. */
export interface Ailment {
  readonly scope: Blame.Scope
  readonly reason: "circuit_open" | "half_open" | "rate_limited" | "budget_exceeded"
  /** Unix ms; the earliest time at which it may be asked. */
  readonly until: number
  /** A safe sentence. */
  readonly detail: string
}

/** What kind of call it is. */
export interface CallKind {
  readonly streamed: boolean
  /** Its request has called this model of this instance before: the retry budget pays. */
  readonly extra: boolean
}

/** Asks for leave for a call that starts now. `undefined`: not now. `ended` hears once that the call is over. */
export type Admit = (
  instance: InstanceSettings,
  model: string,
  now: () => number,
  kind: CallKind,
  ended?: (tokens?: number) => void
) => Permit | undefined

/** Leave to make one call. Of `succeed`, `fail` and `release` the first one counts, and whatever follows is not heard. */
export interface Permit {
  /**
   * It answers, after so many ms; a stream has begun. A trial makes room for the next one, so that a long answer does not
   * hold up the recovery. Nothing is forgiven yet: a stream may still break, each time.
   */
  begin(latency: number): void
  /** What it has used, in tokens in and out; told before its end by whoever knows. */
  used(tokens: number): void
  /** It ended well, with so many output tokens where that is known. */
  succeed(tokens?: number): void
  /** `counts` is false where the same request has failed at this scope before. */
  fail(error: ProviderError, counts: boolean): void
  /** It was given up after so many ms in which it had not begun to answer: it is slow, and nobody knows more. */
  late(ms: number): void
  /** It ended without telling anything: the caller hung up. */
  release(): void
}

/** A change of a circuit or of what the checks of an instance find, or a request that went on to somebody else. */
export type HealthEvent =
  | (Change &
      (
        | { readonly event_type: "circuit_open" | "circuit_half_open" | "circuit_close" | "key_out" }
        /** The check before it was good, or there was none; `reason` is a safe sentence. */
        | { readonly event_type: "health_check_failed"; readonly reason: string }
        /** The check before it had failed. */
        | { readonly event_type: "health_check_ok" }
      ))
  | Failover

/** A call failed, and the next candidate is asked. Not told of a call beside a late one, nor of whoever was left out at once. */
export interface Failover extends Omit<Change, "scope" | "model"> {
  readonly event_type: "failover"
  /** Who is to blame; `undefined`: nobody is. */
  readonly scope: Blame.Scope | undefined
  /** That failed, as its provider calls it. */
  readonly model: string
  /** May be the same one, with another model. */
  readonly to_instance: string
  /** `undefined` where the request had no id, as in a program. */
  readonly request_id: string | undefined
  readonly reason: ErrorCategory
}

/** A request that is to go on after a failure. */
export interface GoneOn {
  readonly from: InstanceSettings
  /** Of the call that failed. */
  readonly model: string
  readonly to: InstanceSettings
  readonly error: ProviderError
  /** Its id, where it has one. */
  readonly request: string | undefined
}

interface Change {
  /** Unix ms. */
  readonly at: number
  readonly instance: string
  /** Vendor slug. */
  readonly provider: string
  readonly scope: Blame.Scope
  /** Set with the scope `model`. */
  readonly model: string | undefined
  /** Of calls in a row; not of checks. */
  readonly consecutive_failures: number
  /** Until it is asked again; after a failed check, while somebody else is well. */
  readonly next_retry_secs: number | undefined
}

/** What calls to an instance have shown. */
export interface InstanceCircuits {
  /** The worse of its key and itself. */
  readonly circuit: CircuitBreaker.Circuit
  /** What an operator decreed. */
  readonly forced: CircuitBreaker.Forced
  readonly consecutiveFailures: number
  /** In ms from now; `undefined` while it may be asked. */
  readonly retryIn: number | undefined
  /** Of its latest calls; `undefined` before the first. */
  readonly errorRate: number | undefined
  readonly calls: number
  readonly latency: LatencySummary
}
