import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { RateLimitStore } from "../../src/limits/RateLimitStore.js"

/** A store that is asked over a network: what it says comes in a later turn, and it takes at the time when it is run. */
export const answeringLater: Layer.Layer<RateLimitStore, never, RateLimitStore> = Layer.effect(
  RateLimitStore,
  Effect.map(RateLimitStore, (near) => ({
    ...near,
    take: (takes, now) =>
      Either.left(
        Effect.zipRight(
          Effect.yieldNow(),
          Effect.suspend(() => Either.merge(Either.map(near.take(takes, now), Effect.succeed)))
        )
      )
  }))
)
