import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { complete, drained, held, hello, moving, stream, type Call } from "../support/calls.js"
import { chunk, done, role, says, stop, textOf, usageOnly } from "../support/chunks.js"
import { eventStream, json, network, replaying } from "../support/wires.js"

describe("a stream that is none", () => {
  const answers: ReadonlyArray<readonly [string, string, string]> = [
    ["an error in a 200", "rate_limit", '{"error":{"message":"slow down","code":"rate_limit_exceeded"}}'],
    ["a whole answer", "malformed_response", hello.toString()],
    ["something that is no JSON", "malformed_response", "<html>"],
    ["nothing", "malformed_response", ""]
  ]
  for (const [what, category, text] of answers) {
    it.effect(`${what} is ${category}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(stream(replaying(200, json, Buffer.from(text))))
        assert.deepStrictEqual([error.category, error.status], [category, 200])
      })
    )
  }
})

describe("a stream", () => {
  it.effect("hands on its frames, and hides the usage that the caller did not ask for", () =>
    Effect.gen(function* () {
      const frames = [role, says("he"), chunk({ content: "llo" }), stop, usageOnly, done]
      for (const include_usage of [true, false]) {
        const wires = replaying(200, eventStream, ...frames)
        const made = yield* stream(wires, undefined, { stream_options: { include_usage } })
        const { bytes, error } = yield* drained(made)
        const shown = Buffer.concat(include_usage ? frames.slice(0, -1) : frames.slice(0, -2))
        assert.deepStrictEqual([bytes.toString(), error], [shown.toString(), undefined])
        assert.deepStrictEqual([made.usage()?.output, made.model(), made.status], [2, "m-1", 200])
      }
    })
  )

  it.effect("is read no further than its first output until somebody starts it", () =>
    Effect.gen(function* () {
      const wires = replaying(200, eventStream, role, says("a"), says("b"), stop, done)
      const made = yield* stream(wires)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual([wires.only().paused, wires.only().aborted], [true, false])
      assert.strictEqual(textOf((yield* drained(made)).bytes), "ab")
    })
  )

  it.effect("does not count the time in which its reader holds it back as the provider's", () =>
    Effect.gen(function* () {
      const wires = network()
      const fiber = yield* moving(Effect.flatMap(stream(wires), held), wires, (wire) => {
        wire.open()
        wire.send(says("a"))
      })
      const { end, made } = yield* Fiber.join(fiber)
      made.pause()
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual([wires.only().paused, end()], [true, "not yet"])
      made.resume()
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual([wires.only().paused, end()], [false, "not yet"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(end(), "timeout")
    })
  )

  it.effect("lets the provider close its answer after [DONE], for a second", () =>
    Effect.gen(function* () {
      for (const [waits, aborted] of [
        [999, false],
        [1_000, true]
      ] as const) {
        const wires = network()
        const fiber = yield* moving(Effect.flatMap(stream(wires), drained), wires, (wire) => {
          wire.open()
          wire.send(says("a"))
        })
        wires.only().send(stop, done)
        yield* Fiber.join(fiber)
        assert.isFalse(wires.only().paused)
        yield* TestClock.adjust(waits)
        if (!aborted) wires.only().incoming.onEnd()
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(wires.only().aborted, aborted)
      }
    })
  )
})

describe("a caller that goes away", () => {
  const calls: ReadonlyArray<readonly [string, Call]> = [
    ["a whole answer", complete],
    ["a stream that has said nothing", stream]
  ]
  for (const [what, call] of calls) {
    it.effect(`closes the connection of ${what} at once`, () =>
      Effect.gen(function* () {
        const wires = network()
        const fiber = yield* moving(call(wires), wires, (wire) => wire.open())
        yield* Fiber.interrupt(fiber)
        assert.isTrue(wires.only().aborted)
        yield* TestClock.adjust("20 minutes")
      })
    )
  }

  it.effect("closes it also in the moment in which the stream speaks first", () =>
    Effect.gen(function* () {
      const wires = network()
      const fiber = yield* moving(stream(wires), wires, (wire) => wire.open())
      wires.only().send(says("a"))
      yield* Fiber.interrupt(fiber)
      assert.isTrue(wires.only().aborted)
    })
  )

  it.effect("closes a stream that speaks, and hears nothing more of it", () =>
    Effect.gen(function* () {
      const wires = network()
      const fiber = yield* moving(Effect.flatMap(stream(wires), held), wires, (wire) => {
        wire.open()
        wire.send(says("a"))
      })
      const { end, made, text } = yield* Fiber.join(fiber)
      made.abort()
      assert.isTrue(wires.only().aborted)
      wires.only().incoming.onData(says("b"))
      wires.only().incoming.onFailure({ message: "aborted" })
      yield* TestClock.adjust("20 minutes")
      assert.deepStrictEqual([text(), end()], ["a", "not yet"])
    })
  )
})
