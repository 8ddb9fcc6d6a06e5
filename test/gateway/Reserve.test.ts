import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import type { ModelSettings } from "../../src/config/Settings.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"
import { calls } from "../support/streaming.js"

type Known = Gateway | Simulator

const on = <A, E>(
  targets: ReadonlyArray<string | ModelSettings["targets"][number]>,
  body: Effect.Effect<A, E, Known>
) => {
  const ids = [...new Set(targets.map((target) => (typeof target === "string" ? target : target.instance)))]
  return Effect.provide(
    body,
    gateway(
      settings({
        instances: ids.map((id) => instance(id, { retry: { ...instance(id).retry, maxAttempts: 1 } })),
        models: [model("m", targets)]
      })
    )
  )
}

const scripting = (id: string, ...replies: ReadonlyArray<Simulated.SimulatedReply>) =>
  Effect.flatMap(Simulator, (simulator) => simulator.script(id, ...replies))

const asked = (within: number) =>
  Effect.gen(function* () {
    const service = yield* Gateway
    const fiber = yield* Effect.fork(Effect.either(service.complete(request())))
    yield* TestClock.adjust(within)
    const outcome = yield* Fiber.join(fiber)
    return outcome._tag === "Right"
      ? `${outcome.right.instance}/${outcome.right.model}${outcome.right.fallback ? ", or else" : ""}`
      : outcome.left._tag
  })

const ok = Simulated.answer("ok")
const refused = Simulated.failure(400, { message: "no", code: "context_length_exceeded" })

describe("somebody who was left out", () => {
  it.effect("for a moment's rate limit is waited for when those that are well have failed", () =>
    on(
      ["a", "b"],
      Effect.gen(function* () {
        yield* scripting("a", Simulated.rateLimited(9_000), ok)
        yield* scripting("b", ok)
        assert.strictEqual(yield* asked(6_000), "b/m, or else")
        yield* scripting("b", Simulated.failure(401, { message: "no" }))
        assert.strictEqual(yield* asked(4_000), "a/m, or else")
        assert.deepStrictEqual(yield* calls("a", "b"), [
          ["a", 2, 0],
          ["b", 2, 0]
        ])
      })
    )
  )

  it.effect("for longer than a request waits is not", () =>
    on(
      ["a", "b"],
      Effect.gen(function* () {
        yield* scripting("a", Simulated.rateLimited(60_000), ok)
        yield* scripting("b", ok)
        yield* asked(1_000)
        yield* scripting("b", Simulated.failure(401, { message: "no" }))
        assert.strictEqual(yield* asked(1_000), "ProviderFailed")
        assert.deepStrictEqual(yield* calls("a"), [["a", 1, 0]])
      })
    )
  )
})

describe("a rate limit", () => {
  it.effect("is kept to before its time also where nobody else is there", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        yield* scripting("a", Simulated.rateLimited(60_000), ok)
        yield* asked(100)
        for (let round = 0; round < 5; round++) assert.strictEqual(yield* asked(6_000), "NobodyAvailable")
        assert.deepStrictEqual(yield* calls("a"), [["a", 1, 0]])
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* asked(1_000), "a/m")
      })
    )
  )
})

describe("a fallback to another model of the same instance", () => {
  it.effect("is no retry, so that no budget of retries is in its way", () =>
    on(
      [
        { instance: "a", model: "small", catch: undefined },
        { instance: "a", model: "large", catch: undefined }
      ],
      Effect.gen(function* () {
        const simulator = yield* Simulator
        yield* simulator.script("a", ...Array.from({ length: 50 }, () => [refused, ok]).flat())
        for (let round = 0; round < 50; round++) assert.strictEqual(yield* asked(300), "a/large, or else")
      })
    )
  )
})

describe("a half-open circuit", () => {
  it.effect("lets no more through than its trials, also where nobody else is there", () =>
    on(
      ["a"],
      Effect.gen(function* () {
        yield* scripting("a", Simulated.serverError)
        for (let round = 0; round < 3; round++) yield* asked(5_000)
        yield* TestClock.adjust("2 minutes")
        yield* scripting("a", Simulated.hang)
        const before = (yield* calls("a"))[0]?.[1] ?? 0
        const service = yield* Gateway
        const fibers = yield* Effect.replicateEffect(Effect.fork(Effect.either(service.complete(request()))), 10)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(((yield* calls("a"))[0]?.[1] ?? 0) - before, 1)
        yield* Fiber.interruptAll(fibers)
      })
    )
  )
})
