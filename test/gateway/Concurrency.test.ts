import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { Gateway } from "../../src/gateway/Gateway.js"
import { Concurrency } from "../../src/limits/Concurrency.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

/** Answers take a second, and `a` takes two calls at a time. */
const on = <A, E>(ids: ReadonlyArray<string>, body: Effect.Effect<A, E, Concurrency | Gateway | Simulator>) =>
  Effect.provide(
    body,
    gateway(
      settings({
        instances: ids.map((id) =>
          instance(id, {
            ...(id === "a" ? { maxConcurrency: 2 } : {}),
            simulated: { ...instance(id).simulated, latency: 1_000 }
          })
        ),
        models: [model("m", ids)]
      })
    )
  )

const asking = (fields: Readonly<Record<string, unknown>> = {}) =>
  Effect.flatMap(Gateway, (service) => Effect.fork(Effect.either(service.complete(request(fields)))))

const outcome = (fiber: Effect.Effect.Success<ReturnType<typeof asking>>) =>
  Effect.map(Fiber.join(fiber), (result) =>
    result._tag === "Right" ? `${result.right.instance} ${result.right.fallback}` : result.left._tag
  )

const busy = Effect.map(Concurrency, (concurrency) => concurrency.busy("a"))

describe("an instance that has as many calls as it takes", () => {
  it.effect("is passed over for the next one", () =>
    on(
      ["a", "b"],
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 4)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Effect.forEach(fibers, outcome), ["a false", "a false", "b true", "b true"])
        assert.strictEqual(yield* busy, 0)
      })
    )
  )

  it.effect("is waited for, in order, where nobody else is there", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 4)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* busy, 2)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Effect.forEach(fibers, outcome), ["a false", "a false", "a false", "a false"])
        assert.strictEqual(yield* busy, 0)
      })
    )
  )

  it.effect("is not waited for by more than it takes, nor for longer than five seconds", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.hang)
        const fibers = yield* Effect.replicateEffect(asking(), 5)
        yield* TestClock.adjust("5 seconds")
        const outcomes = yield* Effect.forEach(fibers.slice(2), outcome)
        assert.deepStrictEqual(outcomes, ["NobodyAvailable", "NobodyAvailable", "NobodyAvailable"])
        yield* Fiber.interruptAll(fibers)
        assert.strictEqual(yield* busy, 0)
      })
    )
  )

  it.effect("is waited for by whoever finds too many waiting, as soon as there are fewer", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 5)
        yield* TestClock.adjust("3 seconds")
        const outcomes = yield* Effect.forEach(fibers, outcome)
        assert.deepStrictEqual(outcomes, ["a false", "a false", "a false", "a false", "a false"])
        assert.strictEqual(yield* busy, 0)
      })
    )
  )

  it.effect("is waited for where the one before it failed, and nobody else is there", () =>
    on(
      ["b", "a"],
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("b", Simulated.failure(503, { message: "down" }))
        const fibers = yield* Effect.replicateEffect(asking(), 4)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* Effect.forEach(fibers, outcome), ["a true", "a true", "a true", "a true"])
        assert.strictEqual(yield* busy, 0)
      })
    )
  )

  it.effect("is not asked again in vain: whoever is free takes over at once", () =>
    on(
      ["a", "b"],
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.serverError, Simulated.serverError, Simulated.hang)
        const fibers = yield* Effect.replicateEffect(asking(), 2)
        yield* TestClock.adjust(1_000)
        // Both places are taken by others before the retries come.
        yield* Effect.replicateEffect(asking(), 2)
        yield* TestClock.adjust(9_000)
        assert.deepStrictEqual(yield* Effect.forEach(fibers, outcome), ["b true", "b true"])
      })
    )
  )

  it.effect("holds up nobody who finds room", () =>
    Effect.gen(function* () {
      const concurrency = yield* Concurrency
      const got: Array<string> = []
      const a = instance("a", { maxConcurrency: 1 })
      concurrency.wait([a], (place) => got.push(place.instance))
      assert.deepStrictEqual([got, concurrency.busy("a")], [["a"], 1])
    }).pipe(Effect.provide(Concurrency.layer))
  )

  it.effect("has its place back when the caller hangs up, and the next in line gets it", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        const [first, second, third] = yield* Effect.replicateEffect(asking(), 3)
        if (first === undefined || second === undefined || third === undefined) return assert.fail("no fibers")
        yield* TestClock.adjust(500)
        yield* Fiber.interrupt(first)
        yield* TestClock.adjust(500)
        assert.strictEqual(yield* outcome(second), "a false")
        yield* TestClock.adjust(500)
        assert.strictEqual(yield* outcome(third), "a false")
        assert.strictEqual(yield* busy, 0)
      })
    )
  )

  it.effect("keeps no place for whoever stops waiting", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 4)
        yield* TestClock.adjust(100)
        yield* Fiber.interruptAll(fibers)
        assert.strictEqual(yield* busy, 0)
        const again = yield* asking()
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* outcome(again), "a false")
      })
    )
  )

  it.effect("holds a place for a stream until its end", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        const service = yield* Gateway
        const fiber = yield* Effect.fork(service.open(request({ stream: true })))
        yield* TestClock.adjust("1 second")
        const stream = yield* Fiber.join(fiber)
        assert.strictEqual(yield* busy, 1)
        stream.start({ onFrames: () => {}, onEnd: () => {} })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* busy, 0)
      })
    )
  )

  it.effect("has its places back after failures and retries", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.serverError, Simulated.serverError, Simulated.answer("ok"))
        const fiber = yield* asking()
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* outcome(fiber), "a false")
        assert.strictEqual(yield* busy, 0)
      })
    )
  )
})
