import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { gateway, request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

const tooLong = Simulated.failure(400, {
  message: "This model's maximum context length is exceeded",
  type: "invalid_request_error",
  code: "context_length_exceeded"
})

type Step = readonly [window: number | undefined, reply: Simulated.SimulatedReply]

/** Who is asked by a request that no bytes tell anything about, and how it ends. */
const outcome = (steps: Readonly<Record<string, Step>>, fields: Readonly<Record<string, unknown>> = {}) => {
  const ids = Object.keys(steps)
  const targets = ids.map((id) => ({ instance: id, model: "x", catch: undefined, contextWindow: steps[id]?.[0] }))
  const configured = settings({ instances: ids.map((id) => instance(id)), models: [model("m", targets)] })
  return Effect.gen(function* () {
    const simulator = yield* Simulator
    for (const [id, [, reply]] of Object.entries(steps)) yield* simulator.script(id, reply)
    const service = yield* Gateway
    const fiber = yield* Effect.fork(Effect.either(service.complete(request(fields))))
    yield* TestClock.adjust("2 minutes")
    const ended = yield* Fiber.join(fiber)
    const asked = yield* Effect.filter(ids, (id) => Effect.map(simulator.requests(id), (all) => all.length > 0))
    return { asked: asked.join(" "), ended: ended._tag === "Right" ? ended.right.instance : ended.left._tag }
  }).pipe(Effect.provide(gateway(configured)))
}

const ok = Simulated.answer("hello")

describe("a request that was too long for one", () => {
  it.effect("goes to the next whose window is larger, and passes over those whose is not", () =>
    Effect.gen(function* () {
      const found = yield* outcome({ a: [8_000, tooLong], b: [8_000, ok], c: [4_000, ok], d: [9_000, ok] })
      assert.deepStrictEqual(found, { asked: "a d", ended: "d" })
    })
  )

  it.effect("goes to the next whose window nobody knows", () =>
    Effect.gen(function* () {
      const found = yield* outcome({ a: [8_000, tooLong], b: [undefined, ok] })
      assert.deepStrictEqual(found, { asked: "a b", ended: "b" })
    })
  )

  it.effect("goes to the next, whoever that is, from one whose window nobody knows", () =>
    Effect.gen(function* () {
      const found = yield* outcome({ a: [undefined, tooLong], b: [4_000, ok] })
      assert.deepStrictEqual(found, { asked: "a b", ended: "b" })
    })
  )

  it.effect("is still too long after another has failed for a reason of its own", () =>
    Effect.gen(function* () {
      const found = yield* outcome({
        a: [8_000, tooLong],
        b: [9_000, Simulated.unavailable],
        c: [8_000, ok],
        d: [9_500, ok]
      })
      assert.deepStrictEqual(found, { asked: "a b d", ended: "d" })
      const twice = yield* outcome({ a: [8_000, tooLong], b: [undefined, tooLong], c: [8_000, ok] })
      assert.deepStrictEqual(twice, { asked: "a b", ended: "ProviderFailed" })
    })
  )

  it.effect("is told so where nobody is left whose window is larger", () =>
    Effect.gen(function* () {
      const found = yield* outcome({ a: [8_000, tooLong], b: [8_000, ok] })
      assert.deepStrictEqual(found, { asked: "a", ended: "ProviderFailed" })
    })
  )

  it.effect("may fit a window of the same size where less is asked of it", () =>
    Effect.gen(function* () {
      const steps: Readonly<Record<string, Step>> = { a: [8_000, tooLong], b: [8_000, ok] }
      const entry = { provider: "b", model_name: "x" }
      const same = yield* outcome(steps, { fallback: { providers: [entry] } })
      assert.deepStrictEqual(same, { asked: "a", ended: "ProviderFailed" })
      const found = yield* outcome(steps, { fallback: { providers: [{ ...entry, max_tokens: 10 }] } })
      assert.deepStrictEqual(found, { asked: "a b", ended: "b" })
    })
  )

  it.effect("that failed for another reason goes to the next, however small", () =>
    Effect.gen(function* () {
      const found = yield* outcome({ a: [8_000, Simulated.unavailable], b: [4_000, ok] })
      assert.deepStrictEqual(found, { asked: "a b", ended: "b" })
    })
  )
})
