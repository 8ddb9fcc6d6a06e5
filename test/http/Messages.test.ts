import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Json from "../../src/protocol/Json.js"
import { eventsIn, wrong } from "../protocol/anthropic/order.js"
import * as Replies from "../support/replies.js"
import { doors } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { at, chat, type Answer } from "./asking.js"
import { before, between, says, send } from "./messaging.js"

const down = Replies.failure(503, { message: "down" })

const textIn = (events: ReturnType<typeof eventsIn>): string =>
  events.map((event) => Json.text(Json.record(event["delta"])["text"]) ?? "").join("")

const bodyOf = (upstream: Upstream.Upstream): Record<string, unknown> =>
  JSON.parse(String(upstream.received.at(-1)?.body))

const ours = ({ headers }: Answer) =>
  ["instance", "attempts", "fallback", "dropped"].map((name) => headers.get(`x-orelse-${name}`))

for (const door of doors) {
  describe(`${door}: POST /v1/messages, answered by a provider of OpenAI's dialect`, () => {
    it.scopedLive("asks it in its own words, and answers in the caller's", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* before(door, Replies.answer("hello there"))
        const answer = yield* send(gateway, { system: "Be brief.", stop_sequences: ["END"] })
        assert.strictEqual(answer.status, 200)
        assert.deepStrictEqual(at(answer), {
          id: "chatcmpl-1",
          type: "message",
          role: "assistant",
          model: "m-2024",
          content: [{ type: "text", text: "hello there" }],
          stop_reason: "end_turn",
          stop_sequence: null,
          usage: { input_tokens: 9, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 3 }
        })
        assert.strictEqual(upstream.received[0]?.path, "/v1/chat/completions")
        assert.deepInclude(bodyOf(upstream), {
          model: "m",
          messages: [
            { role: "system", content: "Be brief." },
            { role: "user", content: "hi" }
          ],
          stop: ["END"]
        })
        assert.deepStrictEqual(ours(answer), ["first", "1", "false", null])
        assert.strictEqual(answer.headers.get("x-orelse-cost-usd"), "0.000039")
      })
    )

    it.scopedLive("streams Anthropic's events, with the usage that it asked the provider for", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* before(door, Replies.answer("hello there"))
        const answer = yield* send(gateway, { stream: true })
        const events = eventsIn(answer.body)
        assert.strictEqual(answer.headers.get("content-type"), "text/event-stream; charset=utf-8")
        assert.deepStrictEqual(wrong(events), [])
        assert.strictEqual(textIn(events), "hello there")
        assert.deepInclude(Json.record(events.at(-2)?.["usage"]), { input_tokens: 9, output_tokens: 3 })
        assert.isTrue(upstream.received[0]?.usage)
        const { cost_usd, input_tokens, output_tokens } = yield* gateway.line
        assert.deepStrictEqual([input_tokens, output_tokens, cost_usd], [9, 3, "0.000039"])
      })
    )

    it.scopedLive("hands on calls of tools, whole and in pieces", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* before(door, Replies.toolCall("weather", '{"city":"Hà Nội"}'))
        const tools = [{ name: "weather", input_schema: { type: "object" } }]
        const whole = yield* send(gateway, { tools })
        const call = { type: "tool_use", id: "call_1", name: "weather" }
        assert.deepStrictEqual(at(whole, "content"), [{ ...call, input: { city: "Hà Nội" } }])
        assert.strictEqual(at(whole, "stop_reason"), "tool_use")
        const events = eventsIn((yield* send(gateway, { tools, stream: true })).body)
        assert.deepStrictEqual(wrong(events), [])
        assert.deepStrictEqual(events[1]?.["content_block"], { ...call, input: {} })
        const pieces = events.map((event) => Json.text(Json.record(event["delta"])["partial_json"]) ?? "")
        assert.deepStrictEqual(JSON.parse(pieces.join("")), { city: "Hà Nội" })
        assert.deepInclude(Json.record(events.at(-2)?.["delta"]), { stop_reason: "tool_use" })
        assert.deepStrictEqual(Json.records(bodyOf(upstream)["tools"])[0]?.["type"], "function")
      })
    )

    it.scopedLive("falls over from one dialect to the other, and nobody sees it", () =>
      Effect.gen(function* () {
        for (const order of [
          ["anthropic-compatible", "openai-compatible"],
          ["openai-compatible", "anthropic-compatible"]
        ] as const) {
          const first = yield* Upstream.make(down)
          const second = yield* Upstream.make(
            order[1] === "openai-compatible" ? Replies.answer("hello") : says("hello")
          )
          const gateway = yield* between(door, [
            [order[0], first],
            [order[1], second]
          ])
          const whole = yield* send(gateway)
          assert.deepStrictEqual(at(whole, "content", 0, "text"), "hello")
          assert.deepStrictEqual(ours(whole), ["second", "2", "true", null])
          const events = eventsIn((yield* send(gateway, { stream: true })).body)
          assert.deepStrictEqual([wrong(events), textIn(events)], [[], "hello"])
          assert.strictEqual(at(yield* chat(gateway), "choices", 0, "message", "content"), "hello")
        }
      })
    )

    it.scopedLive("names what the provider was not told, in the caller's words", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* before(door, Replies.answer("hello"))
        const lossy = { top_k: 3, container: "c" }
        for (const stream of [false, true]) {
          const answer = yield* send(gateway, { ...lossy, stream })
          assert.strictEqual(answer.headers.get("x-orelse-dropped"), "container,top_k")
        }
        assert.doesNotHaveAnyKeys(bodyOf(upstream), ["top_k", "container"])
        assert.isNull((yield* send(gateway)).headers.get("x-orelse-dropped"))
      })
    )
  })

  describe(`${door}: POST /v1/messages with require: "lossless"`, () => {
    const lossless = { require: "lossless", top_k: 3 }

    it.scopedLive("is served by a candidate that is told all, and the lossy one before it is not asked", () =>
      Effect.gen(function* () {
        const lossy = yield* Upstream.make(Replies.answer("never asked"))
        const whole = yield* Upstream.make(says("hello"))
        const gateway = yield* between(door, [
          ["openai-compatible", lossy],
          ["anthropic-compatible", whole]
        ])
        for (const stream of [false, true]) {
          const answer = yield* send(gateway, { ...lossless, stream })
          assert.deepStrictEqual([answer.status, ...ours(answer)], [200, "second", "1", "false", null])
        }
        assert.strictEqual(lossy.received.length, 0)
        assert.deepInclude(bodyOf(whole), { top_k: 3 })
        assert.notProperty(bodyOf(whole), "require")
      })
    )

    it.scopedLive("is refused where everybody would lose something, with who and what", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* before(door, Replies.answer("never asked"))
        const answer = yield* send(gateway, lossless)
        assert.strictEqual(answer.status, 400)
        assert.deepInclude(at(answer, "error"), {
          type: "invalid_request_error",
          param: "require",
          code: "lossless_impossible"
        })
        assert.include(String(at(answer, "error", "message")), "first: it would not be told: top_k")
        assert.strictEqual(upstream.received.length, 0)
      })
    )

    it.scopedLive("is served by anybody where nothing would be lost", () =>
      Effect.gen(function* () {
        const { gateway } = yield* before(door, Replies.answer("hello"))
        assert.strictEqual((yield* send(gateway, { require: "lossless" })).status, 200)
      })
    )
  })
}
