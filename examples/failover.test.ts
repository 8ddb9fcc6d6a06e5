/**
 * How a program tests its own failover: the real gateway on simulated providers that fail as they are told, on the clock
 * of the test. No test waits, and each says to the millisecond what happens when.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Fiber, Ref, Stream, TestClock } from "effect"
import { chatRequest, Gateway, Orelse, Simulated, Simulator, textOf } from "orelse"

const instant = { latency: "0ms", tokenInterval: "0ms" }

/** What the program under test provides, with simulated instances in place of real ones. */
const GatewayTest = Orelse.layerConfig({
  instances: [
    {
      id: "primary",
      provider: "simulated",
      priority: 1,
      timeouts: { total: "10s" },
      retry: { maxAttempts: 2 },
      simulated: instant
    },
    { id: "backup", provider: "simulated", priority: 2, simulated: instant }
  ]
})

const request = chatRequest({ model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] })

const ask = Effect.gen(function* () {
  const gateway = yield* Gateway
  return yield* gateway.complete(yield* request)
})

/** The text of a stream as it comes, and how the stream ends. */
const listen = Effect.gen(function* () {
  const gateway = yield* Gateway
  const text = yield* Ref.make("")
  const end = yield* Stream.runForEach(gateway.stream(yield* request), (event) =>
    event._tag === "Text" ? Ref.update(text, (before) => before + event.text) : Effect.void
  ).pipe(Effect.either)
  return { end, text: yield* text }
})

const calls = (instance: string) =>
  Effect.map(Simulator, ({ requests }) => requests(instance)).pipe(
    Effect.flatten,
    Effect.map((asked) => asked.length)
  )

describe("failover", () => {
  it.effect("waits for a rate limit exactly as long as the provider asks", () =>
    Effect.gen(function* () {
      const { script } = yield* Simulator
      yield* script("primary", Simulated.rateLimited(3000), Simulated.answer("Here you are."))

      const fiber = yield* Effect.fork(ask)
      yield* TestClock.adjust("2999 millis")
      assert.strictEqual(yield* calls("primary"), 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* calls("primary"), 2)

      const reply = yield* Fiber.join(fiber)
      assert.deepStrictEqual([reply.instance, textOf(reply.answer)], ["primary", "Here you are."])
    }).pipe(Effect.provide(GatewayTest))
  )

  it.effect("cuts a provider that hangs, and asks the next one", () =>
    Effect.gen(function* () {
      const { aborted, script } = yield* Simulator
      yield* script("primary", Simulated.hang)

      const fiber = yield* Effect.fork(ask)
      yield* TestClock.adjust("10 seconds")

      const { attempts, fallback, instance } = yield* Fiber.join(fiber)
      assert.deepStrictEqual([instance, fallback], ["backup", true])
      assert.deepStrictEqual([attempts[0]?.category, attempts[0]?.ms], ["timeout", 10_000])
      assert.strictEqual(yield* aborted("primary"), 1)
    }).pipe(Effect.provide(GatewayTest))
  )

  it.effect("hides a stream that breaks before its first token", () =>
    Effect.gen(function* () {
      const { script } = yield* Simulator
      yield* script("primary", Simulated.brokenOff(""))
      yield* script("backup", Simulated.answer("All is well."))

      const fiber = yield* Effect.fork(listen)
      yield* TestClock.adjust("1 second")

      const { end, text } = yield* Fiber.join(fiber)
      assert.strictEqual(text, "All is well.")
      assert.isTrue(Either.isRight(end))
      // A lost connection is tried again before the next provider is asked.
      assert.deepStrictEqual([yield* calls("primary"), yield* calls("backup")], [2, 1])
    }).pipe(Effect.provide(GatewayTest))
  )

  it.effect("never starts a second answer under the first: a stream that breaks later is a typed error", () =>
    Effect.gen(function* () {
      const { script } = yield* Simulator
      yield* script("primary", Simulated.brokenOff("It was a dark and"))

      const { end, text } = yield* listen
      assert.strictEqual(text, "It was a dark and")
      const error = Either.isLeft(end) ? end.left : assert.fail("the stream ended as if it were whole")
      assert.strictEqual(error._tag === "ProviderFailed" ? error.error.category : error._tag, "network")
      assert.strictEqual(yield* calls("backup"), 0)
    }).pipe(Effect.provide(GatewayTest))
  )
})
