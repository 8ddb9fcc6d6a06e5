import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { Catalog } from "../../src/catalog/Catalog.js"
import { CurrentSettings, type Settings } from "../../src/config/Settings.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as Ledger from "../../src/gateway/Ledger.js"
import { Circuits } from "../../src/health/Circuits.js"
import { Health } from "../../src/health/Health.js"
import { Pricing } from "../../src/ledger/Pricing.js"
import { Concurrency } from "../../src/limits/Concurrency.js"
import { LearnedQuota } from "../../src/limits/LearnedQuota.js"
import { RateLimiter } from "../../src/limits/RateLimiter.js"
import { RateLimitStore } from "../../src/limits/RateLimitStore.js"
import { Providers } from "../../src/provider/Providers.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { Transport } from "../../src/provider/Transport.js"
import { Planner } from "../../src/routing/Planner.js"
import { request } from "../support/gateway.js"
import { answeringLater } from "../support/limits.js"
import { instance, model, settings } from "../support/settings.js"

const limiter = Layer.provide(RateLimiter.layer, Layer.provide(answeringLater, RateLimitStore.memory()))

/** A gateway whose limits are kept in a store that answers later, as one does that several gateways share. */
const gateway = (configured: Settings) =>
  Gateway.layer.pipe(
    Layer.provideMerge(Ledger.layerMemory),
    Layer.provideMerge(Planner.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        Concurrency.layer,
        Health.layer,
        LearnedQuota.layer,
        limiter,
        Pricing.layerListed(() => undefined)
      )
    ),
    Layer.provideMerge(Circuits.layer),
    Layer.provideMerge(Layer.merge(Catalog.layer, Providers.layer)),
    Layer.provideMerge(Layer.merge(Transport.layer, Simulator.layer)),
    Layer.provide(Layer.succeed(CurrentSettings, configured))
  )

/** Both take two requests a minute, and `c` as many as come. */
const on = <A, E>(
  ids: ReadonlyArray<string>,
  body: Effect.Effect<A, E, Layer.Layer.Success<ReturnType<typeof gateway>>>,
  changes: Partial<Settings> = {}
) =>
  Effect.provide(
    body,
    gateway(
      settings({
        instances: ["a", "b", "c"].map((id) => instance(id, id === "c" ? {} : { rateLimit: { requestsPerMinute: 2 } })),
        models: [model("m", ids)],
        ...changes
      })
    )
  )

const asking = Effect.flatMap(Gateway, (service) => Effect.fork(Effect.either(service.complete(request()))))

const outcomes = (fibers: ReadonlyArray<Effect.Effect.Success<typeof asking>>) =>
  Effect.forEach(fibers, (fiber) =>
    Effect.map(Fiber.join(fiber), (result) => (result._tag === "Right" ? result.right.instance : result.left._tag))
  )

describe("limits that are kept elsewhere", () => {
  it.effect("pass nobody over who has room, and hold as those in memory do", () =>
    on(
      ["a", "b", "c"],
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking, 5)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* outcomes(fibers)).toSorted(), ["a", "a", "b", "b", "c"])
      })
    )
  )

  it.effect("are waited for where nobody else is there", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking, 2)
        yield* TestClock.adjust("28 seconds")
        const [third, fourth] = [yield* asking, yield* asking]
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* Fiber.poll(third)))
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* outcomes([...fibers, third, fourth]), ["a", "a", "a", "NobodyAvailable"])
      })
    )
  )

  it.effect("are paid by retries and fallbacks too", () =>
    on(
      ["c", "a"],
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("c", Simulated.failure(401, { message: "no" }))
        yield* simulator.script("a", Simulated.serverError, Simulated.answer("ok"))
        const first = yield* asking
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* outcomes([first]), ["a"])
        const second = yield* asking
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* outcomes([second]), ["NobodyAvailable"])
      })
    )
  )

  it.effect("hold callers, who may wait for them", () =>
    on(
      ["c"],
      Effect.gen(function* () {
        const fibers = yield* Effect.replicateEffect(asking, 4)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* outcomes(fibers), ["c", "c", "c", "LimitReached"])
      }),
      { rateLimits: [{ scope: "global", requestsPerMinute: 60, burst: 2, queue: { max: 1, timeout: 5_000 } }] }
    )
  )
})
