import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { Catalog } from "../../src/catalog/Catalog.js"
import type { InstanceSettings, RateSettings } from "../../src/config/Settings.js"
import { local } from "../../src/domain/Caller.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { nameOf, ofInstance } from "../../src/limits/CallerLimits.js"
import { RateLimiter } from "../../src/limits/RateLimiter.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import * as Explain from "../../src/routing/Explain.js"
import { Planner } from "../../src/routing/Planner.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

type Services = Layer.Layer.Success<ReturnType<typeof gateway>>

/** Answers take 100 ms; `a` is held to this limit. */
const configured = (ids: ReadonlyArray<string>, rateLimit: RateSettings, changes: Partial<InstanceSettings> = {}) =>
  settings({
    instances: ids.map((id) => instance(id, id === "a" ? { rateLimit, ...changes } : {})),
    models: [model("m", ids)]
  })

const on = <A, E>(
  ids: ReadonlyArray<string>,
  rateLimit: RateSettings,
  body: Effect.Effect<A, E, Services>,
  changes: Partial<InstanceSettings> = {}
) => Effect.provide(body, gateway(configured(ids, rateLimit, changes)))

const asking = (fields: Readonly<Record<string, unknown>> = {}, user?: string) =>
  Effect.flatMap(Gateway, (service) =>
    Effect.fork(Effect.either(service.complete(request(fields), { ...local, user })))
  )

const outcome = (fiber: Effect.Effect.Success<ReturnType<typeof asking>>) =>
  Effect.map(Fiber.join(fiber), (result) =>
    result._tag === "Right" ? `${result.right.instance} ${result.right.fallback}` : result.left._tag
  )

const left = (rateLimit: RateSettings) =>
  Effect.map(RateLimiter, (limiter) => {
    const limit = ofInstance(instance("a", { rateLimit }))
    return limit && limiter.quota(limit)
  })

const minute = { requestsPerMinute: 60 }

describe("an instance that was asked as much in this minute as it may be", () => {
  it.effect("is left out while somebody else can serve, and says for how long", () =>
    on(
      ["a", "b"],
      { requestsPerMinute: 2 },
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 3)
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(yield* Effect.forEach(fibers, outcome), ["a false", "a false", "b true"])
        const planner = yield* Planner
        const explained = yield* Explain.make("m", planner.knowledge(100))
        assert.deepInclude(explained.excluded[0], {
          instance: "a",
          reason: "limit_reached",
          detail: "its limit of 2 requests a minute is used up for 30 s"
        })
        assert.strictEqual(explained.waits_ms, 5_000)
        yield* TestClock.adjust("30 seconds")
        const again = yield* asking()
        yield* TestClock.adjust(100)
        assert.strictEqual(yield* outcome(again), "a false")
      })
    )
  )

  it.effect("is waited for, each caller in its turn, where nobody else is there", () =>
    on(
      ["a"],
      minute,
      Effect.gen(function* () {
        const first = yield* Effect.replicateEffect(asking(), 60)
        const [one, two, other] = [yield* asking({}, "ann"), yield* asking({}, "ann"), yield* asking({}, "bob")]
        yield* TestClock.adjust(100)
        yield* Fiber.joinAll(first)
        const planner = yield* Planner
        const explained = yield* Explain.make("m", planner.knowledge(100))
        assert.include(explained.recommendation, "a is waited for up to 5000 ms (its limit of 60 requests a minute")
        yield* TestClock.adjust(1_000)
        assert.strictEqual(yield* outcome(one), "a false")
        yield* TestClock.adjust(1_000)
        assert.strictEqual(yield* outcome(other), "a false")
        yield* TestClock.adjust(1_000)
        assert.strictEqual(yield* outcome(two), "a false")
      })
    )
  )

  it.effect("is waited for by no more than can be served in time; the others are told when to come back", () =>
    on(
      ["a"],
      minute,
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 68)
        yield* TestClock.adjust(100)
        const refused = yield* Effect.forEach(fibers.slice(65), Fiber.join)
        for (const result of refused) {
          assert.deepInclude(result._tag === "Left" ? result.left : {}, {
            _tag: "NobodyAvailable",
            limited: true,
            full: false,
            retryAfterMs: 5_900,
            attempts: []
          })
        }
        yield* TestClock.adjust("5 seconds")
        const served = yield* Effect.forEach(fibers.slice(0, 65), outcome)
        assert.deepStrictEqual([...new Set(served)], ["a false"])
      })
    )
  )

  it.effect("is waited for in turn also while the trial of another one is looked after", () => {
    const { instances, models } = configured(["a", "b"], minute)
    const own = settings({ instances, models: [...models, model("only b", ["b"])] })
    return Effect.gen(function* () {
      const simulator = yield* Simulator
      yield* simulator.script("b", Simulated.serverError)
      const failed = yield* Effect.replicateEffect(asking({ model: "only b" }), 3)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll(failed)
      yield* simulator.script("b", Simulated.hang)
      yield* TestClock.adjust("2 minutes")
      const trial = yield* asking({ model: "only b" })
      const first = yield* Effect.replicateEffect(asking(), 60)
      yield* TestClock.adjust(100)
      assert.isTrue((yield* Effect.forEach(first, outcome)).every((each) => each.startsWith("a")))
      const waiting = yield* Effect.forEach(["ann", "bob", "ann", "ann"], (user) =>
        Effect.zipLeft(asking({}, user), TestClock.adjust(50))
      )
      yield* TestClock.adjust(1_850)
      assert.deepStrictEqual(
        (yield* Effect.forEach(waiting, Fiber.poll)).map(({ _tag }) => _tag),
        ["Some", "Some", "None", "None"]
      )
      // What it looks after may come first all the same.
      yield* simulator.script("b", Simulated.answer("hi"))
      yield* Fiber.interrupt(trial)
      yield* TestClock.adjust("2 seconds")
      assert.include(yield* Effect.forEach(waiting.slice(2), outcome), "b true")
    }).pipe(Effect.provide(gateway(own)))
  })

  it.effect("has room in its line for others when one caller fills it", () => {
    const perSecond = { requestsPerMinute: 60_000 }
    return on(
      ["a"],
      perSecond,
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        const limit = ofInstance(instance("a", { rateLimit: perSecond }))
        const limits = limit === undefined ? [] : [limit]
        for (let taken = 0; taken < 60_000; taken++) limiter.take({ limits, tokens: 0, owner: "taker" })
        const ann = { ...local, user: "ann" }
        let refused = 0
        for (let wanted = 0; wanted < 1_000; wanted++) {
          limiter.wait(
            { limits, tokens: 0, owner: nameOf(ann) },
            ({ _tag }) => void (refused += _tag === "Refusal" ? 1 : 0)
          )
        }
        const [hers, bobs] = [yield* asking({}, "ann"), yield* asking({}, "bob")]
        yield* TestClock.adjust(200)
        assert.strictEqual(yield* outcome(hers), "NobodyAvailable")
        assert.strictEqual(yield* outcome(bobs), "a false")
        assert.strictEqual(refused, 1)
      })
    )
  })

  it.effect("is left at once by whoever hangs up, and keeps nothing for them", () =>
    on(
      ["a"],
      minute,
      Effect.gen(function* () {
        yield* Effect.replicateEffect(asking(), 60)
        const fibers = yield* Effect.replicateEffect(asking(), 4)
        const last = yield* asking()
        yield* TestClock.adjust(100)
        yield* Fiber.interruptAll(fibers)
        yield* TestClock.adjust(1_000)
        assert.strictEqual(yield* outcome(last), "a false")
        assert.strictEqual((yield* left(minute))?.requests?.remaining, 0)
      })
    )
  )

  it.effect("is waited for when the one before it has failed", () =>
    on(
      ["b", "a"],
      minute,
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("b", Simulated.failure(401, { message: "no" }))
        const fibers = yield* Effect.replicateEffect(asking(), 62)
        yield* TestClock.adjust("3 seconds")
        const outcomes = yield* Effect.forEach(fibers, outcome)
        assert.deepStrictEqual([...new Set(outcomes)], ["a true"])
      })
    )
  )

  it.effect("pays for each retry, which moves on where there is nothing left", () =>
    on(
      ["a", "b"],
      { requestsPerMinute: 2 },
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.serverError, Simulated.serverError, Simulated.answer("never"))
        const fiber = yield* asking()
        yield* TestClock.adjust("10 seconds")
        const result = yield* Fiber.join(fiber)
        const attempts = result._tag === "Right" ? result.right.attempts : []
        assert.deepStrictEqual(
          attempts.map((attempt) => `${attempt.instance} ${attempt.outcome}`),
          ["a failure", "a failure", "b success"]
        )
      })
    )
  )

  it.effect("has both: a place for the call, and its part of the minute", () =>
    on(
      ["a"],
      minute,
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 62)
        yield* TestClock.adjust("10 seconds")
        const outcomes = yield* Effect.forEach(fibers, outcome)
        assert.strictEqual(outcomes.filter((each) => each === "a false").length, 62)
      }),
      { maxConcurrency: 40 }
    )
  )
})

describe("tokens of an instance", () => {
  const tokens = { tokensPerMinute: 10_000 }

  it.effect("are taken as they are likely, and corrected when the call has ended", () =>
    on(
      ["a"],
      tokens,
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.answer("word ".repeat(100)))
        const fiber = yield* asking({ max_tokens: 4_000 })
        yield* TestClock.adjust(50)
        const during = (yield* left(tokens))?.tokens?.remaining ?? 0
        assert.isBelow(during, 6_100)
        assert.isAbove(during, 5_900)
        yield* TestClock.adjust(50)
        yield* Fiber.join(fiber)
        const after = (yield* left(tokens))?.tokens?.remaining ?? 0
        assert.isAbove(after, 9_500)
        assert.isBelow(after, 10_000)
      })
    )
  )

  it.effect("come back when a call fails before it says anything", () =>
    on(
      ["a"],
      tokens,
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", Simulated.failure(400, { message: "no" }))
        yield* asking({ max_tokens: 4_000 })
        yield* TestClock.adjust(100)
        assert.strictEqual((yield* left(tokens))?.tokens?.remaining, 10_000)
      })
    )
  )

  it.effect(
    "that a request seems to need beyond a whole minute are waited for and taken, for the estimate may be wrong",
    () =>
      on(
        ["a"],
        { tokensPerMinute: 100 },
        Effect.gen(function* () {
          const fiber = yield* asking({ max_tokens: 4_000 })
          yield* TestClock.adjust(100)
          assert.strictEqual(yield* outcome(fiber), "a false")
        })
      )
  )

  it.effect("that were used stay used when the limit is changed while the gateway runs", () =>
    on(
      ["a"],
      { requestsPerMinute: 10 },
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking(), 10)
        yield* TestClock.adjust(100)
        yield* Fiber.joinAll(fibers)
        const catalog = yield* Catalog
        catalog.setSettings(configured(["a"], { requestsPerMinute: 12 }))
        const more = yield* Effect.replicateEffect(asking(), 3)
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(yield* Effect.forEach(more.slice(0, 2), outcome), ["a false", "a false"])
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* outcome(more[2] ?? assert.fail("no fiber"))).slice(0, 1), "a")
      })
    )
  )
})
