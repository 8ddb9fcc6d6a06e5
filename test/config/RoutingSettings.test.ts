import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { loading, refused } from "./loading.js"

const instances = "instances: [{ id: a, provider: ollama }, { id: b, provider: ollama }]\n"

const routed = (routing: string) =>
  Effect.map(loading({ file: `${instances}routing: ${routing}` }), (settings) => settings.routing)

describe("routing in the config file", () => {
  it.effect("spreads requests by weights of instances", () =>
    Effect.gen(function* () {
      const { strategy, weights } = yield* routed("{ strategy: weighted, weights: { a: 60, b: 0.5 } }")
      assert.deepStrictEqual([strategy, weights], ["weighted", { a: 60, b: 0.5 }])
    })
  )

  it.effect("keeps sessions where that is asked for, told by a header before anything else", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* routed("{}")).sticky)
      assert.deepStrictEqual((yield* routed("{ sticky: {} }")).sticky, {
        header: "x-session-id",
        by: ["header", "prompt_cache_key", "user"],
        ttl: 3_600_000
      })
      assert.deepStrictEqual((yield* routed("{ sticky: { header: X-Chat, by: [user], ttl: 10m } }")).sticky, {
        header: "x-chat",
        by: ["user"],
        ttl: 600_000
      })
    })
  )

  it.effect("hedges after a time of the operator's, or else after what the answers take", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* routed("{ hedge: { enabled: true } }")).hedge, { enabled: true, after: undefined })
      assert.deepStrictEqual((yield* routed("{ hedge: { enabled: true, after: 2s } }")).hedge, {
        enabled: true,
        after: 2_000
      })
    })
  )

  it.effect("holds retries to a budget", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* routed("{ retryBudget: { ratio: 0.2 } }")).retryBudget, {
        ratio: 0.2,
        reserve: 10
      })
    })
  )

  it.effect("is refused where it makes no sense", () =>
    Effect.gen(function* () {
      const file = `${instances}routing: { strategy: fastest, weights: { a: -1, c: 1 }, sticky: { header: "a b", by: [ip] },
        hedge: { after: 2 }, retryBudget: { reserve: -1 } }`
      const problems = yield* refused({ file })
      assert.sameMembers(
        problems.map((problem) => problem.slice(0, problem.indexOf(":"))),
        [
          "routing.strategy",
          "routing.weights.a",
          "routing.weights.c",
          "routing.sticky.header",
          "routing.sticky.by[0]",
          "routing.hedge.after",
          "routing.retryBudget.reserve"
        ]
      )
      const of = (path: string) => problems.find((problem) => problem.startsWith(`${path}:`))
      assert.include(of("routing.strategy"), "one of priority, round-robin, weighted")
      assert.include(of("routing.weights.c"), "no instance is called c")
    })
  )

  it.effect("gives instances a weight and a number of calls at a time", () =>
    Effect.gen(function* () {
      const file = "instances: [{ id: a, provider: ollama, weight: 3, maxConcurrency: 64 }]"
      const [a] = (yield* loading({ file })).instances
      assert.deepStrictEqual([a?.weight, a?.maxConcurrency], [3, 64])
      const wrong = "instances: [{ id: a, provider: ollama, weight: -1, maxConcurrency: 0 }]"
      assert.sameMembers(
        (yield* refused({ file: wrong })).map((problem) => problem.slice(0, problem.indexOf(":"))),
        ["instances[0].weight", "instances[0].maxConcurrency"]
      )
    })
  )
})
