import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import type { InstanceSettings } from "../../src/config/Settings.js"
import { local } from "../../src/domain/Caller.js"
import { toUsd } from "../../src/domain/Money.js"
import type { ChatReplyStream, StreamEnd } from "../../src/gateway/ChatReply.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as Timers from "../../src/provider/Timers.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { chunk, done, frame, role, says, stop, textOf, tokens, usageOnly } from "../support/chunks.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"
import { calls, scripted } from "../support/streaming.js"
import { gatewayOn, network, type Wire } from "../support/wires.js"

const ok = [Simulated.answer("one two")]

/** One USD a token in, two out. */
const pricing = { prompt: 1_000_000, completion: 2_000_000 }

const usd = (money: StreamEnd["cost"]): string => (money === undefined ? "unknown" : toUsd(money))

describe("the books of a whole answer", () => {
  it.effect("hold every attempt, what it used and what it cost", () =>
    scripted(
      { scripts: { a: [Simulated.unavailable], b: ok }, instances: { pricing } },
      Effect.gen(function* () {
        const service = yield* Gateway
        const fiber = yield* Effect.fork(service.complete(request()))
        yield* TestClock.adjust("1 minute")
        const { attempts, cost, fallback, instance: served } = yield* Fiber.join(fiber)
        const usage = { input: 8, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0 }
        assert.deepStrictEqual([served, fallback, usd(cost)], ["b", true, "12"])
        assert.deepStrictEqual(
          attempts.map(({ category, cost: each, ms, outcome, startedAt, status, usage: used }) => [
            outcome,
            category,
            status,
            startedAt,
            ms,
            used,
            usd(each)
          ]),
          [
            ["failure", "provider_unavailable", 503, 0, 100, undefined, "0"],
            ["success", undefined, 200, 100, 100, usage, "12"]
          ]
        )
      })
    )
  )
})

/** A gateway with one instance on a wire; the stream is opened as a server opens it. */
const opened = <A, E>(
  body: (reply: ChatReplyStream, wire: Wire) => Effect.Effect<A, E>,
  frames: ReadonlyArray<Buffer> = [role, says("hi")],
  fields: Partial<InstanceSettings> = { pricing }
) => {
  const net = network()
  const priced = instance("a", { provider: "openai", ...fields })
  return Effect.gen(function* () {
    const service = yield* Gateway
    const fiber = yield* Effect.fork(service.open(request({ stream: true })))
    yield* TestClock.adjust(0)
    net.only().open()
    net.only().send(...frames)
    return yield* body(yield* Fiber.join(fiber), net.only())
  }).pipe(Effect.provide(gatewayOn(net.transport, settings({ instances: [priced], models: [model("m", ["a"])] }))))
}

/** Starts a reply and remembers what it hears. */
const listening = (reply: ChatReplyStream) => {
  const heard: { text: string; end: StreamEnd | undefined } = { text: "", end: undefined }
  reply.start({
    onFrames: (frames) => {
      heard.text += textOf(Buffer.concat(frames))
    },
    onEnd: (end) => {
      heard.end = end
    }
  })
  return heard
}

describe("the books of a stream", () => {
  it.effect("are closed at its end, with the usage that comes last", () =>
    opened((reply, wire) =>
      Effect.sync(() => {
        const heard = listening(reply)
        wire.send(says("!"), stop, usageOnly, done)
        const { attempts, cost, error, usage } = heard.end ?? assert.fail("it has not ended")
        assert.deepStrictEqual([heard.text, usd(cost), error, usage?.output], ["hi!", "7", undefined, 2])
        assert.deepStrictEqual(
          attempts.map(({ cost: each, outcome }) => [outcome, usd(each)]),
          [["success", "7"]]
        )
      })
    )
  )

  it.effect("hold what a broken stream had used: what the provider said, or else what was counted", () =>
    Effect.gen(function* () {
      const cases = [
        // 18 tokens of the request's 70 bytes, and one of "hi!".
        [says("!"), "20"],
        [chunk({ content: "!" }, null, { usage: tokens }), "7"]
      ] as const
      for (const [last, expected] of cases) {
        yield* opened((reply, wire) =>
          Effect.sync(() => {
            const heard = listening(reply)
            wire.send(last)
            wire.incoming.onFailure({ message: "the connection was reset" })
            const { attempts, cost, error } = heard.end ?? assert.fail("it has not ended")
            assert.deepStrictEqual([usd(cost), error?.category], [expected, "network"])
            assert.deepStrictEqual(
              attempts.map(({ category, outcome }) => [outcome, category]),
              [["failure", "network"]]
            )
          })
        )
      }
    })
  )

  it.effect("hold what was said when its caller hangs up, as a server gives both of them up", () => {
    const net = network()
    const priced = instance("a", { provider: "openai", pricing })
    return Effect.gen(function* () {
      const service = yield* Gateway
      const timers = Timers.ofClock(yield* Effect.clock)
      const replies: Array<ChatReplyStream> = []
      const cancel = service.startOpen(
        timers,
        request({ stream: true }),
        local
      )((outcome) => {
        if (Either.isRight(outcome)) replies.push(outcome.right)
      })
      net.only().open()
      net.only().send(role, says("hi"))
      const [reply] = replies
      assert(reply !== undefined)
      listening(reply)
      net.only().send(says(" there!"))
      cancel()
      const { attempts, cost, usage } = reply.cancel()
      // 18 tokens of the request's 70 bytes, and three of "hi there!".
      assert.deepStrictEqual([usd(cost), usage?.output], ["24", 3])
      yield* Effect.yieldNow()
      assert.deepStrictEqual(
        attempts.map(({ cost: each, outcome }) => [outcome, usd(each)]),
        [["cancelled", "24"]]
      )
    }).pipe(Effect.provide(gatewayOn(net.transport, settings({ instances: [priced], models: [model("m", ["a"])] }))))
  })

  it.effect("hold OpenRouter's own price before any other, and believe nobody else's", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [Partial<InstanceSettings>, string]> = [
        [{ provider: "openrouter", pricing }, "0.00041"],
        [{ provider: "openrouter" }, "0.00041"],
        [{ provider: "openai" }, "unknown"]
      ]
      for (const [fields, expected] of cases) {
        yield* opened(
          (reply, wire) =>
            Effect.sync(() => {
              const heard = listening(reply)
              wire.send(stop, frame({ choices: [], usage: { ...tokens, cost: 0.00041 } }), done)
              assert.strictEqual(usd(heard.end?.cost), expected)
            }),
          undefined,
          fields
        )
      }
    })
  )

  it.effect("of a caller that hangs up are closed at once, once, and hear nothing more", () =>
    opened((reply, wire) =>
      Effect.gen(function* () {
        const heard = listening(reply)
        wire.send(chunk({ content: "!" }, null, { usage: tokens }))
        yield* TestClock.adjust("3 seconds")
        const end = reply.cancel()
        assert.isTrue(wire.aborted)
        assert.strictEqual(reply.cancel(), end)
        wire.incoming.onData(says("late"))
        yield* TestClock.adjust("20 minutes")
        assert.deepStrictEqual([heard.text, heard.end, usd(end.cost)], ["hi!", undefined, "7"])
        assert.deepStrictEqual(
          end.attempts.map(({ ms, outcome }) => [outcome, ms]),
          [["cancelled", 3_000]]
        )
      })
    )
  )

  it.effect("of an ended stream are not touched by a late hang-up", () =>
    opened((reply, wire) =>
      Effect.sync(() => {
        const heard = listening(reply)
        wire.send(stop, done)
        assert.strictEqual(reply.cancel(), heard.end)
        assert.deepStrictEqual(
          reply.attempts().map(({ outcome }) => outcome),
          ["success"]
        )
      })
    )
  )

  it.effect("are right also where the whole answer came before anybody listened", () =>
    opened(
      (reply) =>
        Effect.gen(function* () {
          yield* TestClock.adjust("1 minute")
          const heard = listening(reply)
          assert.deepStrictEqual([heard.text, usd(heard.end?.cost)], ["hi", "7"])
        }),
      [Buffer.concat([role, says("hi"), stop, usageOnly, done])]
    )
  )
})

describe("a stream that nobody has started", () => {
  it.effect("can be given up", () =>
    scripted(
      { scripts: { a: ok } },
      Effect.gen(function* () {
        const service = yield* Gateway
        const fiber = yield* Effect.fork(service.open(request()))
        yield* TestClock.adjust("1 minute")
        const reply = yield* Fiber.join(fiber)
        assert.deepStrictEqual(yield* calls("a"), [["a", 1, 0]])
        assert.deepStrictEqual(
          reply.cancel().attempts.map(({ outcome }) => outcome),
          ["cancelled"]
        )
        assert.deepStrictEqual(yield* calls("a"), [["a", 1, 1]])
      })
    )
  )
})
