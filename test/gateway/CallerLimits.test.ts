import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { Catalog } from "../../src/catalog/Catalog.js"
import type { CallerLimitSettings } from "../../src/config/Settings.js"
import { local } from "../../src/domain/Caller.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { RateLimiter } from "../../src/limits/RateLimiter.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import * as Timers from "../../src/provider/Timers.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

type Services = Layer.Layer.Success<ReturnType<typeof gateway>>

const configured = (rateLimits: ReadonlyArray<CallerLimitSettings>) =>
  settings({ instances: [instance("a")], models: [model("m", ["a"])], rateLimits })

/** Answers take 100 ms. */
const on = <A, E>(rateLimits: ReadonlyArray<CallerLimitSettings>, body: Effect.Effect<A, E, Services>) =>
  Effect.provide(body, gateway(configured(rateLimits)))

const asking = (fields: Readonly<Record<string, unknown>> = {}) =>
  Effect.flatMap(Gateway, (service) => Effect.fork(Effect.either(service.complete(request(fields)))))

const outcome = (fiber: Effect.Effect.Success<ReturnType<typeof asking>>) =>
  Effect.map(Fiber.join(fiber), (result) => (result._tag === "Right" ? "served" : result.left._tag))

const counted = (outcomes: ReadonlyArray<string>) => outcomes.filter((each) => each === "served").length

const left = (id: string, tokensPerMinute: number) =>
  Effect.map(RateLimiter, (limiter) => {
    const tokens = { perMinute: tokensPerMinute, capacity: tokensPerMinute }
    return limiter.quota({ id, scope: id, requests: undefined, tokens, queue: undefined }).tokens?.remaining ?? 0
  })

describe("a caller that is held to requests a minute", () => {
  it.effect("is served exactly a hundred of a thousand requests that come at once", () =>
    on(
      [{ scope: "global", requestsPerMinute: 100 }],
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 1_000)
        yield* TestClock.adjust(100)
        const outcomes = yield* Effect.forEach(fibers, outcome)
        assert.deepStrictEqual([counted(outcomes), new Set(outcomes).size], [100, 2])
        const refused = yield* Fiber.join(fibers[999] ?? assert.fail("no fiber"))
        assert.deepInclude(refused._tag === "Left" ? refused.left : {}, {
          _tag: "LimitReached",
          scope: "global",
          kind: "requests",
          perMinute: 100,
          retryAfterMs: 600
        })
      })
    )
  )

  it.effect("is told by the user that a request names, and others are not held up by it", () =>
    on(
      [
        { scope: "user:*", requestsPerMinute: 1 },
        { scope: "user:vip", requestsPerMinute: 3 }
      ],
      Effect.gen(function* () {
        const users = ["ann", "ann", "bob", "vip", "vip", "vip", "vip"]
        const fibers = yield* Effect.forEach(users, (user) => asking({ user }))
        const nameless = yield* asking()
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(
          (yield* Effect.forEach(fibers, outcome)).map((each) => each === "served"),
          [true, false, true, true, true, true, false]
        )
        assert.strictEqual(yield* outcome(nameless), "served")
      })
    )
  )

  it.effect("has what it used when its limit is changed while the gateway runs, and none where it is taken away", () =>
    on(
      [{ scope: "global", requestsPerMinute: 10 }],
      Effect.gen(function* () {
        const catalog = yield* Catalog
        yield* Effect.replicateEffect(asking(), 10)
        catalog.setSettings(configured([{ scope: "global", requestsPerMinute: 14 }]))
        const more = yield* Effect.replicateEffect(asking(), 10)
        yield* TestClock.adjust(100)
        assert.strictEqual(counted(yield* Effect.forEach(more, outcome)), 4)
        catalog.setSettings(configured([]))
        const free = yield* Effect.replicateEffect(asking(), 10)
        yield* TestClock.adjust(100)
        assert.strictEqual(counted(yield* Effect.forEach(free, outcome)), 10)
      })
    )
  )

  it.effect("costs no fiber while it is within its limit", () =>
    on(
      [{ scope: "global", requestsPerMinute: 1 }],
      Effect.gen(function* () {
        const service = yield* Gateway
        const timers = Timers.ofClock(yield* Effect.clock)
        const outcomes: Array<string> = []
        for (let at = 0; at < 2; at++) {
          service.startComplete(timers, request(), local)((result) => outcomes.push(result._tag))
        }
        yield* TestClock.adjust(100)
        // The one that is refused is an effect that is still to be run.
        assert.deepStrictEqual(outcomes, ["Left", "Right"])
      })
    )
  )
})

describe("a caller that may wait for its limit", () => {
  const queue = { max: 10, timeout: 5_000 }

  it.effect("is served in its turn, and does not starve behind one with many", () =>
    on(
      [{ scope: "global", requestsPerMinute: 60, burst: 1, queue }],
      Effect.gen(function* () {
        yield* asking({ user: "first" })
        const many = yield* Effect.replicateEffect(asking({ user: "many" }), 1_000)
        const other = yield* asking({ user: "other" })
        yield* TestClock.adjust("2100 millis")
        assert.strictEqual(yield* outcome(other), "served")
        yield* TestClock.adjust("10 seconds")
        const outcomes = yield* Effect.forEach(many, outcome)
        assert.strictEqual(counted(outcomes), 4)
        assert.deepStrictEqual(outcomes.map((each) => each === "served").slice(0, 6), [
          true,
          true,
          true,
          true,
          false,
          false
        ])
      })
    )
  )

  it.effect("leaves the line when it hangs up, and takes nothing", () =>
    on(
      [{ scope: "global", requestsPerMinute: 60, burst: 1, queue }],
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        yield* asking()
        const fibers = yield* Effect.replicateEffect(asking(), 3)
        yield* TestClock.adjust(100)
        assert.strictEqual(limiter.waiting({ id: "global" }), 3)
        yield* Fiber.interruptAll(fibers)
        assert.strictEqual(limiter.waiting({ id: "global" }), 0)
        yield* TestClock.adjust(900)
        const next = yield* asking()
        yield* TestClock.adjust(100)
        assert.strictEqual(yield* outcome(next), "served")
      })
    )
  )

  it.effect("is refused when the gateway shuts down", () =>
    on(
      [{ scope: "global", requestsPerMinute: 60, burst: 1, queue }],
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        yield* asking()
        const fiber = yield* asking()
        yield* TestClock.adjust(100)
        yield* limiter.close
        assert.strictEqual(yield* outcome(fiber), "LimitReached")
      })
    )
  )
})

describe("a caller that is held to tokens a minute", () => {
  it.effect("pays for what is likely, and at last for what was used", () =>
    on(
      [{ scope: "global", tokensPerMinute: 10_000 }],
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.answer("word ".repeat(100)))
        const fiber = yield* asking({ max_tokens: 4_000 })
        yield* TestClock.adjust(50)
        assert.isBelow(yield* left("global", 10_000), 6_100)
        yield* TestClock.adjust(50)
        yield* Fiber.join(fiber)
        const after = yield* left("global", 10_000)
        assert.isAbove(after, 9_500)
        assert.isBelow(after, 10_000)
      })
    )
  )

  it.effect("pays for a stream when it has ended or was given up", () =>
    on(
      [{ scope: "global", tokensPerMinute: 10_000 }],
      Effect.gen(function* () {
        const service = yield* Gateway
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.answer("word ".repeat(100)))
        const opening = yield* Effect.fork(service.open(request({ stream: true, max_tokens: 4_000 })))
        yield* TestClock.adjust(100)
        const stream = yield* Fiber.join(opening)
        assert.isBelow(yield* left("global", 10_000), 6_100)
        stream.start({ onFrames: () => {}, onEnd: () => {} })
        yield* TestClock.adjust("1500 millis")
        const after = yield* left("global", 10_000)
        assert.isAbove(after, 9_500)
        stream.cancel()
        assert.strictEqual(yield* left("global", 10_000), after)
      })
    )
  )

  it.effect("pays nothing for a request that nobody answered", () =>
    on(
      [{ scope: "global", tokensPerMinute: 10_000 }],
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.failure(400, { message: "no" }))
        const fiber = yield* asking({ max_tokens: 4_000 })
        yield* TestClock.adjust(100)
        yield* Fiber.join(fiber)
        assert.strictEqual(yield* left("global", 10_000), 10_000)
      })
    )
  )

  it.effect("hears at once of a request that is larger than its limit ever allows", () =>
    on(
      [{ scope: "user:*", tokensPerMinute: 1_000, queue: { max: 10, timeout: 60_000 } }],
      Effect.gen(function* () {
        const result = yield* Fiber.join(yield* asking({ user: "ann", max_tokens: 4_000 }))
        const error = result._tag === "Left" ? result.left : assert.fail("it was served")
        assert.match(error.message, /^the request takes about 40\d\d tokens, and this user may take 1000 at once/)
        assert.notProperty(error, "retryAfterMs")
      })
    )
  )
})
