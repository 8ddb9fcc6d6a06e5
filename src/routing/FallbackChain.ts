import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ProviderError } from "../domain/ProviderError.js"
import * as Call from "../provider/Call.js"
import type { Timers } from "../provider/Timers.js"
import type { Admission } from "./Admission.js"
import type { AttemptLog } from "./AttemptLog.js"
import type { CallTo, Served } from "./Calls.js"
import type { Candidate } from "./Candidate.js"
import type { ChainError } from "./Conclusion.js"
import * as Hedge from "./Hedge.js"
import * as Patience from "./Patience.js"
import type { Plan } from "./Plan.js"
import * as RetryPolicy from "./RetryPolicy.js"
import { Run } from "./Run.js"

/**
 * Runs the plan: the first candidate, or else the next one that catches its failure, and so on. The first call is made at
 * once and without a fiber, since mostly it is the only one; what follows on its failure is an effect.
 */
export const run =
  <A, B>(
    plan: Plan,
    log: AttemptLog,
    timers: Timers,
    admission: Admission,
    callTo: CallTo<A>,
    settle: (served: Served<A>) => B
  ): Call.Start<B, ChainError> =>
  (goOn) => {
    const state = new Run(plan, log, timers, admission)
    const settled = (effect: Effect.Effect<Served<A>, unknown>): Effect.Effect<B, ChainError> =>
      Effect.mapBoth(effect, { onSuccess: settle, onFailure: () => state.conclusion() })
    /** Whatever ends it, no leave is kept. */
    const tidied = <C, E>(effect: Effect.Effect<C, E>): Effect.Effect<C, E> => Effect.ensuring(effect, state.giveBack)
    const position = state.firstAdmitted()
    if (position === undefined) {
      goOn(Either.left(tidied(Effect.flatMap(Patience.wait(state), (last) => settled(rest(state, callTo, last))))))
      return () => {}
    }
    return Hedge.call(
      state,
      callTo,
      position
    )((result) =>
      goOn(
        Either.isRight(result)
          ? Call.guard(() => settle(result.right))
          : Either.left(tidied(settled(rest(state, callTo, position))))
      )
    )
  }

/**
 * What follows on the failure of the first call, or on waiting for it: its retries, or else the next candidate, or else the
 * one after, or else whoever has room at last. `orElse` is given no error, so each attempt leaves its failure in the run, where the next step's guard reads it.
 */
const rest = <A>(state: Run, callTo: CallTo<A>, from: number): Effect.Effect<Served<A>, ProviderError> => {
  const attempt = (position: number): Effect.Effect<Served<A>, ProviderError> =>
    Effect.flatMap(
      Effect.suspend(() => state.admitsLater(position)),
      (admitted) => {
        if (!admitted) return state.lastFailure
        const started = state.start(position, callTo)
        return Effect.mapBoth(Call.toEffect(started.call), {
          onSuccess: (value) => state.served(value, started),
          onFailure: (error) => state.failed(started, error)
        })
      }
    )

  // The candidate's failure that there is already is the schedule's first input.
  const retries = (candidate: Candidate, position: number): Effect.Effect<Served<A>, ProviderError> => {
    let first = true
    return Effect.retry(
      Effect.suspend(() => {
        if (!first) return attempt(position)
        first = false
        const failure = state.failureOf(position)
        return failure === undefined ? attempt(position) : Effect.fail(failure)
      }),
      RetryPolicy.schedule(candidate.instance.retry, () => state.remaining(candidate, position))
    )
  }

  const step = (candidate: Candidate, position: number): Effect.Effect<Served<A>, ProviderError> =>
    Effect.suspend(() =>
      // It may have been asked beside another one.
      state.failureOf(position) !== undefined
        ? retries(candidate, position)
        : state.opens(candidate)
          ? Effect.flatMap(state.admitsLater(position), (admitted) =>
              admitted
                ? state.announce(candidate).pipe(
                    Effect.zipRight(attempt(position)),
                    Effect.orElse(() => retries(candidate, position))
                  )
                : state.lastFailure
            )
          : state.lastFailure
    )

  const chain = state.candidates.reduce<Effect.Effect<Served<A>, ProviderError>>(
    (before, candidate, position) =>
      position < from
        ? before
        : position === from
          ? retries(candidate, position)
          : Effect.orElse(before, () => step(candidate, position)),
    state.lastFailure
  )
  // Whoever could take over, and only had no room or is well again soon, is waited for, once.
  return Effect.orElse(chain, () => {
    const heirs = Patience.heirs(state)
    return heirs.length === 0
      ? state.lastFailure
      : Effect.zipRight(
          Patience.waitForHeir(state, heirs),
          heirs.reduce<Effect.Effect<Served<A>, ProviderError>>(
            (before, { candidate, position }) => Effect.orElse(before, () => step(candidate, position)),
            state.lastFailure
          )
        )
  })
}
