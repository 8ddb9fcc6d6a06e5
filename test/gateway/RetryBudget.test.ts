import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { Settings } from "../../src/config/Settings.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, routing, settings } from "../support/settings.js"
import { calls } from "../support/streaming.js"

const ids = ["a", "b"]

/** Circuits that never open, so that only the budget holds retries back; waiting takes no time, so that time pays nothing. */
const on = (retryBudget: Settings["routing"]["retryBudget"], body: Effect.Effect<void, never, Gateway | Simulator>) =>
  Effect.provide(
    body,
    gateway(
      settings({
        instances: ids.map((id) =>
          instance(id, {
            retry: { ...instance(id).retry, baseDelay: 0 },
            simulated: { ...instance(id).simulated, latency: 0 }
          })
        ),
        models: [model("m", ids)],
        routing: { ...routing, retryBudget },
        circuitBreaker: { ...settings().circuitBreaker, failureThreshold: 1_000_000 }
      })
    )
  )

/** So many requests, one after the other, and what each provider was called. */
const flood = (requests: number) =>
  Effect.gen(function* () {
    const simulator = yield* Simulator
    const service = yield* Gateway
    for (const id of ids) yield* simulator.script(id, Simulated.serverError)
    for (let count = 0; count < requests; count++) {
      const fiber = yield* Effect.fork(Effect.either(service.complete(request())))
      yield* TestClock.adjust(0)
      yield* fiber.await
    }
    return (yield* calls(...ids)).map(([, all]) => all)
  })

describe("when everything fails", () => {
  it.effect("retries add a tenth to the load, and the reserve", () =>
    on(
      { ratio: 0.1, reserve: 10 },
      Effect.gen(function* () {
        const requests = 200
        for (const made of yield* flood(requests)) {
          assert.isAtMost(made, requests * 1.1 + 10)
          assert.isAtLeast(made, requests * 1.1)
        }
      })
    )
  )

  it.effect("a stream that breaks is continued within the budget", () =>
    Effect.provide(
      Effect.gen(function* () {
        const simulator = yield* Simulator
        const service = yield* Gateway
        yield* simulator.script("a", Simulated.brokenOff("so far"))
        for (let count = 0; count < 50; count++) {
          const fiber = yield* Effect.fork(
            Effect.exit(Stream.runDrain(service.stream(request({ stream: true, mid_stream: "continue" }))))
          )
          yield* TestClock.adjust(200)
          yield* fiber.await
        }
        // 50 first calls, the reserve, a share of them, and what ten seconds pay.
        assert.isAtMost((yield* calls("a"))[0]?.[1] ?? 0, 50 + 10 + 5 + 2)
      }),
      gateway(
        settings({
          instances: [instance("a", { simulated: { ...instance("a").simulated, latency: 0, tokenInterval: 0 } })],
          models: [model("m", ["a"])],
          circuitBreaker: { ...settings().circuitBreaker, failureThreshold: 1_000_000 }
        })
      )
    )
  )

  it.effect("a stream that breaks ends at once where the budget is empty", () =>
    Effect.provide(
      Effect.gen(function* () {
        const simulator = yield* Simulator
        const service = yield* Gateway
        yield* simulator.script("a", Simulated.brokenOff("so far"))
        const fiber = yield* Effect.fork(
          Effect.exit(Stream.runDrain(service.stream(request({ stream: true, mid_stream: "continue" }))))
        )
        yield* TestClock.adjust(1_000)
        yield* fiber.await
        assert.strictEqual((yield* calls("a"))[0]?.[1], 1)
      }),
      gateway(
        settings({
          instances: [instance("a")],
          models: [model("m", ["a"])],
          routing: { ...routing, retryBudget: { ratio: 0, reserve: 0 } }
        })
      )
    )
  )

  it.effect("nobody is asked twice where the operator wants no retries", () =>
    on(
      { ratio: 0, reserve: 0 },
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* flood(50), [50, 50])
      })
    )
  )

  it.effect("a generous budget lets every request use all of its calls", () =>
    on(
      { ratio: 5, reserve: 1_000 },
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* flood(50), [150, 150])
      })
    )
  )
})
