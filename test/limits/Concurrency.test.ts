import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { InstanceSettings } from "../../src/config/Settings.js"
import { Concurrency, type Place } from "../../src/limits/Concurrency.js"
import { instance } from "../support/settings.js"

const [one, two, free] = [
  instance("one", { maxConcurrency: 1 }),
  instance("two", { maxConcurrency: 2 }),
  instance("free")
]

const check = (name: string, body: (concurrency: Concurrency["Type"]) => Effect.Effect<void>) =>
  it.effect(name, () => Effect.flatMap(Concurrency, body).pipe(Effect.provide(Concurrency.layer)))

/** Waits; what it got so far. */
const waiting = (concurrency: Concurrency["Type"], ...instances: ReadonlyArray<InstanceSettings>) => {
  const got: Array<Place> = []
  return { got, leave: concurrency.wait(instances, (place) => got.push(place)) }
}

describe("the places at an instance", () => {
  check("are as many as it has, and free again when they were given back", (concurrency) =>
    Effect.sync(() => {
      const places = [concurrency.take(two), concurrency.take(two), concurrency.take(two)]
      assert.deepStrictEqual(
        places.map((place) => place !== undefined),
        [true, true, false]
      )
      assert.strictEqual(concurrency.busy("two"), 2)
      places[0]?.()
      places[0]?.()
      assert.strictEqual(concurrency.busy("two"), 1)
      assert.isDefined(concurrency.take(two))
    })
  )

  check("are without number where no number is set, and counted all the same", (concurrency) =>
    Effect.sync(() => {
      for (let call = 0; call < 1_000; call++) assert.isDefined(concurrency.take(free))
      assert.strictEqual(concurrency.busy("free"), 1_000)
      assert.strictEqual(concurrency.busy("never asked"), 0)
    })
  )

  check("are handed to whoever waits longest, and no newcomer gets in between", (concurrency) =>
    Effect.sync(() => {
      const release = concurrency.take(two)
      concurrency.take(two)
      const [first, second] = [waiting(concurrency, two), waiting(concurrency, two)]
      assert.isUndefined(concurrency.take(two))
      release?.()
      assert.deepStrictEqual([first.got.length, second.got.length, concurrency.busy("two")], [1, 0, 2])
      assert.isUndefined(concurrency.take(two))
      first.got[0]?.release()
      assert.deepStrictEqual([second.got.length, concurrency.busy("two")], [1, 2])
    })
  )

  check("may be waited for at several instances; the first that comes is taken, and no other", (concurrency) =>
    Effect.sync(() => {
      const [ofOne, ofTwo] = [concurrency.take(one), concurrency.take(two)]
      concurrency.take(two)
      const { got } = waiting(concurrency, one, two)
      ofTwo?.()
      ofOne?.()
      assert.deepStrictEqual(
        got.map(({ instance: id }) => id),
        ["two"]
      )
      assert.deepStrictEqual([concurrency.busy("one"), concurrency.busy("two")], [0, 2])
      assert.isDefined(concurrency.take(one))
    })
  )

  check("are not kept for whoever has stopped waiting", (concurrency) =>
    Effect.sync(() => {
      const release = concurrency.take(one)
      const { got, leave } = waiting(concurrency, one)
      leave?.()
      release?.()
      assert.deepStrictEqual([got.length, concurrency.busy("one")], [0, 0])
      assert.isDefined(concurrency.take(one))
    })
  )

  check("are waited for by no more than there are", (concurrency) =>
    Effect.sync(() => {
      const release = concurrency.take(one)
      const [first, second] = [waiting(concurrency, one), waiting(concurrency, one)]
      assert.deepStrictEqual(
        [first, second].map(({ leave }) => leave === undefined),
        [false, true]
      )
      release?.()
      first.got[0]?.release()
      assert.deepStrictEqual([first.got.length, second.got.length, concurrency.busy("one")], [1, 0, 0])
    })
  )
})
