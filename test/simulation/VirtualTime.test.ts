import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Random from "effect/Random"
import * as Timers from "../../src/provider/Timers.js"
import { EventHeap } from "../../src/simulation/EventHeap.js"
import { VirtualTime } from "../../src/simulation/VirtualTime.js"

describe("what is due", () => {
  it.prop(
    "comes in the order of its times, and of the same time in the order in which it was set, unless it was cancelled",
    [FastCheck.array(FastCheck.tuple(FastCheck.nat(20), FastCheck.boolean()))],
    ([entries]) => {
      const heap = new EventHeap()
      const came: Array<number> = []
      const cancels = entries.map(([at], place) => heap.push(at, () => came.push(place)))
      for (const [place, [, cancelled]] of entries.entries()) if (cancelled) cancels[place]?.()
      const kept = [...entries.entries()].filter(([, [, cancelled]]) => !cancelled)
      assert.strictEqual(heap.size, kept.length)
      for (let due = heap.pop(); due !== undefined; due = heap.pop()) due.task()
      const expected = kept.toSorted(([one, [at]], [other, [otherAt]]) => at - otherAt || one - other)
      assert.deepStrictEqual(
        came,
        expected.map(([place]) => place)
      )
      assert.strictEqual(heap.size, 0)
    }
  )

  it("cannot be cancelled after it came", () => {
    const heap = new EventHeap()
    const cancel = heap.push(1, () => {})
    heap.push(2, () => {})
    heap.pop()
    cancel()
    assert.strictEqual(heap.size, 1)
  })
})

describe("virtual time", () => {
  it.effect("runs a day of sleeping fibers in their order, and its clock says when", () =>
    Effect.gen(function* () {
      const said: Array<readonly [string, number]> = []
      const say = (word: string) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          said.push([word, now])
        })
      const time = new VirtualTime(1_000)
      yield* time.run(
        Effect.gen(function* () {
          yield* Effect.fork(Effect.zipRight(Effect.sleep("20 hours"), say("late")))
          yield* Effect.fork(Effect.zipRight(Effect.sleep("1 second"), say("early")))
          yield* say("at once")
          const slow = Effect.as(Effect.sleep("2 hours"), "slow")
          yield* Effect.flatMap(Effect.race(slow, Effect.as(Effect.sleep("1 hour"), "fast")), say)
          yield* Effect.sleep("23 hours")
          yield* say("end")
        }),
        "any"
      )
      assert.deepStrictEqual(said, [
        ["at once", 1_000],
        ["early", 2_000],
        ["fast", 3_601_000],
        ["late", 72_001_000],
        ["end", 86_401_000]
      ])
      assert.strictEqual(time.waiting, 0)
    })
  )

  it.effect("is the time of callbacks too, which cost no fiber", () =>
    Effect.gen(function* () {
      const time = new VirtualTime(0)
      assert.strictEqual(Timers.ofClock(time), time.timers)
      const heard = yield* time.run(
        Effect.async<ReadonlyArray<string>>((resume) => {
          const words: Array<string> = []
          time.timers.after(5, () => {
            words.push(`timer ${time.timers.now()}`)
            time.soon(() => words.push("soon"))
            words.push("before soon")
          })
          const cancel = time.timers.after(6, () => words.push("never"))
          time.timers.after(6, () => resume(Effect.succeed(words)))
          cancel()
        }),
        "any"
      )
      assert.deepStrictEqual(heard, ["timer 5", "before soon", "soon"])
    })
  )

  it.effect("gives the same chance for the same seed", () =>
    Effect.gen(function* () {
      const numbers = (seed: string) => new VirtualTime(0).run(Effect.all([Random.next, Random.next]), seed)
      assert.deepStrictEqual(yield* numbers("a"), yield* numbers("a"))
      assert.notDeepEqual(yield* numbers("a"), yield* numbers("b"))
    })
  )

  it.effect("dies of a callback's defect, and where nothing can happen any more", () =>
    Effect.gen(function* () {
      const broken = new VirtualTime(0)
      const fails = Effect.async<never>(() => {
        broken.timers.after(1, () => {
          throw new Error("broken")
        })
      })
      const message = (exit: Exit.Exit<never>): string =>
        Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : assert.fail("it succeeded")
      assert.include(message(yield* Effect.exit(broken.run(fails, "any"))), "broken")
      const stuck = yield* Effect.exit(new VirtualTime(0).run(Effect.never, "any"))
      assert.include(message(stuck), "something that will never happen")
    })
  )
})
