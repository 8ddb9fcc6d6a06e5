import * as Effect from "effect/Effect"
import type { Candidate } from "./Candidate.js"
import type { ChainError } from "./Conclusion.js"
import type { Run } from "./Run.js"

/** The position of the first candidate that is free or nearly well again, where there is one and time for it. */
export const wait = (run: Run): Effect.Effect<number, ChainError> => {
  const { admission, candidates, timers } = run
  const until = timers.now() + run.patience
  const again: Effect.Effect<number, ChainError> = Effect.flatMap(run.firstAdmittedLater, (position) => {
    if (position !== undefined) return Effect.succeed(position)
    const now = timers.now()
    const ailments = candidates.map((candidate) => admission.ailment(candidate))
    const recovery = Math.min(...ailments.map((ailment) => ailment?.until ?? Number.POSITIVE_INFINITY))
    const sleep = pause(recovery, now)
    // Whom its retry budget keeps away has room, and would be found to have it for ever.
    const full = candidates.filter((_, at) => ailments[at] === undefined && run.lacksRoom(at))
    const room = full.map((candidate) => admission.roomAt(candidate))
    const limited = full.length > 0 && room.every((at) => at !== undefined)
    const soonest = Math.min(...room.map((at) => at ?? now))
    // Limits say when they have room: nobody waits for them in vain.
    if (soonest > until) {
      return now + sleep > until
        ? Effect.fail(run.nobody({ full: false, limited, wait: Math.min(recovery, soonest) - now }))
        : Effect.zipRight(Effect.sleep(sleep), again)
    }
    const left = Math.ceil(until - now)
    if (left <= 0) return Effect.fail(run.nobody({ full: !limited, limited, wait: limited ? soonest - now : 0 }))
    return Effect.zipRight(Effect.race(Effect.sleep(Math.min(sleep, left)), admission.room(full)), again)
  })
  return again
}

/** One that could take over from the last failure. */
export interface Heir {
  readonly candidate: Candidate
  readonly position: number
}

/** Those that were not called, catch the last failure, and only had no room or are well again soon. */
export const heirs = (run: Run): ReadonlyArray<Heir> => {
  const { admission, candidates, timers } = run
  const soon = timers.now() + run.patience
  return candidates.flatMap((candidate, position) => {
    if (run.wasCalled(position) || !run.takesOver(candidate)) return []
    const ailment = admission.ailment(candidate)
    const free =
      ailment === undefined
        ? run.lacksRoom(position) && (admission.roomAt(candidate) ?? 0) <= soon
        : ailment.until < soon
    return free ? [{ candidate, position }] : []
  })
}

/** Waits for the first of them: for room, or until it may be asked again. */
export const waitForHeir = ({ admission, patience, timers }: Run, found: ReadonlyArray<Heir>): Effect.Effect<void> => {
  const ailments = found.map(({ candidate }) => admission.ailment(candidate))
  const recovery = Math.min(...ailments.map((ailment) => ailment?.until ?? Number.POSITIVE_INFINITY))
  const longest = Effect.sleep(Math.max(0, Math.min(pause(recovery, timers.now()), patience)))
  const full = found.flatMap(({ candidate }, at) => (ailments[at] === undefined ? [candidate] : []))
  return full.length === 0 ? longest : Effect.race(longest, admission.room(full))
}

/** Until a recovery, in ms. A timer may go off a moment early. */
const pause = (recovery: number, now: number): number => Math.ceil(Math.max(recovery - now, shortest)) + 1

/** Nobody knows how long a trial takes: who waits for its end looks again after this, in ms. */
const shortest = 250
