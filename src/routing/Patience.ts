import * as Effect from "effect/Effect"
import type { Timers } from "../provider/Timers.js"
import type { Admission } from "./Admission.js"
import type { ChainError } from "./Conclusion.js"
import type { Run } from "./Run.js"

/** The position of the first candidate that is free or nearly well again, where there is one and time for it. */
export const wait = (run: Run, timers: Timers, admission: Admission): Effect.Effect<number, ChainError> => {
  const until = timers.now() + run.patience
  const again: Effect.Effect<number, ChainError> = Effect.suspend(() => {
    const position = run.firstAdmitted()
    if (position !== undefined) return Effect.succeed(position)
    const now = timers.now()
    const ailments = run.candidates.map(admission.ailment)
    const recovery = Math.min(...ailments.map((ailment) => ailment?.until ?? Number.POSITIVE_INFINITY))
    // A timer may go off a moment early.
    const sleep = Math.ceil(Math.max(recovery - now, shortest)) + 1
    // Whom its retry budget keeps away has room, and would be found to have it for ever.
    const busy = run.candidates.filter((_, at) => ailments[at] === undefined && run.lacksRoom(at))
    if (busy.length === 0) {
      return now + sleep > until
        ? Effect.fail(run.nobody({ full: false, wait: recovery - now }))
        : Effect.zipRight(Effect.sleep(sleep), again)
    }
    const left = Math.ceil(until - now)
    if (left <= 0) return Effect.fail(run.nobody({ full: true, wait: 0 }))
    return Effect.zipRight(Effect.race(Effect.sleep(Math.min(sleep, left)), admission.room(busy)), again)
  })
  return again
}

/** Waits for the first of those that could take over from the last failure: for room, or until it may be asked again. */
export const heir = (run: Run, timers: Timers, admission: Admission): Effect.Effect<void> => {
  const heirs = run.heirs.map(({ candidate }) => candidate)
  const busy = heirs.filter((candidate) => admission.ailment(candidate) === undefined)
  const ends = heirs.map((candidate) => admission.ailment(candidate)?.until ?? Number.POSITIVE_INFINITY)
  const sleep = Math.ceil(Math.max(Math.min(...ends) - timers.now(), shortest)) + 1
  const longest = Effect.sleep(Math.max(0, Math.min(sleep, run.patience)))
  return busy.length === 0 ? longest : Effect.race(longest, admission.room(busy))
}

/** Nobody knows how long a trial takes: who waits for its end looks again after this, in ms. */
const shortest = 250
