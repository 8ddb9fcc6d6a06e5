import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Settings } from "../../src/config/Settings.js"
import type { VendorSlug } from "../../src/config/Vendors.js"
import * as Json from "../../src/protocol/Json.js"
import * as Replies from "../support/replies.js"
import { doors } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { chat, open, streaming, type Answer } from "./asking.js"
import { between, says, send, type Speaker } from "./messaging.js"

const onward: Partial<Settings> = { routing: { ...settings().routing, midStream: "continue" } }
const traced = { "x-orelse-trace": "1" }

/** One who speaks OpenAI's dialect and one who speaks Anthropic's: half an answer, and a whole one. */
interface Kind {
  readonly vendor: VendorSlug
  readonly half: (text: string) => Upstream.Reply
  readonly whole: (text: string) => Upstream.Reply
  /** Tokens that half an answer tells: in and out. */
  readonly told: readonly [number, number]
}

const kinds: ReadonlyArray<Kind> = [
  {
    vendor: "openai-compatible",
    half: (text) => () => [...Replies.opening(text), { end: "reset" }],
    whole: Replies.answer,
    told: [0, 0]
  },
  {
    vendor: "anthropic-compatible",
    half: (text) => (asked) => [...says(text)(asked).slice(0, 4), { end: "reset" }],
    whole: says,
    told: [9, 3]
  }
]

const pairs = kinds.flatMap((first) => kinds.map((second) => ({ first, second })))

/** A gateway whose first provider breaks off and whose second goes on. */
const chained = (door: (typeof doors)[number], first: Kind, second: Kind) =>
  Effect.gen(function* () {
    const one = yield* Upstream.make(first.half("one two"))
    const two = yield* Upstream.make(second.whole(" three four"))
    const speakers: ReadonlyArray<Speaker> = [
      [first.vendor, one],
      [second.vendor, two]
    ]
    return { gateway: yield* between(door, speakers, onward), two }
  })

/** The data of each frame. */
const dataOf = (answer: Answer): ReadonlyArray<string> =>
  [...answer.body.toString("utf8").matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => data)

const framesOf = (answer: Answer) => dataOf(answer).map((data) => Json.record(Json.parsed(data)))

const attempts = [
  ["first", "failure", undefined],
  ["second", "success", 7]
]

const attemptsIn = (trace: unknown) =>
  Json.records(Json.record(trace)["attempts"]).map(({ continued_at, instance, outcome }) => [
    instance,
    outcome,
    continued_at
  ])

for (const door of doors) {
  describe.each(pairs)(`${door}: $first.vendor breaks off and $second.vendor goes on`, ({ first, second }) => {
    const [input, output] = [first.told[0] + 9, first.told[1] + 3]

    it.scopedLive("in one chunked completion", () =>
      Effect.gen(function* () {
        const { gateway, two } = yield* chained(door, first, second)
        const answer = yield* chat(gateway, streaming, traced)
        const [trace, ...others] = framesOf(answer).filter(({ orelse }) => orelse !== undefined)
        const chunks = framesOf(answer).filter(({ choices, orelse }) => choices !== undefined && orelse === undefined)
        const choices = chunks.flatMap((chunk) => Json.records(chunk["choices"]))
        const deltas = choices.map(({ delta }) => Json.record(delta))
        assert.strictEqual(deltas.map(({ content }) => Json.text(content) ?? "").join(""), "one two three four")
        assert.strictEqual(new Set(chunks.map(({ id, model }) => `${id} ${model}`)).size, 1)
        assert.strictEqual(deltas.filter(({ role }) => role !== undefined).length, 1)
        assert.deepStrictEqual(
          choices.flatMap(({ finish_reason }) => (finish_reason === null ? [] : [finish_reason])),
          ["stop"]
        )
        assert.deepStrictEqual(
          chunks.flatMap(({ usage }) => {
            const { completion_tokens, prompt_tokens } = Json.record(usage)
            return usage === undefined || usage === null ? [] : [[prompt_tokens, completion_tokens]]
          }),
          [[input, output]]
        )
        assert.deepStrictEqual(
          dataOf(answer).filter((data) => data === "[DONE]"),
          ["[DONE]"]
        )
        assert.strictEqual(dataOf(answer).at(-1), "[DONE]")
        assert.deepStrictEqual([attemptsIn(trace?.["orelse"]), others], [attempts, []])
        const { messages } = Json.record(Json.parsed((yield* two.next).body.toString()))
        assert.deepStrictEqual(
          Json.records(messages).map(({ role }) => role),
          ["user", "assistant", "user"]
        )
      })
    )

    it.scopedLive("in one message", () =>
      Effect.gen(function* () {
        const { gateway, two } = yield* chained(door, first, second)
        const answer = yield* send(gateway, { stream: true }, traced)
        const frames = framesOf(answer)
        const events = frames.filter(({ type }) => type !== "ping")
        assert.deepStrictEqual(
          events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]),
          [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
          ]
        )
        assert.strictEqual(
          events.map(({ delta }) => Json.text(Json.record(delta)["text"]) ?? "").join(""),
          "one two three four"
        )
        assert.isTrue(events.every(({ index = 0 }) => index === 0))
        assert.strictEqual(events.filter(({ type }) => type === "content_block_start").length, 1)
        if (first.vendor === "anthropic-compatible") {
          assert.deepInclude(Json.record(events[0]?.["message"]), { id: "msg_up", model: "m-2024" })
        }
        const { delta, usage } = events.find(({ type }) => type === "message_delta") ?? {}
        assert.strictEqual(Json.record(delta)["stop_reason"], "end_turn")
        assert.deepInclude(Json.record(usage), { input_tokens: input, output_tokens: output })
        const trace = frames.find(({ orelse }) => orelse !== undefined)
        assert.deepStrictEqual(attemptsIn(trace?.["orelse"]), attempts)
        assert.strictEqual(Json.record(Json.parsed((yield* two.next).body.toString()))["max_tokens"], 7)
      })
    )
  })

  describe(`${door}: a stream that is continued`, () => {
    const [openai] = kinds
    if (openai === undefined) throw new Error("nobody speaks")

    it.scopedLive("names who began it in its headers, and who ended it in the log", () =>
      // Two tokens of the first one are counted, since it said none.
      Effect.gen(function* () {
        const { gateway } = yield* chained(door, openai, openai)
        const { headers } = yield* chat(gateway, streaming, { "x-request-id": "request-7" })
        const named = ["instance", "attempts", "fallback"].map((name) => headers.get(`x-orelse-${name}`))
        assert.deepStrictEqual(named, ["first", "1", "false"])
        const { attempts: calls, failure, fallback, instance, output_tokens } = yield* gateway.line
        assert.deepStrictEqual(
          [instance, calls, fallback, failure, output_tokens],
          ["second", 2, true, undefined, 2 + 3]
        )
        assert.strictEqual(gateway.log.length, 1)
        const told = ["fallback", "from=first", "to=second", "request=request-7", 'continues="after 7 characters"']
        for (const said of told) {
          assert.include(gateway.log[0], said)
        }
      })
    )

    it.scopedLive("is asked for by the request alone, which no provider hears of", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(openai.half("one two"))
        const other = yield* Upstream.make(openai.whole(" three four"))
        const speakers: ReadonlyArray<Speaker> = [
          [openai.vendor, upstream],
          [openai.vendor, other]
        ]
        const gateway = yield* between(door, speakers)
        const answer = yield* chat(gateway, { ...streaming, mid_stream: "continue" })
        assert.include(answer.body.toString(), "four")
        for (const { body } of [...upstream.received, ...other.received]) {
          assert.notInclude(body.toString(), "mid_stream")
        }
        const refused = yield* chat(gateway, { ...streaming, mid_stream: "sometimes" })
        assert.strictEqual(refused.status, 400)
        assert.include(refused.body.toString(), "mid_stream")
      })
    )

    it.scopedLive("ends in the last failure's error event when nobody can go on", () =>
      Effect.gen(function* () {
        const one = yield* Upstream.make(openai.half("one two"))
        const two = yield* Upstream.make(Replies.failure(503, { message: "down" }))
        const speakers: ReadonlyArray<Speaker> = [
          [openai.vendor, one],
          [openai.vendor, two]
        ]
        const answer = yield* chat(yield* between(door, speakers, onward), streaming)
        const last = Json.record(framesOf(answer).at(-1)?.["error"])
        assert.match(String(last["message"]), /^second: /)
        assert.notInclude(answer.body.toString(), "[DONE]")
      })
    )

    it.scopedLive("closes the second provider's socket at once when its client hangs up in the seam", () =>
      Effect.gen(function* () {
        const one = yield* Upstream.make(openai.half("one two"))
        const two = yield* Upstream.make(Replies.silence)
        const speakers: ReadonlyArray<Speaker> = [
          [openai.vendor, one],
          [openai.vendor, two]
        ]
        const gateway = yield* between(door, speakers, onward)
        const reading = yield* open(gateway)
        assert.include(yield* reading.piece, "one")
        const { hungUp } = yield* two.next
        yield* reading.leave
        yield* hungUp
        const { attempts: calls, failure } = yield* gateway.line
        assert.deepStrictEqual([failure, calls], ["cancelled", 2])
      })
    )
  })
}
