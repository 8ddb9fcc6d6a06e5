import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { cache as usual } from "../support/settings.js"
import { loading, refused } from "./loading.js"

const instances = "instances: [{ id: a, provider: ollama }]\n"

const cached = (cache: string) =>
  Effect.map(loading({ file: `${instances}cache: ${cache}` }), (settings) => settings.cache)

describe("cache in the config file", () => {
  it.effect("is not enabled unless it says so: two equal requests may be meant to have two answers", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* loading({ file: instances })).cache, usual)
      assert.deepStrictEqual(yield* cached("{ enabled: true }"), { ...usual, enabled: true })
      for (const NODE_ENV of ["development", "production"]) {
        assert.isFalse((yield* loading({ file: instances, env: { NODE_ENV } })).cache.enabled)
      }
    })
  )

  it.effect("keeps answers for a short time in development", () =>
    Effect.gen(function* () {
      const { cache } = yield* loading({ file: instances, env: { NODE_ENV: "development" } })
      assert.strictEqual(cache.ttl, 60_000)
    })
  )

  it.effect("has its bounds in entries, sizes and durations", () =>
    Effect.gen(function* () {
      const cache = yield* cached(
        `{ enabled: true, policy: all, maxEntries: 50, maxBytes: 2GiB, maxEntryBytes: 64KiB, ttl: 10m, compressAbove: 4KiB,
           coalesce: true, staleIfError: 24h }`
      )
      assert.deepStrictEqual(cache, {
        enabled: true,
        policy: "all",
        maxEntries: 50,
        maxBytes: 2 * 2 ** 30,
        maxEntryBytes: 65_536,
        ttl: 600_000,
        compressAbove: 4_096,
        coalesce: true,
        staleIfError: 86_400_000
      })
    })
  )

  it.effect("is refused where it makes no sense, or does nothing", () =>
    Effect.gen(function* () {
      const problems = yield* refused({
        file: `${instances}cache: { policy: some, maxEntries: 0, maxBytes: 100GiB, ttl: 5, staleIfError: 0ms, size: 3 }`
      })
      const paths = problems.map((problem) => problem.slice(0, problem.indexOf(":")))
      for (const field of ["policy", "maxEntries", "maxBytes", "ttl", "staleIfError", "size"]) {
        assert.include(paths, `cache.${field}`)
      }
      const idle = yield* refused({ file: `${instances}cache: { policy: all }` })
      assert.match(idle.join("\n"), /cache\.policy: does nothing without enabled: true/)
    })
  )
})
