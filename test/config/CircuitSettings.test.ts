import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { loading, refused } from "./loading.js"

describe("circuitBreaker in the config file", () => {
  it.effect("left out means three failures within a minute, and a minute's rest that doubles up to ten", () =>
    Effect.gen(function* () {
      const { circuitBreaker } = yield* loading({ file: "{}" })
      assert.deepStrictEqual(circuitBreaker, {
        failureThreshold: 3,
        window: 60_000,
        failureRatio: undefined,
        successThreshold: 2,
        halfOpenMax: 1,
        backoff: { kind: "exponential", initial: 60_000, max: 600_000, multiplier: 2, jitter: 0.2 }
      })
    })
  )

  it.effect("is read whole", () =>
    Effect.gen(function* () {
      const file = `circuitBreaker:
        { failureThreshold: 5, window: 2m, failureRatio: 0.4, minimumCalls: 30, successThreshold: 4, initialBackoff: 1s,
          maxBackoff: 20s, multiplier: 3, jitter: 0, backoff: fibonacci, halfOpenMax: 6 }`
      const { circuitBreaker } = yield* loading({ file })
      assert.deepStrictEqual(circuitBreaker, {
        failureThreshold: 5,
        window: 120_000,
        failureRatio: { threshold: 0.4, minimumCalls: 30 },
        successThreshold: 4,
        halfOpenMax: 6,
        backoff: { kind: "fibonacci", initial: 1_000, max: 20_000, multiplier: 3, jitter: 0 }
      })
    })
  )

  it.effect("asks at least 20 calls of a failure ratio that comes without a minimum", () =>
    Effect.gen(function* () {
      const { circuitBreaker } = yield* loading({ file: "circuitBreaker: { failureRatio: 0.5 }" })
      assert.deepStrictEqual(circuitBreaker.failureRatio, { threshold: 0.5, minimumCalls: 20 })
    })
  )

  it.effect("is refused where it makes no sense", () =>
    Effect.gen(function* () {
      const file =
        "circuitBreaker: { failureThreshold: 0, failureRatio: 2, backoff: cubic, jitter: 1.5, halfOpenMax: 0 }"
      const paths = (yield* refused({ file })).map((problem) => problem.slice(0, problem.indexOf(":")))
      assert.sameMembers(
        paths,
        ["failureThreshold", "failureRatio", "backoff", "jitter", "halfOpenMax"].map(
          (field) => `circuitBreaker.${field}`
        )
      )
    })
  )
})
