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
    if (until <= now) return Effect.fail(run.nobody({ full: !limited, limited, wait: limited ? soonest - now : 0 }))
    return Effect.zipRight(Effect.race(news(run, full, until), admission.room(full)), again)
  })
  return again
}

/**
 * Until one of the others may be asked or waited for, or none of these any more, or until then (Unix ms). Whoever waits for
 * these does not lose its turn by looking after the others.
 */
const news = (run: Run, full: ReadonlyArray<Candidate>, until: number): Effect.Effect<void> => {
  const { admission, candidates, timers } = run
  const others = [...candidates.entries()].filter(([, candidate]) => !full.includes(candidate))
  const isThere = ([position, candidate]: readonly [number, Candidate]): Effect.Effect<boolean> =>
    Effect.map(
      run.admitsLater(position),
      (admitted) => admitted || (admission.ailment(candidate) === undefined && run.lacksRoom(position))
    )
  const look: Effect.Effect<void> = Effect.suspend(() => {
    const now = timers.now()
    const recovery = Math.min(
      ...candidates.map((candidate) => admission.ailment(candidate)?.until ?? Number.POSITIVE_INFINITY)
    )
    const next = Math.min(pause(recovery, now), Math.ceil(until - now))
    if (next <= 0 || full.every((candidate) => admission.ailment(candidate) !== undefined)) return Effect.void
    return Effect.zipRight(
      Effect.sleep(next),
      Effect.flatMap(Effect.exists(others, isThere), (found) => (found ? Effect.void : look))
    )
  })
  return look
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
