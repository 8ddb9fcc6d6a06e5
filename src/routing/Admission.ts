import type * as Effect from "effect/Effect"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Ailment, Permit } from "../health/Permit.js"
import type { Bill } from "./AttemptLog.js"
import type { Candidate } from "./Candidate.js"

/** Leave for calls, asked for when one starts and not when the plan is made. */
export interface Admission {
  /** Why not, and until when. */
  ailment(candidate: Candidate): Ailment | undefined
  /** `extra`: the retry budget pays. */
  admit(candidate: Candidate, extra: boolean): Permit | undefined
  /** Although its circuit is open, because nobody else is left. */
  admitLast(candidate: Candidate, extra: boolean): Permit | undefined
  /** The books of the call that this leave was given for; it is made now. */
  bill(candidate: Candidate): Bill | undefined
  /** Does the retry budget pay for one more call? */
  mayRetry(candidate: Candidate): boolean
  /** Takes one call out of its retry budget. */
  pay(candidate: Candidate): void
  /** Is told that a failure of one candidate is followed by a call to another, for the request of this id. */
  goesOn(from: Candidate, to: Candidate, error: ProviderError, request: string | undefined): void
  /** How long its answers take to begin, all but the slowest, in ms; `undefined`: nobody knows. */
  p95(candidate: Candidate): number | undefined
  /**
   * When it has room again, where that is for its limits to say (Unix ms, and infinite where too many wait already);
   * `undefined`: nobody knows.
   */
  roomAt(candidate: Candidate): number | undefined
  /** What has to be waited for before `admit` can answer for it: limits may be kept elsewhere. `undefined`: nothing. */
  later(candidate: Candidate): Effect.Effect<void> | undefined
  /** Waits until one of these has room for a call, and keeps that for the next `admit`. */
  room(candidates: ReadonlyArray<Candidate>): Effect.Effect<void>
  /** Gives back room that was kept and not used. */
  drop(): void
}
