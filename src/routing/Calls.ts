import type { ProviderError } from "../domain/ProviderError.js"
import type { Permit } from "../health/Permit.js"
import type * as Call from "../provider/Call.js"
import type { HardLimit } from "../provider/Watchdog.js"
import type { AttemptEntry } from "./AttemptLog.js"
import type { Candidate } from "./Candidate.js"

/** One call to one candidate, within a limit. Its entry is told when the request is on its way. */
export type CallTo<A> = (
  candidate: Candidate,
  limit: HardLimit,
  entry: Pick<AttemptEntry, "sent">
) => Call.Call<A, ProviderError>

/** A call that has begun. */
export interface Started<A> {
  readonly position: number
  readonly candidate: Candidate
  readonly call: Call.Call<A, ProviderError>
  readonly entry: AttemptEntry
  readonly permit: Permit
  /** Unix ms. */
  readonly at: number
}

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
