import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { done, role, says, stop } from "../support/chunks.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"
import { calls, reading, scripted, textOf } from "../support/streaming.js"
import { gatewayOn, network, type Wire } from "../support/wires.js"

const ok = [Simulated.answer("one two three four")]

describe("a caller that goes away", () => {
  it.effect("closes the provider's connection of a whole answer at once, and nobody else is asked", () =>
    scripted(
      { scripts: { a: [Simulated.hang], b: ok } },
      Effect.gen(function* () {
        const service = yield* Gateway
        const fiber = yield* Effect.fork(service.complete(request()))
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* calls("a", "b"), [
          ["a", 1, 1],
          ["b", 0, 0]
        ])
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* calls("b"), [["b", 0, 0]])
      })
    )
  )

  it.effect("ends the wait for a retry", () =>
    scripted(
      { scripts: { a: [Simulated.serverError, ...ok] } },
      Effect.gen(function* () {
        const service = yield* Gateway
        const fiber = yield* Effect.fork(service.complete(request()))
        yield* TestClock.adjust("200 millis")
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* calls("a"), [["a", 1, 0]])
      })
    )
  )

  it.effect("closes the connection of a stream that has said nothing", () =>
    scripted(
      { scripts: { a: [Simulated.stalled("")], b: ok } },
      Effect.gen(function* () {
        const { events, fiber } = yield* reading()
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        assert.isEmpty(events)
        assert.deepStrictEqual(yield* calls("a", "b"), [
          ["a", 1, 1],
          ["b", 0, 0]
        ])
      })
    )
  )

  it.effect("closes the connection of a stream that speaks", () =>
    scripted(
      { scripts: { a: [Simulated.stalled("one two")], b: ok } },
      Effect.gen(function* () {
        const { events, fiber } = yield* reading()
        yield* TestClock.adjust("1 second")
        assert.strictEqual(textOf(events), "one two")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* calls("a", "b"), [
          ["a", 1, 1],
          ["b", 0, 0]
        ])
      })
    )
  )

  it.effect("closes the connection of a stream of which it wants no more", () =>
    scripted(
      { scripts: { a: ok } },
      Effect.gen(function* () {
        const { events, exit } = yield* reading({}, 2)
        yield* TestClock.adjust("110 millis")
        assert.isTrue(Exit.isExit(yield* exit))
        assert.strictEqual(textOf(events), "one two")
        assert.deepStrictEqual(yield* calls("a"), [["a", 1, 1]])
      })
    )
  )

  it.effect("leaves nothing open after a stream that was read to its end", () =>
    scripted(
      { scripts: { a: ok } },
      Effect.gen(function* () {
        const { events, exit } = yield* reading()
        yield* TestClock.adjust("1 minute")
        assert.isTrue(Exit.isExit(yield* exit))
        assert.strictEqual(textOf(events), "one two three four")
        assert.deepStrictEqual(yield* calls("a"), [["a", 1, 0]])
      })
    )
  )
})

/** A gateway on one wire, and a reader who pulls when it likes. */
const pulling = <A, E>(
  body: (wire: () => Wire, pull: Effect.Effect<string, unknown>) => Effect.Effect<A, E, Scope.Scope>
) => {
  const net = network()
  const configured = settings({ instances: [instance("a", { provider: "openai" })], models: [model("m", ["a"])] })
  return Effect.gen(function* () {
    const service = yield* Gateway
    const pull = yield* Stream.toPull(service.stream(request()))
    return yield* body(
      net.only,
      Effect.map(pull, (events) => textOf(Chunk.toReadonlyArray(events)))
    )
  }).pipe(Effect.provide(gatewayOn(net.transport, configured)), Effect.scoped)
}

describe("a reader that does not pull", () => {
  const begun = (wire: () => Wire, pull: Effect.Effect<string, unknown>) =>
    Effect.gen(function* () {
      const first = yield* Effect.fork(pull)
      yield* TestClock.adjust(0)
      wire().open()
      wire().send(role, says("first"))
      return yield* Fiber.join(first)
    })

  it.effect("holds the provider back, and gets all of it in order once it pulls", () =>
    pulling((wire, pull) =>
      Effect.gen(function* () {
        let text = yield* begun(wire, pull)
        assert.isFalse(wire().paused)
        let sent = 0
        while (!wire().paused && sent < 64) wire().send(says(` ${++sent}`))
        assert.isTrue(wire().paused)
        // What was on its way when the provider was held back is not lost either.
        wire().send(says(" late"))
        text += yield* pull
        assert.isFalse(wire().paused)
        wire().send(says(" last"), stop, done)
        text += yield* pull
        const numbers = Array.from({ length: sent }, (_, at) => ` ${at + 1}`).join("")
        assert.strictEqual(text, `first${numbers} late last`)
      })
    )
  )

  it.effect("does not run into the provider's idle limit", () =>
    pulling((wire, pull) =>
      Effect.gen(function* () {
        yield* begun(wire, pull)
        for (let sent = 0; !wire().paused && sent < 64; sent++) wire().send(says("x"))
        assert.isTrue(wire().paused)
        yield* TestClock.adjust("5 minutes")
        assert.isFalse(wire().aborted)
        yield* pull
        const next = yield* Effect.fork(Effect.either(pull))
        yield* TestClock.adjust("60 seconds")
        assert.strictEqual((yield* Fiber.join(next))._tag, "Left")
        assert.isTrue(wire().aborted)
      })
    )
  )

  it.effect("closes the connection when its scope closes", () =>
    Effect.gen(function* () {
      let left: Wire | undefined
      yield* pulling((wire, pull) =>
        Effect.gen(function* () {
          yield* begun(wire, pull)
          left = wire()
          assert.isFalse(left.aborted)
        })
      )
      assert.isTrue(left?.aborted)
    })
  )
})
