import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import type { Settings } from "../../src/config/Settings.js"
import type { ChatReply } from "../../src/gateway/ChatReply.js"
import { local } from "../../src/domain/Caller.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { Concurrency } from "../../src/limits/Concurrency.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import * as Timers from "../../src/provider/Timers.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, routing, settings } from "../support/settings.js"
import { calls } from "../support/streaming.js"

type Known = Concurrency | Gateway | Simulator

/** `a` takes as long as said, `b` 100 ms; a hedge comes after one second unless said otherwise. */
const on = <A, E>(
  latency: number,
  body: Effect.Effect<A, E, Known>,
  more: Partial<Settings["routing"]> = { hedge: { enabled: true, after: 1_000 } }
) =>
  Effect.provide(
    body,
    gateway(
      settings({
        instances: [
          instance("a", { simulated: { ...instance("a").simulated, latency } }),
          instance("b"),
          instance("c")
        ],
        models: [model("m", ["a", "b", "c"])],
        routing: { ...routing, ...more }
      })
    )
  )

const scripting = (id: string, ...replies: ReadonlyArray<Simulated.SimulatedReply>) =>
  Effect.flatMap(Simulator, (simulator) => simulator.script(id, ...replies))

const asked = (within: number) =>
  Effect.gen(function* () {
    const service = yield* Gateway
    const fiber = yield* Effect.fork(service.complete(request()))
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })

const told = ({ attempts, fallback, instance: served }: ChatReply) => ({
  served,
  fallback,
  attempts: attempts.map((attempt) => `${attempt.instance} ${attempt.outcome} ${attempt.ms}`)
})

const idle = Effect.gen(function* () {
  const { busy } = yield* Concurrency
  assert.deepStrictEqual([busy("a"), busy("b"), busy("c")], [0, 0, 0])
})

describe("a first call that is late", () => {
  it.effect("gets another one beside it, and is given up when that answers", () =>
    on(
      10_000,
      Effect.gen(function* () {
        const reply = yield* asked(1_100)
        assert.deepStrictEqual(told(reply), {
          served: "b",
          fallback: false,
          attempts: ["a cancelled 1100", "b success 100"]
        })
        assert.deepStrictEqual(yield* calls("a", "b", "c"), [
          ["a", 1, 1],
          ["b", 1, 0],
          ["c", 0, 0]
        ])
        yield* idle
      })
    )
  )

  it.effect("may still be the first to answer, and then the other is given up", () =>
    on(
      1_050,
      Effect.gen(function* () {
        const reply = yield* asked(1_050)
        assert.deepStrictEqual(told(reply), {
          served: "a",
          fallback: false,
          attempts: ["a success 1050", "b cancelled 50"]
        })
        yield* idle
      })
    )
  )

  it.effect("is not needed any more where the other fails, and waited for", () =>
    on(
      3_000,
      Effect.gen(function* () {
        yield* scripting("b", Simulated.serverError)
        const reply = yield* asked(3_000)
        assert.deepStrictEqual(told(reply), {
          served: "a",
          fallback: false,
          attempts: ["a success 3000", "b failure 100"]
        })
        yield* idle
      })
    )
  )

  it.effect("that fails leaves the other to answer, which is a fallback then", () =>
    on(
      1_050,
      Effect.gen(function* () {
        yield* scripting("a", Simulated.serverError)
        const reply = yield* asked(1_100)
        assert.deepStrictEqual(told(reply), {
          served: "b",
          fallback: true,
          attempts: ["a failure 1050", "b success 100"]
        })
      })
    )
  )

  it.effect("and fails, as the other does, is followed by the third", () =>
    on(
      1_050,
      Effect.gen(function* () {
        yield* scripting("a", Simulated.unavailable)
        yield* scripting("b", Simulated.unavailable)
        const reply = yield* asked(1_200)
        assert.deepStrictEqual(told(reply), {
          served: "c",
          fallback: true,
          attempts: ["a failure 1050", "b failure 100", "c success 100"]
        })
        yield* idle
      })
    )
  )

  it.effect("and its other are both given up when the caller hangs up", () =>
    on(
      10_000,
      Effect.gen(function* () {
        yield* scripting("b", Simulated.hang)
        const service = yield* Gateway
        const fiber = yield* Effect.fork(service.complete(request()))
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* calls("a", "b", "c"), [
          ["a", 1, 1],
          ["b", 1, 1],
          ["c", 0, 0]
        ])
        yield* idle
      })
    )
  )

  it.effect("of a stream is one that has not spoken yet", () =>
    on(
      10_000,
      Effect.gen(function* () {
        const service = yield* Gateway
        const fiber = yield* Effect.fork(service.open(request({ stream: true })))
        yield* TestClock.adjust(1_100)
        const stream = yield* Fiber.join(fiber)
        assert.strictEqual(stream.instance, "b")
        assert.deepStrictEqual(yield* calls("a"), [["a", 1, 1]])
        stream.cancel()
        yield* idle
      })
    )
  )
})

describe("two calls of which", () => {
  it.effect("the second has a failure of its own: each is retried for its own", () =>
    on(
      1_050,
      Effect.gen(function* () {
        yield* scripting("a", Simulated.rateLimited(60_000), Simulated.answer("late"))
        yield* scripting("b", Simulated.failure(400, { message: "no", type: "invalid_request_error" }))
        const service = yield* Gateway
        const fiber = yield* Effect.fork(Effect.either(service.complete(request())))
        yield* TestClock.adjust("2 minutes")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual((yield* calls("b"))[0]?.slice(0, 2), ["b", 1])
      })
    )
  )

  it.effect("the one that has won is given up all the same when its caller hangs up before it holds the answer", () =>
    on(
      10_000,
      Effect.gen(function* () {
        const service = yield* Gateway
        const opened: Array<unknown> = []
        const timers = Timers.ofClock(yield* Effect.clock)
        const cancel = service.startOpen(timers, request({ stream: true }), local)((outcome) => opened.push(outcome))
        yield* TestClock.adjust(1_100)
        assert.strictEqual(opened.length, 1)
        cancel()
        yield* TestClock.adjust("1 second")
        yield* idle
        assert.deepStrictEqual((yield* calls("b"))[0], ["b", 1, 1])
      })
    )
  )
})

describe("a hedge", () => {
  it.effect("asks nobody who waits for a failure that has not happened", () =>
    Effect.provide(
      Effect.gen(function* () {
        assert.strictEqual((yield* asked(10_000)).attempts.length, 1)
      }),
      gateway(
        settings({
          instances: [instance("a", { simulated: { ...instance("a").simulated, latency: 10_000 } }), instance("b")],
          models: [model("m", ["a", { instance: "b", model: "m", catch: ["auth"] }])],
          routing: { ...routing, hedge: { enabled: true, after: 1_000 } }
        })
      )
    )
  )

  it.effect("is not made unless it is switched on", () =>
    on(
      10_000,
      Effect.gen(function* () {
        assert.strictEqual((yield* asked(10_000)).attempts.length, 1)
      }),
      {}
    )
  )

  it.effect("comes after the 95th percentile, once that is known", () =>
    on(
      200,
      Effect.gen(function* () {
        yield* Effect.replicateEffect(asked(200), 20)
        yield* scripting("a", Simulated.hang)
        const reply = yield* asked(300)
        assert.deepStrictEqual(told(reply).attempts, ["a cancelled 300", "b success 100"])
      }),
      { hedge: { enabled: true, after: undefined } }
    )
  )

  it.effect("needs a call that the request may still make", () =>
    on(
      10_000,
      Effect.gen(function* () {
        assert.strictEqual((yield* asked(10_000)).attempts.length, 1)
      }),
      { hedge: { enabled: true, after: 1_000 }, maxAttempts: 1 }
    )
  )

  it.effect("is paid by the retry budget of whoever is late, and not made where that is empty", () =>
    on(
      3_000,
      Effect.gen(function* () {
        const served: Array<string> = []
        for (let round = 0; round < 5; round++) served.push((yield* asked(3_000)).instance)
        assert.deepStrictEqual(served, ["b", "b", "a", "a", "a"])
      }),
      { hedge: { enabled: true, after: 1_000 }, retryBudget: { ratio: 0, reserve: 2 } }
    )
  )
})
