import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { frame, role, says, stop } from "../support/chunks.js"
import { request } from "../support/gateway.js"
import { routing } from "../support/settings.js"
import { calls, scripted, streamed } from "../support/streaming.js"
import { eventStream } from "../support/wires.js"

const ok = [Simulated.answer("it works")]

/** A stream that sends these bytes, and then nothing more unless it ends. */
const sending =
  (frames: ReadonlyArray<Buffer>, end?: "end" | "reset"): Simulated.SimulatedReply =>
  () => [
    { after: 0, head: { status: 200, headers: eventStream } },
    ...frames.map((data) => ({ after: 10, data })),
    ...(end === undefined ? [] : [{ after: 10, end }])
  ]

const error = frame({ error: { message: "Overloaded", code: 503 } })

describe("a streamed answer", () => {
  it.effect("comes as events, its usage once and last, whether or not the request asked for it", () =>
    Effect.gen(function* () {
      for (const options of [{}, { stream_options: { include_usage: true } }]) {
        const { end, events } = yield* streamed({ scripts: { a: ok }, request: { stream: true, ...options } })
        const tags = events.map((event) => event._tag)
        assert.deepStrictEqual([tags, end], [["Text", "Text", "Finish", "End"], "clean"])
        const usage = events.at(-1)
        assert.strictEqual(usage?._tag === "End" ? usage.usage?.output : 0, 2)
      }
    })
  )

  it.effect("is streamed also where the request does not say so", () =>
    Effect.gen(function* () {
      const { end, text } = yield* streamed({ scripts: { a: ok } })
      assert.deepStrictEqual([end, text], ["clean", "it works"])
    })
  )

  it.effect("asks nobody before it is run, and somebody each time that it is", () =>
    scripted(
      { scripts: { a: ok }, instances: { simulated: instant } },
      Effect.gen(function* () {
        const service = yield* Gateway
        const stream = service.stream(request())
        assert.deepStrictEqual(yield* calls("a"), [["a", 0, 0]])
        yield* Stream.runDrain(stream)
        yield* Stream.runDrain(stream)
        assert.deepStrictEqual(yield* calls("a"), [["a", 2, 0]])
      })
    )
  )

  it.effect("of a model that nobody serves is a typed failure", () =>
    Effect.gen(function* () {
      const { error: refused } = yield* streamed({
        scripts: { a: ok },
        instances: { models: ["other"] },
        request: { model: "unknown" }
      })
      assert.strictEqual(refused?._tag, "ModelNotServed")
    })
  )
})

describe("a provider that fails before it has said anything", () => {
  const failures: Readonly<Record<string, Simulated.SimulatedReply>> = {
    refuses: Simulated.unavailable,
    resets: Simulated.reset,
    hangs: Simulated.hang,
    "answers with no stream": Simulated.garbled,
    "begins and resets": Simulated.brokenOff(""),
    "begins and stalls": Simulated.stalled(""),
    "begins and ends": sending([role], "end"),
    "begins with an error": sending([role, error]),
    "ends without an answer": sending([role, Buffer.from("data: [DONE]\n\n")], "end")
  }
  for (const [how, reply] of Object.entries(failures)) {
    it.effect(`and ${how} leaves no trace in the answer of the next one`, () =>
      Effect.gen(function* () {
        const { asked, end, text } = yield* streamed({ scripts: { a: [reply], b: ok } })
        assert.deepStrictEqual([text, end, asked["b"]], ["it works", "clean", 1])
      })
    )
  }

  it.effect("is asked again, as its retries allow, without a trace", () =>
    Effect.gen(function* () {
      const { asked, text } = yield* streamed({ scripts: { a: [Simulated.brokenOff(""), ...ok], b: ok } })
      assert.deepStrictEqual([asked, text], [{ a: 2, b: 0 }, "it works"])
    })
  )

  it.effect("fails the stream with every attempt when nobody is left", () =>
    Effect.gen(function* () {
      const { error: failed, events } = yield* streamed({
        scripts: { a: [Simulated.unavailable], b: [sending([error])] }
      })
      assert.strictEqual(failed?._tag, "FallbackExhausted")
      assert.deepStrictEqual(
        failed?._tag === "FallbackExhausted" ? failed.attempts.map(({ instance: id }) => id).slice(0, 2) : [],
        ["a", "b"]
      )
      assert.isEmpty(events)
    })
  )
})

describe("a provider that fails after its first output", () => {
  const failures: Readonly<Record<string, readonly [Simulated.SimulatedReply, string]>> = {
    "loses the connection": [Simulated.brokenOff("one two"), "network"],
    stalls: [Simulated.stalled("one two"), "timeout"],
    "ends without a finish": [sending([role, says("one"), says(" two")], "end"), "malformed_response"],
    "sends an error": [sending([role, says("one"), says(" two"), error]), "provider_unavailable"]
  }
  for (const [how, [reply, category]] of Object.entries(failures)) {
    it.effect(`and ${how} gives the text so far and then a typed failure, never a second provider's text`, () =>
      Effect.gen(function* () {
        const { asked, error: failed, text } = yield* streamed({ scripts: { a: [reply], b: ok } })
        assert.deepStrictEqual([text, asked], ["one two", { a: 1, b: 0 }])
        assert.strictEqual(failed?._tag, "ProviderFailed")
        if (failed?._tag !== "ProviderFailed") return
        assert.strictEqual(failed.error.category, category)
        assert.deepStrictEqual(
          failed.attempts.map(({ outcome }) => outcome),
          ["failure"]
        )
      })
    )
  }

  it.effect("has not failed when only the end mark is missing", () =>
    Effect.gen(function* () {
      for (const reply of [sending([says("it works"), stop]), sending([says("it works"), stop], "end")]) {
        const { end, text } = yield* streamed({ scripts: { a: [reply], b: ok } })
        assert.deepStrictEqual([end, text], ["clean", "it works"])
      }
    })
  )
})

describe("the deadline of a streamed request", () => {
  const short = { ...routing, deadline: 30_000 }

  it.effect("passes when nobody has spoken, and leaves each candidate its share", () =>
    Effect.gen(function* () {
      const scripts = { a: [Simulated.stalled("")], b: [Simulated.hang] }
      assert.strictEqual((yield* streamed({ scripts, settings: { routing: short } }, "29999 millis")).end, "not yet")
      const { error: failed } = yield* streamed({ scripts, settings: { routing: short } }, "30 seconds")
      assert.strictEqual(failed?._tag, "DeadlineExceeded")
      assert.deepStrictEqual(
        failed?._tag === "DeadlineExceeded" ? failed.attempts.map(({ instance: id, ms }) => [id, ms]) : [],
        [
          ["a", 20_000],
          ["b", 10_000]
        ]
      )
    })
  )

  it.effect("does not cut an answer that has begun", () =>
    Effect.gen(function* () {
      const words = Array.from({ length: 100 }, () => "word").join(" ")
      const slow = { latency: 1_000, tokenInterval: 1_000, failureRate: 0, failures: [] }
      const { end, text } = yield* streamed({
        scripts: { a: [Simulated.answer(words)], b: ok },
        instances: { simulated: slow },
        settings: { routing: short }
      })
      assert.deepStrictEqual([end, text], ["clean", words])
    })
  )
})

const instant = { latency: 0, tokenInterval: 0, failureRate: 0, failures: [] }
