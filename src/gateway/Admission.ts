import * as Effect from "effect/Effect"
import type { Circuits } from "../health/Circuits.js"
import type { CallKind, Permit } from "../health/Permit.js"
import type { Concurrency, Place, Release } from "../limits/Concurrency.js"
import type { Timers } from "../provider/Timers.js"
import type { Candidate } from "../routing/Candidate.js"
import type { Admission } from "../routing/Admission.js"

/** Leave for the calls of one request: of its circuits, and a place at the instance. */
export const make = (
  circuits: Circuits["Type"],
  concurrency: Concurrency["Type"],
  { now }: Timers,
  streamed: boolean
): Admission => {
  /** Places that were waited for and are not taken yet. */
  let kept: ReadonlyArray<Place> = []
  const drop = (): void => {
    for (const { release } of kept) release()
    kept = []
  }
  const placeAt = ({ instance }: Candidate): Release | undefined => {
    const own = kept.find((each) => each.instance === instance.id)
    if (own === undefined) return concurrency.take(instance)
    kept = kept.filter((each) => each !== own)
    return own.release
  }
  const admitted = (candidate: Candidate, extra: boolean, admit: Circuits["Type"]["admit"]): Permit | undefined => {
    const waitedFor = kept
    const release = placeAt(candidate)
    if (release === undefined) return undefined
    const permit = admit(candidate.instance, candidate.model, now, kinds[streamed ? "stream" : "whole"][extra ? 1 : 0])
    if (permit === undefined) {
      // What was waited for may do for another model of the instance; handed to the next one in line it would come back at once.
      if (kept === waitedFor) release()
      else kept = waitedFor
      return undefined
    }
    return held(permit, release)
  }
  return {
    ailment: ({ instance, model }) => circuits.ailment(instance, model, now()),
    admit: (candidate, extra) => admitted(candidate, extra, circuits.admit),
    admitLast: (candidate, extra) => admitted(candidate, extra, circuits.admitLast),
    p95: ({ instance, model }) => circuits.pace(instance, model, streamed)?.p95,
    pay: ({ instance }) => circuits.pay(instance, now()),
    mayRetry: ({ instance }) => circuits.mayRetry(instance, now()),
    room: (candidates) =>
      Effect.async((resume) => {
        const leave = concurrency.wait(
          candidates.map(({ instance }) => instance),
          (place) => {
            // Kept before anybody is told, so that an interruption in between loses nothing.
            kept = [...kept, place]
            resume(Effect.void)
          }
        )
        if (leave === undefined) resume(Effect.sleep(crowded))
        return Effect.sync(() => leave?.())
      }),
    drop
  }
}

/** Whoever finds too many waiting looks again after this, in ms. */
const crowded = 100

const kindsOf = (streamed: boolean): readonly [CallKind, CallKind] => [
  { streamed, extra: false },
  { streamed, extra: true }
]

const kinds = { stream: kindsOf(true), whole: kindsOf(false) }

/** The place is given back when the call has ended, in whichever way. */
const held = (permit: Permit, release: Release): Permit => ({
  begin: permit.begin,
  succeed: (tokens) => {
    release()
    permit.succeed(tokens)
  },
  fail: (error, counts) => {
    release()
    permit.fail(error, counts)
  },
  late: (ms) => {
    release()
    permit.late(ms)
  },
  release: () => {
    release()
    permit.release()
  }
})
