import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { asking, run, scenario } from "./running.js"

const simulated = (ids: ReadonlyArray<string>, rateLimit: object) => ({
  circuitBreaker: { jitter: 0 },
  instances: ids.map((id) => ({ id, provider: "simulated", ...(id === "a" ? { rateLimit } : {}) })),
  models: [{ id: "m", targets: ids.map((id) => ({ instance: id, model: "x" })) }]
})

const behaviour = { firstToken: "100ms", tokenInterval: "1ms" } as const

const nothingLeft = { fibers: 0, timers: 0, exchanges: 0, trials: 0, places: 0, reserved: 0 }

describe("a simulated instance with a limit of its own", () => {
  it.live("is asked as much as it allows and no more, and the rest goes to the next one", () =>
    Effect.gen(function* () {
      const limited = scenario({ arrivals: { rate: 2 }, config: simulated(["a", "b"], { requestsPerMinute: 30 }) })
      const { ended, left } = yield* run(limited)
      const served = ended.filter(({ instance }) => instance === "a").length
      assert.isTrue(ended.every(({ attempts, failure }) => failure === undefined && attempts.length === 1))
      // Ten minutes, and what it may be asked at once.
      assert.isAtMost(served, 30 * 11)
      assert.isAtLeast(served, 30 * 10)
      assert.deepStrictEqual(left, nothingLeft)
    })
  )

  it.live(
    "is waited for where nobody else is there, also by callers who lose their patience, and nothing is left of them",
    () =>
      Effect.gen(function* () {
        const limited = scenario({
          arrivals: { rate: 2 },
          requests: asking({ patience: "3s", streamed: 0.5, users: 5 }),
          config: simulated(["a"], { requestsPerMinute: 60, tokensPerMinute: 100_000 }),
          behaviours: { a: behaviour }
        })
        const { ended, left } = yield* run(limited)
        const failures = new Set(ended.flatMap(({ failure }) => failure ?? []))
        const calls = ended.reduce((sum, { attempts }) => sum + attempts.length, 0)
        assert.sameMembers([...failures], ["caller_hung_up", "rate_limit_exceeded"])
        assert.isAtMost(calls, 60 * 11)
        assert.isAtLeast(calls, 60 * 9)
        assert.deepStrictEqual(left, nothingLeft)
      })
  )
})
