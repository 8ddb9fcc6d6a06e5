import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventsIn } from "../protocol/anthropic/order.js"
import * as Replies from "../support/replies.js"
import { doors } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, type Answer } from "./asking.js"
import { between, refusal, says, send } from "./messaging.js"

const down = Replies.failure(503, { message: "down" })

/** Status, Anthropic's type, code and field of an error in Anthropic's shape. */
const told = (answer: Answer) => {
  assert.strictEqual(at(answer, "type"), "error")
  assert.strictEqual(at(answer, "request_id"), answer.headers.get("x-request-id"))
  assert.isString(at(answer, "error", "message"))
  return [answer.status, ...["type", "code", "param"].map((member) => at(answer, "error", member))]
}

for (const door of doors) {
  describe(`${door}: an error on /v1/messages`, () => {
    it.scopedLive("is in Anthropic's shape where the body is wrong, and names the field", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("never asked"))
        const gateway = yield* between(door, [["openai-compatible", upstream]])
        const wrong = "invalid_request_error"
        assert.deepStrictEqual(told(yield* send(gateway, "{")), [400, wrong, "invalid_json", null])
        assert.deepStrictEqual(told(yield* send(gateway, "[]")), [400, wrong, "invalid_type", null])
        assert.deepStrictEqual(told(yield* send(gateway, { max_tokens: undefined })), [
          400,
          wrong,
          "missing_required_parameter",
          "max_tokens"
        ])
        assert.deepStrictEqual(told(yield* send(gateway, { messages: "hi" })), [400, wrong, "invalid_type", "messages"])
        assert.strictEqual(upstream.received.length, 0)
      })
    )

    it.scopedLive("is in Anthropic's shape where nobody looks into the request", () =>
      Effect.gen(function* () {
        const server = { ...settings().server, bodyLimit: 200 }
        const upstream = yield* Upstream.make(Replies.answer("never asked"))
        const gateway = yield* between(door, [["openai-compatible", upstream]], { server })
        for (const path of ["/v1/messages/batches", "/v1/messages/none?beta=true", "/v1/messages/count_tokens/more"]) {
          const answer = yield* ask(gateway, path, { method: "POST", body: "{}" })
          assert.deepStrictEqual(told(answer), [404, "not_found_error", "unknown_url", null])
        }
        const got = yield* ask(gateway, "/v1/messages")
        assert.deepStrictEqual(told(got), [405, "invalid_request_error", "method_not_allowed", null])
        assert.strictEqual(got.headers.get("allow"), "POST")
        const large = yield* send(gateway, { system: "x".repeat(200) })
        assert.deepStrictEqual(told(large), [413, "request_too_large", "request_too_large", null])
        const other = yield* ask(gateway, "/v1/messagesandmore", { method: "POST", body: "{}" })
        assert.isUndefined(at(other, "type"))
      })
    )

    it.scopedLive("is 404 for a model that nobody serves", () =>
      Effect.gen(function* () {
        const gateway = yield* between(door, [])
        assert.deepStrictEqual(told(yield* send(gateway)), [404, "not_found_error", "model_not_found", "model"])
      })
    )

    it.scopedLive("is what the provider says of the request, whatever dialect it says it in", () =>
      Effect.gen(function* () {
        for (const [provider, reply] of [
          ["openai-compatible", Replies.failure(400, { message: "too hot", type: "invalid_request_error" })],
          ["anthropic-compatible", refusal(400, "invalid_request_error", "too hot")]
        ] as const) {
          const gateway = yield* between(door, [[provider, yield* Upstream.make(reply)]])
          const answer = yield* send(gateway)
          assert.deepStrictEqual(told(answer).slice(0, 2), [400, "invalid_request_error"])
          assert.strictEqual(at(answer, "error", "message"), "first: too hot")
          assert.strictEqual(answer.headers.get("x-should-retry"), "false")
        }
      })
    )

    it.scopedLive("is 429 with the time to wait, also for a stream", () =>
      Effect.gen(function* () {
        const limited = Replies.failure(429, { message: "slow down" }, { "retry-after": "17" })
        for (const stream of [false, true]) {
          const gateway = yield* between(door, [["openai-compatible", yield* Upstream.make(limited)]])
          const answer = yield* send(gateway, { stream })
          assert.deepStrictEqual(told(answer).slice(0, 2), [429, "rate_limit_error"])
          assert.strictEqual(answer.headers.get("retry-after"), "17")
          // Until then nobody is asked.
          const next = yield* send(gateway, { stream })
          assert.deepStrictEqual(told(next).slice(0, 3), [503, "overloaded_error", "no_provider_available"])
          assert.strictEqual(next.headers.get("retry-after"), "17")
        }
      })
    )

    it.scopedLive("is 503 with every attempt where all candidates failed", () =>
      Effect.gen(function* () {
        const gateway = yield* between(door, [
          ["openai-compatible", yield* Upstream.make(down)],
          ["anthropic-compatible", yield* Upstream.make(refusal(529, "overloaded_error", "Overloaded"))]
        ])
        for (const stream of [false, true]) {
          const answer = yield* send(gateway, { stream })
          assert.deepStrictEqual(told(answer), [503, "overloaded_error", "fallback_exhausted", null])
          const statuses = [0, 1].map((index) => at(answer, "error", "attempts", index, "status"))
          assert.deepStrictEqual(statuses, [503, 529])
        }
      })
    )

    it.scopedLive("ends a stream that broke after its first words, which never ends well then", () =>
      Effect.gen(function* () {
        const half =
          (reply: Upstream.Reply): Upstream.Reply =>
          (asked) => [...reply(asked).slice(0, 4), { end: "end" }]
        for (const [provider, reply] of [
          ["openai-compatible", half(Replies.answer("one two three"))],
          ["anthropic-compatible", half(says("one"))]
        ] as const) {
          const gateway = yield* between(door, [[provider, yield* Upstream.make(reply)]])
          const answer = yield* send(gateway, { stream: true }, { "x-orelse-trace": "1" })
          const events = eventsIn(answer.body)
          const [trace, error] = events.slice(-2)
          assert.deepStrictEqual([answer.status, trace?.["type"]], [200, "ping"])
          assert.deepInclude(error, { type: "error", request_id: answer.headers.get("x-request-id") })
          assert.deepInclude(error?.["error"], { type: "api_error", code: "provider_malformed_response" })
          const ends = events.filter(({ type }) => type === "message_delta" || type === "message_stop")
          assert.deepStrictEqual(ends, [])
        }
      })
    )
  })
}
