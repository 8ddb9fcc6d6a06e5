import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileForm from "../../src/config/FileForm.js"
import { loading, refused } from "./loading.js"

const instances = "instances: [{ id: a, provider: ollama }]\n"

describe("limits in the config file", () => {
  it.effect("hold an instance, and are shown as they were written", () =>
    Effect.gen(function* () {
      const file =
        "instances: [{ id: a, provider: ollama, rateLimit: { requestsPerMinute: 500, tokensPerMinute: 2e5 } }]"
      const [a] = (yield* loading({ file })).instances
      assert.deepStrictEqual(a?.rateLimit, { requestsPerMinute: 500, tokensPerMinute: 200_000 })
      assert.deepStrictEqual(a && FileForm.ofInstance(a)["rateLimit"], a?.rateLimit)
    })
  )

  it.effect("hold callers, who may wait", () =>
    Effect.gen(function* () {
      const file = `${instances}rateLimits:
        - { scope: "user:*", requestsPerMinute: 10, burst: 3, queue: {} }
        - { scope: "user:ann@example.org", tokensPerMinute: 1000, queue: { max: 5, timeout: 1m } }`
      assert.deepStrictEqual((yield* loading({ file })).rateLimits, [
        { scope: "user:*", requestsPerMinute: 10, burst: 3, queue: { max: 100, timeout: 5_000 } },
        { scope: "user:ann@example.org", tokensPerMinute: 1_000, queue: { max: 5, timeout: 60_000 } }
      ])
      assert.deepStrictEqual((yield* loading({ file: instances })).rateLimits, [])
    })
  )

  it.effect("are refused where they limit nothing, or the same thing twice", () =>
    Effect.gen(function* () {
      const file = `instances: [{ id: a, provider: ollama, rateLimit: {} }]
rateLimits:
  - { scope: users, requestsPerMinute: 10 }
  - { scope: global, queue: { max: 5 } }
  - { scope: global, tokensPerMinute: 10, burst: 5 }
  - { scope: "key:", requestsPerMinute: 0, queue: { max: 0, timeout: 5 } }
`
      const problems = yield* refused({ file })
      assert.sameMembers(
        problems.map((problem) => problem.slice(0, problem.indexOf(":"))),
        [
          "instances[0].rateLimit",
          "rateLimits[0].scope",
          "rateLimits[1]",
          "rateLimits[2].scope",
          "rateLimits[2].burst",
          "rateLimits[3].scope",
          "rateLimits[3].requestsPerMinute",
          "rateLimits[3].queue.max",
          "rateLimits[3].queue.timeout"
        ]
      )
    })
  )
})
