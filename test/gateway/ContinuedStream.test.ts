import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import type { StreamEvent } from "../../src/domain/ChatEvent.js"
import type { GatewayError } from "../../src/domain/GatewayError.js"
import { toUsd } from "../../src/domain/Money.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { Circuits } from "../../src/health/Circuits.js"
import * as Json from "../../src/protocol/Json.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { chunk, done, frame, role, says, stop, textOf as textIn } from "../support/chunks.js"
import { request } from "../support/gateway.js"
import { calls, reading, scripted, streamed, textOf, type Setup } from "../support/streaming.js"
import { instance, model, settings } from "../support/settings.js"
import { eventStream } from "../support/wires.js"

const broken = [Simulated.brokenOff("one two")]
const ok = [Simulated.answer(" three four")]
const routing = { ...settings().routing, midStream: "continue" } as const
const onward = { settings: { routing } }

/** A stream that sends these bytes, and then nothing more unless it ends. */
const sending =
  (frames: ReadonlyArray<Buffer>, end?: "end" | "reset"): Simulated.SimulatedReply =>
  () => [
    { after: 0, head: { status: 200, headers: eventStream } },
    ...frames.map((data) => ({ after: 10, data })),
    ...(end === undefined ? [] : [{ after: 10, end }])
  ]

const error = (message: string, code: string, status = 503) => frame({ error: { message, code, status } })
const call = (args: string, more: object = {}) =>
  chunk({ tool_calls: [{ index: 0, function: { arguments: args }, ...more }] })

/** What the last call to an instance was asked. */
const asked = (id: string) =>
  Effect.flatMap(Simulator, (simulator) => Effect.map(simulator.requests(id), (all) => all.at(-1)?.body ?? {}))

const ended = (events: ReadonlyArray<StreamEvent>) => {
  const last = events.at(-1)
  return last?._tag === "End" ? last : assert.fail("it has not ended well")
}

describe("a stream that breaks, where others may go on", () => {
  const failures: Readonly<Record<string, readonly [Simulated.SimulatedReply, string]>> = {
    "loses the connection": [Simulated.brokenOff("one two"), "network"],
    stalls: [Simulated.stalled("one two"), "timeout"],
    "ends without a finish": [sending([role, says("one"), says(" two")], "end"), "malformed_response"],
    "sends an error": [
      sending([role, says("one"), says(" two"), error("Overloaded", "overloaded")]),
      "provider_unavailable"
    ]
  }
  for (const [how, [reply, category]] of Object.entries(failures)) {
    it.effect(`because its provider ${how} is one answer with what the next one says`, () =>
      Effect.gen(function* () {
        const { end, events, text } = yield* streamed({ scripts: { a: [reply], b: ok }, ...onward })
        assert.deepStrictEqual([text, end], ["one two three four", "clean"])
        const last = ended(events)
        assert.deepStrictEqual([last.instance, last.fallback], ["b", true])
        assert.deepStrictEqual(
          last.attempts.map((each) => [each.instance, each.outcome, each.category, each.continuedAt]),
          [
            ["a", "failure", category, undefined],
            ["b", "success", undefined, 7]
          ]
        )
        assert.deepStrictEqual(events.filter(({ _tag }) => _tag === "Finish").length, 1)
      })
    )
  }
})

describe("who goes on with a broken stream", () => {
  it.effect("is asked the same again with the text so far, and for the rest of it", () =>
    scripted(
      { scripts: { a: broken, b: ok }, ...onward },
      Effect.gen(function* () {
        yield* reading({ max_tokens: 50, seed: 7, mid_stream: "continue" })
        yield* TestClock.adjust("1 minute")
        const { max_tokens, messages, mid_stream, seed, stream } = yield* asked("b")
        assert.deepStrictEqual([stream, seed, mid_stream, max_tokens], [true, 7, undefined, 48])
        assert.deepStrictEqual(rolesOf(messages), ["user: hi", "assistant: one two", "user"])
      })
    )
  )

  it.effect("is told no more than a bound of its own allows", () =>
    scripted(
      { scripts: { a: broken, b: ok }, ...onward },
      Effect.gen(function* () {
        const entry = { provider: "b", model_name: "other", max_tokens: 2 }
        yield* reading({ fallback: { providers: [entry] } })
        yield* TestClock.adjust("1 minute")
        const { max_tokens, model: name } = yield* asked("b")
        assert.deepStrictEqual([name, max_tokens], ["other", 1])
      })
    )
  )

  it.effect("is asked the very same where nothing but thoughts came, and its own thoughts are not shown", () =>
    scripted(
      {
        scripts: {
          a: [sending([role, chunk({ reasoning_content: "hm" })], "reset")],
          b: [sending([role, chunk({ reasoning_content: "well" }), says("so"), stop, done], "end")]
        },
        ...onward
      },
      Effect.gen(function* () {
        const { events } = yield* reading()
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          events.slice(0, -1).map((event) => ("text" in event ? event.text : event._tag)),
          ["hm", "so", "Finish"]
        )
        assert.deepStrictEqual(rolesOf((yield* asked("b"))["messages"]), ["user: hi"])
        assert.strictEqual(ended(events).attempts[1]?.continuedAt, 0)
      })
    )
  )

  it.effect("may break too, and then the next one goes on with both texts", () =>
    scripted(
      { scripts: { a: broken, b: [Simulated.brokenOff(" three")], c: [Simulated.answer(" four")] }, ...onward },
      Effect.gen(function* () {
        const { events } = yield* reading()
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(textOf(events), "one two three four")
        assert.deepStrictEqual(attemptsOf(events), ["a failure", "b failure 7", "c success 13"])
        assert.include(rolesOf((yield* asked("c"))["messages"]), "assistant: one two three")
      })
    )
  )

  it.effect("leaves no trace of itself when it fails before it has said anything", () =>
    Effect.gen(function* () {
      const thinks = chunk({ reasoning_content: "well" })
      const fruitless: Readonly<Record<string, Simulated.SimulatedReply>> = {
        refuses: Simulated.unavailable,
        resets: Simulated.reset,
        "says no word": Simulated.stalled(""),
        "only thinks": sending([role, thinks, Buffer.from(": ping\n\n"), thinks], "reset"),
        "sends an error": sending([role, error("Overloaded", "overloaded")])
      }
      for (const [how, reply] of Object.entries(fruitless)) {
        const { end, events, text } = yield* streamed({
          scripts: { a: broken, b: [reply], c: ok },
          instances: once,
          ...onward
        })
        assert.deepStrictEqual([text, end], ["one two three four", "clean"], how)
        assert.deepStrictEqual(attemptsOf(events), ["a failure", "b failure 7", "c success 7"], how)
      }
    })
  )

  it.effect("is whoever comes next and catches the failure", () =>
    Effect.gen(function* () {
      const chain = ["a", { instance: "b", model: "m", catch: ["rate_limit"] as const }, "c"]
      const { asked: counts, text } = yield* streamed({
        scripts: { a: broken, b: [Simulated.answer(" never")], c: ok },
        settings: { routing, models: [model("m", chain)] }
      })
      assert.deepStrictEqual([text, counts], ["one two three four", { a: 1, b: 0, c: 1 }])
    })
  )

  it.effect("is never one whose circuit is open at that moment", () =>
    Effect.gen(function* () {
      const { circuitBreaker } = settings()
      yield* scripted(
        {
          scripts: { a: [Simulated.stalled("one two")], b: [Simulated.unauthorized], c: ok },
          settings: { routing, circuitBreaker, models: [model("m", ["a", "b", "c"]), model("n", ["b"])] }
        },
        Effect.gen(function* () {
          const { events } = yield* reading()
          yield* TestClock.adjust("10 seconds")
          // Somebody else learns meanwhile that the key of b is refused.
          const other = yield* reading({ model: "n" })
          yield* TestClock.adjust("1 second")
          assert.isTrue((yield* other.exit) !== undefined)
          yield* TestClock.adjust("2 minutes")
          assert.strictEqual(textOf(events), "one two three four")
          assert.deepStrictEqual(attemptsOf(events), ["a failure", "c success 7"])
        })
      )
    })
  )

  it.effect("is the broken one itself when nobody else is left, as often as its retries allow", () =>
    Effect.gen(function* () {
      const { end, events, text } = yield* streamed({
        scripts: { a: [...broken, Simulated.brokenOff(" three"), Simulated.answer(" four")] },
        ...onward
      })
      assert.deepStrictEqual([text, end], ["one two three four", "clean"])
      assert.deepStrictEqual(attemptsOf(events), ["a failure", "a failure 7", "a success 13"])
      const spent = yield* streamed({ scripts: { a: broken }, ...onward })
      assert.deepStrictEqual([spent.text, spent.asked], ["one twoone twoone two", { a: 3 }])
      assert.deepStrictEqual([spent.end, categoryOf(spent.error)], ["failed", "network"])
    })
  )

  it.effect("is asked within the calls that the request may cost", () =>
    Effect.gen(function* () {
      const { asked: counts, error: failed } = yield* streamed({
        scripts: { a: broken, b: [Simulated.unavailable], c: ok },
        settings: { routing: { ...routing, maxAttempts: 2 } }
      })
      assert.deepStrictEqual([counts, categoryOf(failed)], [{ a: 1, b: 1, c: 0 }, "provider_unavailable"])
    })
  )

  it.effect("has the whole deadline anew, and no more", () =>
    Effect.gen(function* () {
      const setup: Setup = {
        scripts: { a: [Simulated.stalled("one two")], b: [Simulated.hang] },
        settings: { routing: { ...routing, deadline: 20_000 } },
        instances: { ...once, timeouts: { connect: 5_000, firstToken: 30_000, idle: 50_000, total: 600_000 } }
      }
      // 110 ms to the last word, and the idle limit.
      assert.strictEqual((yield* streamed(setup, 110 + 50_000 + 19_999)).end, "not yet")
      const { error: failed } = yield* streamed(setup, 110 + 50_000 + 20_000)
      assert.strictEqual(categoryOf(failed), "timeout")
    })
  )
})

describe("a stream that breaks and is not continued", () => {
  const cannot: Readonly<Record<string, Simulated.SimulatedReply>> = {
    "inside a tool's call": sending([says("x"), call("", { id: "1", type: "function" }), call('{"a')], "reset"),
    "behind a tool's call": sending([call('{"a":1}', { id: "1", type: "function" })], "reset"),
    "while it refuses": sending([chunk({ refusal: "I will" })], "reset"),
    "in another choice": sending([says("x"), chunk({ content: "y" }, null, {}, 1)], "reset"),
    "with sound": sending([says("x"), chunk({ audio: { data: "AAAA" } })], "reset"),
    "behind a frame that nobody can read": sending([
      Buffer.concat([says("x"), ...Array.from({ length: 1_100 }, (_, at) => call("{}", { id: `c${at}` }))])
    ]),
    "because of moderation": sending([says("x"), error("filtered", "content_filter", 400)]),
    "because it is too long": sending([says("x"), error("too long", "context_length_exceeded", 400)])
  }
  for (const [how, reply] of Object.entries(cannot)) {
    it.effect(`${how} ends in its failure`, () =>
      Effect.gen(function* () {
        const { asked: counts, end } = yield* streamed({ scripts: { a: [reply], b: ok }, ...onward })
        assert.deepStrictEqual([end, counts], ["failed", { a: 1, b: 0 }])
      })
    )
  }

  it.effect("is one that asked for what several cannot write together", () =>
    Effect.gen(function* () {
      for (const asks of [{ n: 2 }, { logprobs: true }, { modalities: ["text", "audio"] }]) {
        const { asked: counts, end } = yield* streamed({ scripts: { a: broken, b: ok }, request: asks, ...onward })
        assert.deepStrictEqual([end, counts], ["failed", { a: 1, b: 0 }], JSON.stringify(asks))
      }
    })
  )

  it.effect("is every one where nobody said otherwise: the request, or else the model, or else the routing", () =>
    Effect.gen(function* () {
      const chain = model("m", ["a", "b"])
      const cases = [
        [{}, {}, "failed"],
        [{ mid_stream: "continue" }, {}, "clean"],
        [{}, { models: [{ ...chain, midStream: "continue" as const }] }, "clean"],
        [{ mid_stream: "never" }, { models: [{ ...chain, midStream: "continue" as const }] }, "failed"],
        [{}, { routing, models: [{ ...chain, midStream: "never" as const }] }, "failed"],
        [{ mid_stream: "never" }, { routing }, "failed"]
      ] as const
      for (const [asks, more, expected] of cases) {
        const { end } = yield* streamed({ scripts: { a: broken, b: ok }, request: asks, settings: more })
        assert.strictEqual(end, expected, JSON.stringify([asks, more]))
      }
    })
  )

  it.effect("fails with the last failure when nobody can go on", () =>
    Effect.gen(function* () {
      const { error: failed, text } = yield* streamed({
        scripts: { a: broken, b: [Simulated.unauthorized], c: [Simulated.unavailable] },
        instances: once,
        ...onward
      })
      assert.strictEqual(text, "one two")
      assert.strictEqual(failed?._tag, "ProviderFailed")
      if (failed?._tag !== "ProviderFailed") return
      assert.deepStrictEqual([failed.error.instance, failed.error.category], ["c", "provider_unavailable"])
      assert.deepStrictEqual(
        failed.attempts.map(({ continuedAt, instance: id }) => [id, continuedAt]),
        [
          ["a", undefined],
          ["b", 7],
          ["c", 7]
        ]
      )
    })
  )

  it.effect("has ended well when only its end was lost", () =>
    Effect.gen(function* () {
      const {
        asked: counts,
        end,
        events,
        text
      } = yield* streamed({
        scripts: { a: [sending([says("it works"), stop], "reset")], b: ok },
        ...onward
      })
      assert.deepStrictEqual([text, end, counts], ["it works", "clean", { a: 1, b: 0 }])
      assert.deepStrictEqual(attemptsOf(events), ["a failure"])
    })
  )
})

describe("the seam of a stream", () => {
  /** Long enough to look into. */
  const slow = { latency: 1_000, tokenInterval: 10, failureRate: 0, failures: [] }

  it.effect("is left at once by a caller who hangs up, and nobody else is asked", () =>
    Effect.gen(function* () {
      // The first call of the seam, and one that follows on its failure.
      for (const [script, at, given] of [
        [{ a: broken, b: ok, c: ok }, 1_500, ["a", "b"]],
        [{ a: broken, b: [Simulated.unavailable], c: ok }, 2_500, ["a", "b", "c"]]
      ] as const) {
        yield* scripted(
          { scripts: script, instances: { ...once, simulated: slow }, ...onward },
          Effect.gen(function* () {
            const { events, fiber } = yield* reading()
            yield* TestClock.adjust(at)
            yield* Fiber.interrupt(fiber)
            yield* TestClock.adjust("10 minutes")
            assert.strictEqual(textOf(events), "one two")
            const last = given.at(-1) ?? ""
            const counts = yield* calls(...given, "c")
            assert.deepStrictEqual(
              counts.filter(([id]) => id === last),
              last === "c"
                ? [
                    [last, 1, 1],
                    [last, 1, 1]
                  ]
                : [[last, 1, 1]]
            )
            if (last !== "c") assert.deepStrictEqual(counts.at(-1), ["c", 0, 0])
          })
        )
      }
    })
  )

  it.effect("tells in the books of a caller who hung up what was called", () =>
    scripted(
      { scripts: { a: broken, b: ok }, instances: { simulated: slow }, ...onward },
      Effect.gen(function* () {
        const service = yield* Gateway
        const opening = yield* Effect.fork(service.open(request()))
        yield* TestClock.adjust("1 second")
        const reply = yield* Fiber.join(opening)
        reply.start({ onFrames: () => {}, onEnd: () => assert.fail("nobody listens") })
        yield* TestClock.adjust("500 millis")
        const end = reply.cancel()
        assert.strictEqual(reply.cancel(), end)
        assert.deepStrictEqual(
          end.attempts.map(({ instance: id, outcome }) => `${id} ${outcome}`),
          ["a failure", "b cancelled"]
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* calls("b"), [["b", 1, 1]])
      })
    )
  )

  it.effect("holds for a caller who does not read", () =>
    scripted(
      { scripts: { a: broken, b: ok }, ...onward },
      Effect.gen(function* () {
        const service = yield* Gateway
        const opening = yield* Effect.fork(service.open(request()))
        yield* TestClock.adjust("100 millis")
        const reply = yield* Fiber.join(opening)
        const heard: Array<string> = []
        reply.start({
          onFrames: (frames) => heard.push(bytesOf(frames)),
          onEnd: ({ error: failed }) => heard.push(failed?.category ?? "clean")
        })
        yield* TestClock.adjust("15 millis")
        assert.strictEqual(heard.join(""), "one two")
        // It breaks at 120 ms, and the next one speaks at 220 ms.
        yield* TestClock.adjust("50 millis")
        reply.pause()
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(heard.join(""), "one two")
        reply.resume()
        yield* TestClock.adjust("1 second")
        assert.strictEqual(heard.join(""), "one two three fourclean")
      })
    )
  )

  it.effect("counts once against the circuit of each who broke it, and forgives whoever then ends it well", () =>
    Effect.gen(function* () {
      const { circuitBreaker } = settings()
      yield* scripted(
        {
          scripts: {
            a: [...broken, Simulated.unavailable],
            b: [Simulated.brokenOff(" three"), Simulated.answer(" four")]
          },
          settings: { routing, circuitBreaker: { ...circuitBreaker, failureThreshold: 2 } }
        },
        Effect.gen(function* () {
          const { events } = yield* reading()
          yield* TestClock.adjust("1 minute")
          assert.strictEqual(textOf(events), "one two three four")
          const circuits = yield* Circuits
          const of = (id: string) => circuits.of(instance(id), 60_000)
          assert.deepStrictEqual(
            ["a", "b"].map((id) => [of(id).circuit, of(id).consecutiveFailures]),
            [
              ["closed", 1],
              ["closed", 0]
            ]
          )
        })
      )
    })
  )

  it.effect("leaves both sides their own usage and cost, and the sum for the whole", () =>
    Effect.gen(function* () {
      const tokens = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
      const known = sending([role, chunk({ content: "one two" }, null, { usage: tokens })], "reset")
      for (const [first, input, output, usd] of [
        [known, 3, 2, "7"],
        // Counted: its provider said nothing.
        [Simulated.brokenOff("one two"), 15, 2, "19"]
      ] as const) {
        const { events } = yield* streamed({
          scripts: { a: [first], b: ok },
          instances: { pricing: { prompt: 1_000_000, completion: 2_000_000 } },
          ...onward
        })
        const { attempts, cost, usage } = ended(events)
        const [a, b] = attempts
        assert.deepStrictEqual([a?.usage?.input, a?.usage?.output, a?.cost && toUsd(a.cost)], [input, output, usd])
        assert.strictEqual(b?.usage?.output, 2)
        assert.strictEqual(usage?.output, output + 2)
        assert.strictEqual(usage?.input, input + (b?.usage?.input ?? 0))
        assert.strictEqual(cost, (a?.cost ?? 0n) + (b?.cost ?? 0n))
      }
    })
  )
})

const once = { retry: { ...instance("x").retry, maxAttempts: 1 } }

const rolesOf = (messages: unknown): ReadonlyArray<string> =>
  Json.records(messages).map(({ content, role: by }, at) => (at === 2 ? String(by) : `${by}: ${content}`))

const attemptsOf = (events: ReadonlyArray<StreamEvent>): ReadonlyArray<string> =>
  ended(events).attempts.map(({ continuedAt, instance: id, outcome }) =>
    [id, outcome, continuedAt].filter((word) => word !== undefined).join(" ")
  )

const categoryOf = (failed: GatewayError | undefined): string | undefined =>
  failed?._tag === "ProviderFailed" ? failed.error.category : failed?._tag

const bytesOf = (frames: ReadonlyArray<Buffer>): string => textIn(Buffer.concat(frames))
