import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { SimulatedSettings } from "../../src/config/Settings.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import * as SimulatedSize from "../../src/provider/SimulatedSize.js"
import { Simulator } from "../../src/provider/Simulator.js"
import * as AnswerText from "../../src/protocol/AnswerText.js"
import { calling, drained } from "../support/calls.js"
import { textOf } from "../support/chunks.js"
import { instance } from "../support/settings.js"

const settings: SimulatedSettings = { latency: 100, tokenInterval: 10, failureRate: 0, failures: ["network"] }

/** One call of a simulated instance. */
const asking = (simulated: Partial<SimulatedSettings> = {}) =>
  Effect.gen(function* () {
    const made = instance("sim", { simulated: { ...settings, ...simulated } })
    const { transport } = yield* Simulator
    const { call, provider } = yield* calling(made, transport(made))
    return { provider, complete: provider.complete(call), stream: provider.stream(call) }
  })

/** The texts of so many whole answers, or the categories of their failures. */
const outcomes = (count: number, simulated: Partial<SimulatedSettings> = {}) =>
  Effect.gen(function* () {
    const { complete } = yield* asking(simulated)
    const one = Effect.map(
      Effect.either(complete),
      Either.match({ onLeft: ({ category }) => category, onRight: ({ answer }) => AnswerText.textOf(answer) })
    )
    const fiber = yield* Effect.fork(Effect.all(Array.from({ length: count }, () => one)))
    yield* TestClock.adjust("10 minutes")
    return yield* Fiber.join(fiber)
  })

const simulating = <A, E>(body: Effect.Effect<A, E, Simulator>) => Effect.provide(body, Simulator.layer)

const made = "This is a simulated answer from sim, made up without any model."

describe("a simulated provider without a script", () => {
  it.effect("says that nobody thought about its answer", () =>
    simulating(Effect.map(outcomes(1), (texts) => assert.deepStrictEqual(texts, [made])))
  )

  it.effect("fails as often as it is told, evenly spread, in each way in turn", () =>
    simulating(
      Effect.gen(function* () {
        const found = yield* outcomes(10, { failureRate: 0.3, failures: ["rate_limit", "network"] })
        const failures = found.flatMap((outcome, at) => (outcome === made ? [] : [[at + 1, outcome]]))
        assert.deepStrictEqual(failures, [
          [4, "rate_limit"],
          [7, "network"],
          [10, "rate_limit"]
        ])
      })
    )
  )

  it.effect("fails always, or never, at the ends of the scale", () =>
    Effect.gen(function* () {
      const always = yield* simulating(outcomes(3, { failureRate: 1, failures: ["malformed_response"] }))
      assert.deepStrictEqual(
        always,
        Array.from({ length: 3 }, () => "malformed_response")
      )
      assert.deepStrictEqual(yield* simulating(outcomes(2, { failureRate: 1, failures: [] })), [made, made])
    })
  )

  it.effect("lists models, which is no call and never fails", () =>
    simulating(
      Effect.gen(function* () {
        const { provider } = yield* asking({ failureRate: 1 })
        const fiber = yield* Effect.fork(provider.listModels ?? Effect.succeed([]))
        yield* TestClock.adjust("1 second")
        assert.include(yield* Fiber.join(fiber), "gpt-4o-mini")
        const catalogue = yield* Effect.fork(provider.listCatalogue ?? Effect.succeed([]))
        yield* TestClock.adjust("1 second")
        assert.include(
          (yield* Fiber.join(catalogue)).map(({ id }) => id),
          "gpt-4o-mini"
        )
        assert.isEmpty(yield* Effect.flatMap(Simulator, (simulator) => simulator.requests("sim")))
      })
    )
  )
})

describe("a script", () => {
  it.effect("is followed call by call, and its last line stays", () =>
    simulating(
      Effect.gen(function* () {
        const { requests, script } = yield* Simulator
        yield* script("sim", Simulated.unavailable, Simulated.answer("one"), Simulated.answer("two"))
        assert.deepStrictEqual(yield* outcomes(4), ["provider_unavailable", "one", "two", "two"])
        assert.deepStrictEqual(
          (yield* requests("sim")).map(({ call }) => call),
          [1, 2, 3, 4]
        )
      })
    )
  )

  it.effect("takes as long as the clock says", () =>
    simulating(
      Effect.gen(function* () {
        const { script } = yield* Simulator
        yield* script("sim", Simulated.answer("one two three"))
        const { complete, stream } = yield* asking()
        const whole = yield* Effect.fork(complete)
        const streamed = yield* Effect.fork(Effect.flatMap(stream, drained))
        yield* TestClock.adjust("99 millis")
        assert.isTrue(Option.isNone(yield* Fiber.poll(whole)))
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(whole)
        yield* TestClock.adjust("19 millis")
        assert.isTrue(Option.isNone(yield* Fiber.poll(streamed)))
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(textOf((yield* Fiber.join(streamed)).bytes), "one two three")
      })
    )
  )

  it.effect("counts the calls that were given up before their end", () =>
    simulating(
      Effect.gen(function* () {
        const { aborted, script } = yield* Simulator
        yield* script("sim", Simulated.hang, Simulated.answer("x"))
        const { complete } = yield* asking()
        const fiber = yield* Effect.fork(complete)
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual([yield* outcomes(1), yield* aborted("sim")], [["x"], 1])
      })
    )
  )
})

describe("a behaviour", () => {
  it.effect("answers every call and every list of models, and nothing of them is remembered", () =>
    simulating(
      Effect.gen(function* () {
        const { behave, requests, underWay } = yield* Simulator
        yield* behave("sim", (request) =>
          request.method === "GET" ? Simulated.unauthorized(request) : Simulated.answer(`call ${request.call}`)(request)
        )
        assert.deepStrictEqual(yield* outcomes(2), ["call 1", "call 2"])
        const { provider } = yield* asking()
        const listing = yield* Effect.fork(Effect.flip(provider.listModels ?? Effect.succeed([])))
        yield* TestClock.adjust("50 millis")
        assert.strictEqual(yield* underWay, 1)
        yield* TestClock.adjust("50 millis")
        const refused = yield* Fiber.join(listing)
        assert.strictEqual(Array.isArray(refused) ? undefined : refused.category, "auth")
        assert.isEmpty(yield* requests("sim"))
        assert.strictEqual(yield* underWay, 0)
      })
    )
  )

  it.effect("may refuse the connection, which is no answer", () =>
    simulating(
      Effect.gen(function* () {
        const { behave } = yield* Simulator
        yield* behave("sim", Simulated.refused)
        const { complete } = yield* asking()
        const failure = yield* Effect.flip(complete)
        assert.deepInclude(failure, { category: "network", message: "the connection was refused" })
        assert.notProperty(failure, "status")
      })
    )
  )

  it.effect("may have spent its account's money", () =>
    simulating(
      Effect.gen(function* () {
        yield* Effect.flatMap(Simulator, ({ behave }) => behave("sim", Simulated.quotaSpent))
        assert.deepStrictEqual(yield* outcomes(1), ["provider_quota_exceeded"])
      })
    )
  )
})

describe("an answer of a size", () => {
  const size = { prompt: 300, answer: 501 }
  const usage = { input: 300, cacheRead: 0, cacheWrite: 0, output: 501, reasoning: 0 }

  /** When the call succeeded and when it ended, in ms, on tokens of 10 ms after 100 ms. */
  const times = (reply: Simulated.SimulatedReply, streamed: boolean) =>
    simulating(
      Effect.gen(function* () {
        yield* Effect.flatMap(Simulator, ({ behave }) => behave("sim", reply))
        const { complete, stream } = yield* asking()
        const clock = yield* Effect.clock
        const now = (): number => clock.unsafeCurrentTimeMillis()
        const whole = Effect.map(complete, ({ answer }) => ({ begun: now(), ended: now(), usage: answer.usage }))
        const pieces = Effect.gen(function* () {
          const opened = yield* stream
          const begun = now()
          yield* Effect.exit(drained(opened))
          return { begun, ended: now(), usage: opened.usage() }
        })
        const fiber = yield* Effect.fork(streamed ? pieces : whole)
        // In steps: the clock stands where a fiber looks at it.
        for (let ms = 0; ms < 6_000; ms += 20) yield* TestClock.adjust(20)
        return yield* Fiber.join(fiber)
      })
    )

  it.effect("comes whole when its last token is made", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* times(SimulatedSize.sized(size, 1_000), false), {
        begun: 5_100,
        ended: 5_100,
        usage
      })
    })
  )

  it.effect("is streamed from its first token on, until its last one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* times(SimulatedSize.sized(size, 1_000), true), { begun: 100, ended: 5_100, usage })
    })
  )

  it.effect("may break in its middle", () =>
    Effect.gen(function* () {
      const { begun, ended } = yield* times(SimulatedSize.cutAfter(201, 1_000), true)
      // A token more would have come.
      assert.deepStrictEqual([begun, ended], [100, 2_110])
    })
  )
})
