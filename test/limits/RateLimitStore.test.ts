import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { RateLimitStore, type Take } from "../../src/limits/RateLimitStore.js"

const of = (bucket: string, amount: number, perMinute = 60): Take => ({
  bucket,
  amount,
  rate: { perMinute, capacity: perMinute }
})

const check = (name: string, body: (store: RateLimitStore["Type"]) => void, most?: number) =>
  it.effect(name, () => Effect.map(RateLimitStore, body).pipe(Effect.provide(RateLimitStore.memory(most))))

const granted = (store: RateLimitStore["Type"], takes: ReadonlyArray<Take>, now = 0): boolean => {
  const taken = store.take(takes, now)
  assert.isTrue(Either.isRight(taken))
  return Either.isRight(taken) && taken.right.granted
}

const remaining = (store: RateLimitStore["Type"], bucket: string, now = 0): number | undefined =>
  store.peek([of(bucket, 0)], now)[0]?.remaining

describe("buckets in memory", () => {
  check("are taken from all at once, or not at all", (store) => {
    assert.isTrue(granted(store, [of("a", 40), of("b", 10)]))
    assert.isFalse(granted(store, [of("b", 10), of("a", 21)]))
    assert.deepStrictEqual([remaining(store, "a"), remaining(store, "b")], [20, 50])
    assert.isTrue(granted(store, [of("b", 50), of("a", 20)]))
  })

  check(
    "may be in debt when a call has used more than was thought, and are full at most when it has used less",
    (store) => {
      granted(store, [of("a", 50)])
      store.correct([of("a", 40)], 0)
      assert.strictEqual(remaining(store, "a"), -30)
      assert.strictEqual(store.peek([of("a", 1)], 0)[0]?.wait, 31_000)
      assert.isFalse(granted(store, [of("a", 0)]))
      store.correct([of("a", -500)], 0)
      assert.strictEqual(remaining(store, "a"), 60)
    }
  )

  check("keep what was used when their rate changes", (store) => {
    granted(store, [of("a", 50)])
    assert.strictEqual(store.peek([of("a", 1, 100)], 0)[0]?.remaining, 50)
    assert.strictEqual(store.peek([of("a", 1, 30)], 0)[0]?.remaining, -20)
  })

  check(
    "are bounded, and those are forgotten first that nobody has used for longest",
    (store) => {
      for (let user = 0; user < 5; user++) granted(store, [of(`user:${user}`, 10)], user)
      assert.deepStrictEqual([...store.known()], ["user:4", "user:3", "user:2"])
    },
    3
  )

  check("are dropped when they are full again and somebody new comes", (store) => {
    for (let user = 0; user < 10; user++) granted(store, [of(`user:${user}`, 1)], 0)
    // A second brings one back; each newcomer takes two of the oldest away.
    for (let user = 10; user < 14; user++) granted(store, [of(`user:${user}`, 1)], 1_000)
    assert.strictEqual([...store.known()].length, 10 + 4 - 8)
    granted(store, [of("user:14", 1)], 1_500)
    assert.include([...store.known()], "user:13")
  })
})
