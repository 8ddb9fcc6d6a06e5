import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Cancel } from "./Timers.js"

/**
 * Something under way that ends exactly once, or never after it was cancelled. It costs no fiber: that is how a request's
 * first call to a provider is made, which mostly is its only one.
 */
export type Call<A, E> = (done: (result: Either.Either<A, E>) => void) => Cancel

/** The call as an effect. Interruption cancels it, also between its end and the moment that somebody holds the result. */
export const toEffect = <A, E>(call: Call<A, E>): Effect.Effect<A, E> => cancellable((resume) => call(resume))

/** How something goes on that was started: with a value that is there, or else with an effect that is still to be run. */
export type Outcome<A, E> = Either.Either<A, Effect.Effect<A, E>>

/** Starts something at once, and tells how it goes on exactly once, or never after it was cancelled. */
export type Start<A, E> = (goOn: (outcome: Outcome<A, E>) => void) => Cancel

/** The whole of it as one effect. */
export const run = <A, E>(start: Start<A, E>): Effect.Effect<A, E> =>
  cancellable((resume) => start((outcome) => resume(Either.merge(Either.map(outcome, Effect.succeed)))))

/** What a callback makes of a value. It has no fiber around it that would catch a defect. */
export const guard = <A>(make: () => A): Outcome<A, never> => {
  try {
    return Either.right(make())
  } catch (defect) {
    return Either.left(Effect.die(defect))
  }
}

const cancellable = <A, E>(begin: (resume: (outcome: Effect.Effect<A, E>) => void) => Cancel): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    let cancel: Cancel | undefined
    return Effect.onInterrupt(
      Effect.async<A, E>((resume) => {
        cancel = begin(resume)
      }),
      () => Effect.sync(() => cancel?.())
    )
  })
