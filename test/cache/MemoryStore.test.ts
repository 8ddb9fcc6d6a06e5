import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { randomBytes } from "node:crypto"
import type { CacheStore, StoredAnswer } from "../../src/cache/CacheStore.js"
import * as MemoryStore from "../../src/cache/MemoryStore.js"
import * as Timers from "../../src/provider/Timers.js"
import { stored } from "../support/answers.js"

const usual = { maxEntries: 1_000, maxBytes: 64 * 2 ** 20, compressAbove: 1_024 }

/** A store on the clock of the test; its limits may be changed. */
const store = (limits: Partial<MemoryStore.Limits> = {}) =>
  Effect.clockWith((clock) => {
    let bounds = { ...usual, ...limits }
    const change = (to: Partial<MemoryStore.Limits>) => {
      bounds = { ...bounds, ...to }
    }
    return Effect.succeed({ change, kept: MemoryStore.make(() => bounds, Timers.ofClock(clock)) })
  })

const hour = 3_600_000

const found = ({ get }: CacheStore["Type"], key: string): Effect.Effect<StoredAnswer | undefined> =>
  Effect.async((resume) => {
    get(key, (answer) => resume(Effect.succeed(answer)))
  })

const texts = (kept: CacheStore["Type"], ...keys: ReadonlyArray<string>) =>
  Effect.forEach(keys, (key) =>
    Effect.map(found(kept, key), (answer) => (answer === undefined ? undefined : Buffer.from(answer.body).toString()))
  )

describe("answers in memory", () => {
  it.effect("are there at once, as they were, until their time is over", () =>
    Effect.gen(function* () {
      const { kept } = yield* store()
      const answer = stored("hello", { frames: Uint32Array.of(2, 3), dropped: ["seed"] })
      kept.set("k", answer, hour)
      let now: StoredAnswer | undefined
      kept.get("k", (there) => {
        now = there
      })
      assert.deepStrictEqual(now, answer)
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual(yield* texts(kept, "k", "other"), ["hello", undefined])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* texts(kept, "k"), [undefined])
      assert.deepStrictEqual(yield* kept.stats, { entries: 0, bytes: 0, evictions: 0, expirations: 1 })
    })
  )

  it.effect("that nobody asks for any more are not counted once their time is over", () =>
    Effect.gen(function* () {
      const { kept } = yield* store()
      kept.set("k", stored("hello"), 1_000)
      kept.set("l", stored("hello"), hour)
      yield* TestClock.adjust("1 minute")
      const { entries, expirations } = yield* kept.stats
      assert.deepStrictEqual([entries, expirations], [1, 1])
    })
  )

  it.effect("go when there are too many, the least recently used first", () =>
    Effect.gen(function* () {
      const { kept } = yield* store({ maxEntries: 2 })
      for (const key of ["a", "b"]) kept.set(key, stored(key), hour)
      yield* found(kept, "a")
      kept.set("c", stored("c"), hour)
      assert.deepStrictEqual(yield* texts(kept, "a", "b", "c"), ["a", undefined, "c"])
      assert.strictEqual((yield* kept.stats).evictions, 1)
    })
  )

  it.effect("go when they are too large together, and one that is too large alone is not kept", () =>
    Effect.gen(function* () {
      const { kept } = yield* store({ maxBytes: 10_000, compressAbove: 1_000_000 })
      for (const key of ["a", "b", "c", "d"]) kept.set(key, stored(key.repeat(2_500)), hour)
      const there = yield* texts(kept, "a", "b", "c", "d")
      assert.deepStrictEqual(
        there.map((text) => text?.length),
        [undefined, 2_500, 2_500, 2_500]
      )
      kept.set("e", stored("e".repeat(10_000)), hour)
      assert.deepStrictEqual(yield* texts(kept, "e"), [undefined])
      const { bytes, entries } = yield* kept.stats
      assert.strictEqual(entries, 3)
      assert.isAtMost(bytes, 10_000)
      assert.isAtLeast(bytes, 7_500)
    })
  )

  it.effect("are as large as the names that they hold, too", () =>
    Effect.gen(function* () {
      const { kept } = yield* store({ maxBytes: 10_000 })
      const named = (name: string, count = 1) => stored("x", { dropped: Array.from({ length: count }, () => name) })
      kept.set("a", named("n".repeat(2_000)), hour)
      assert.isAbove((yield* kept.stats).bytes, 4_000)
      kept.set("long", named("n".repeat(5_000)), hour)
      kept.set("many", named("", 500), hour)
      kept.set("answered", stored("x", { answered: "n".repeat(5_000) }), hour)
      const there = yield* texts(kept, "a", "long", "many", "answered")
      assert.deepStrictEqual(there, ["x", undefined, undefined, undefined])
    })
  )

  it.effect("are compressed after a moment when they are long, and come back as they were", () =>
    Effect.gen(function* () {
      const { kept } = yield* store()
      const sizes = [1_024, 1_025, 60_000, 900_000]
      for (const size of sizes) kept.set(String(size), stored("word ".repeat(size).slice(0, size)), hour)
      const before = (yield* kept.stats).bytes
      // The longest one goes to a thread.
      while ((yield* kept.stats).bytes > 30_000) {
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => new Promise(setImmediate))
      }
      assert.isAbove(before, 962_000)
      const back = yield* texts(kept, ...sizes.map(String))
      assert.deepStrictEqual(
        back,
        sizes.map((size) => "word ".repeat(size).slice(0, size))
      )
      assert.isAbove((yield* kept.stats).bytes, 1_024)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* texts(kept, "60000"), [undefined])
    })
  )

  it.effect("stay as they are where compressing does not help", () =>
    Effect.gen(function* () {
      const { kept } = yield* store()
      const noise = randomBytes(5_000)
      kept.set("k", stored(noise), hour)
      const before = (yield* kept.stats).bytes
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* kept.stats).bytes, before)
      assert.deepStrictEqual((yield* found(kept, "k"))?.body, noise)
    })
  )

  it.effect("are replaced, also while the old ones wait to be compressed", () =>
    Effect.gen(function* () {
      const { kept } = yield* store()
      kept.set("k", stored("old ".repeat(100_000)), hour)
      yield* TestClock.adjust("20 millis")
      kept.set("k", stored("new"), hour)
      yield* TestClock.adjust("1 second")
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.deepStrictEqual(yield* texts(kept, "k"), ["new"])
      assert.strictEqual((yield* kept.stats).entries, 1)
    })
  )

  it.effect("are not told of to whoever has left meanwhile", () =>
    Effect.gen(function* () {
      const { kept } = yield* store()
      // So long that it is packed and unpacked elsewhere.
      const long = Array.from({ length: 200_000 }, (_, n) => n.toString(36)).join(" ")
      kept.set("k", stored(long), hour)
      const { bytes } = yield* kept.stats
      while ((yield* kept.stats).bytes === bytes) {
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => new Promise(setImmediate))
      }
      let told = 0
      const leave = kept.get("k", () => told++)
      leave()
      assert.strictEqual((yield* found(kept, "k"))?.body.length, long.length)
      assert.strictEqual(told, 0)
    })
  )

  it.effect("go all at once when they are cleared", () =>
    Effect.gen(function* () {
      const { kept } = yield* store()
      assert.strictEqual(yield* kept.clear, 0)
      for (const key of ["a", "b"]) kept.set(key, stored("x".repeat(5_000)), hour)
      assert.strictEqual(yield* kept.clear, 2)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* texts(kept, "a", "b"), [undefined, undefined])
      assert.deepStrictEqual(yield* kept.stats, { entries: 0, bytes: 0, evictions: 0, expirations: 0 })
    })
  )

  it.effect("follow limits that are changed: the least recently used go, and the others keep their time", () =>
    Effect.gen(function* () {
      const { change, kept } = yield* store()
      for (const key of ["a", "b", "c"]) kept.set(key, stored(key), hour)
      yield* found(kept, "a")
      change({ maxEntries: 3 })
      kept.set("d", stored("d"), hour)
      assert.deepStrictEqual(yield* texts(kept, "a", "b", "c", "d"), ["a", undefined, "c", "d"])
      yield* TestClock.adjust("61 minutes")
      assert.deepStrictEqual(yield* texts(kept, "a", "c", "d"), [undefined, undefined, undefined])
    })
  )

  it.effect("stay within their bytes however many large ones come", () =>
    Effect.gen(function* () {
      const maxBytes = 4 * 2 ** 20
      const { kept } = yield* store({ maxBytes, maxEntries: 100_000 })
      const held = (): number => process.memoryUsage().arrayBuffers
      const before = held()
      let most = 0
      for (let n = 0; n < 3_000; n++) {
        const body = Buffer.allocUnsafeSlow(100_000).fill(`answer ${n} `)
        kept.set(String(n), stored(body), hour)
        if (n % 50 === 0) {
          yield* TestClock.adjust("20 millis")
          const { bytes } = yield* kept.stats
          assert.isAtMost(bytes, maxBytes)
          most = Math.max(most, held() - before)
        }
      }
      // 300 MB have come; what is freed is freed late.
      assert.isBelow(most, 150 * 2 ** 20)
    })
  )
})
