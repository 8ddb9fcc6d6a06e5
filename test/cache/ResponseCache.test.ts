import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { ResponseCache, type Found, type Given } from "../../src/cache/ResponseCache.js"
import type { CacheSettings } from "../../src/config/Settings.js"
import * as CacheControl from "../../src/domain/CacheControl.js"
import { local } from "../../src/domain/Caller.js"
import * as Money from "../../src/domain/Money.js"
import { stored } from "../support/answers.js"
import { request } from "../support/gateway.js"

/** A cache of a program that has no gateway. */
const caching = <A, E>(options: Partial<CacheSettings>, body: (cache: ResponseCache["Type"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(ResponseCache, body).pipe(Effect.provide(ResponseCache.layerMemory(options)))

const look = (cache: ResponseCache["Type"], key: string, control?: string): Found | undefined => {
  let there: Found | undefined
  cache.find(key, control === undefined ? undefined : CacheControl.parse(control), (found) => {
    there = found
  })
  return there
}

describe("a cache that stands alone", () => {
  it.effect("is enabled, and gives what it was given until it is too old", () =>
    caching({ ttl: 60_000 }, (cache) =>
      Effect.gen(function* () {
        assert.isTrue(cache.settings().enabled)
        cache.keep("k", stored("hello"))
        yield* TestClock.adjust("59 seconds")
        const found = look(cache, "k")
        assert.deepStrictEqual([found?.age, found?.fresh, found?.answer.storedAt], [59_000, true, 0])
        yield* TestClock.adjust("1 second")
        assert.isUndefined(look(cache, "k"))
      })
    )
  )

  it.effect("keeps what has expired for when all fail, where that is allowed", () =>
    caching({ ttl: 60_000, staleIfError: 3_600_000 }, (cache) =>
      Effect.gen(function* () {
        cache.keep("k", stored("hello"))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(look(cache, "k")?.fresh, false)
        yield* TestClock.adjust("59 minutes")
        assert.strictEqual(look(cache, "k")?.fresh, false)
        yield* TestClock.adjust("1 minute")
        assert.isUndefined(look(cache, "k"))
      })
    )
  )

  it.effect("gives nothing that is older than the caller takes", () =>
    caching({}, (cache) =>
      Effect.gen(function* () {
        cache.keep("k", stored("hello"))
        yield* TestClock.adjust("10 seconds")
        assert.isDefined(look(cache, "k", "max-age=10"))
        assert.isUndefined(look(cache, "k", "max-age=9"))
      })
    )
  )

  it.effect("does not keep what is longer than an entry may be", () =>
    caching({ maxEntryBytes: 5 }, (cache) =>
      Effect.sync(() => {
        cache.keep("k", stored("hello"))
        cache.keep("l", stored("hello!"))
        assert.deepStrictEqual([look(cache, "k") !== undefined, look(cache, "l")], [true, undefined])
      })
    )
  )

  it.effect("names requests by its policy", () =>
    caching({ policy: "temperature-zero" }, (cache) =>
      Effect.sync(() => {
        assert.isUndefined(cache.keyOf(request(), local, "a", false))
        assert.isDefined(cache.keyOf(request({ temperature: 0 }), local, "a", false))
      })
    )
  )

  it.effect("counts what it gave and saved, exactly, and tells whoever listens", () =>
    caching({}, (cache) =>
      Effect.gen(function* () {
        const heard: Array<Given["how"]> = []
        cache.listen(({ how }) => heard.push(how))
        const given = { request: request(), caller: local, id: "r", provider: "p", instance: "a", model: "m" }
        const tell = (how: Given["how"], saved: number | undefined) =>
          cache.given({
            ...given,
            how,
            usage: undefined,
            saved: saved === undefined ? undefined : Money.fromUsd(saved),
            savedMs: 250.4
          })
        for (let n = 0; n < 10; n++) tell("hit", 0.1)
        tell("stale", 0.2)
        tell("coalesced", undefined)
        cache.missed()
        cache.keep("k", stored("hello"))
        const { bytes, saved, ...stats } = yield* cache.stats
        assert.strictEqual(Money.toUsd(saved), "1.2")
        assert.isAbove(bytes, 5)
        assert.deepStrictEqual(stats, {
          enabled: true,
          entries: 1,
          hits: 10,
          misses: 1,
          staleHits: 1,
          coalesced: 1,
          evictions: 0,
          expirations: 0,
          savedMs: 3_005
        })
        assert.lengthOf(heard, 12)
        assert.strictEqual(yield* cache.clear, 1)
        assert.isUndefined(look(cache, "k"))
      })
    )
  )
})
