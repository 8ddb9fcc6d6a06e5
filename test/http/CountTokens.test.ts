import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Replies from "../support/replies.js"
import { doors, type Running } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { at, type Answer } from "./asking.js"
import { between, post, refusal } from "./messaging.js"

const question = { messages: [{ role: "user", content: "Hello world" }] }

const count = (gateway: Running, fields: Readonly<Record<string, unknown>> | string = question, headers = {}) =>
  post(gateway, "/v1/messages/count_tokens", fields, headers)

const counts: Upstream.Reply = () => Replies.json(200, { input_tokens: 42 })

const estimated = ({ headers }: Answer) => headers.get("x-orelse-estimated")

for (const door of doors) {
  describe(`${door}: POST /v1/messages/count_tokens`, () => {
    it.scopedLive("is answered by a provider that can count, wherever in the chain it is", () =>
      Effect.gen(function* () {
        const other = yield* Upstream.make(Replies.answer("never asked"))
        const upstream = yield* Upstream.make(counts)
        const gateway = yield* between(door, [
          ["openai-compatible", other],
          ["anthropic-compatible", upstream]
        ])
        const answer = yield* count(gateway, question, { "anthropic-beta": "b", "anthropic-version": "2026-10-21" })
        assert.deepStrictEqual([at(answer), estimated(answer)], [{ input_tokens: 42 }, null])
        assert.strictEqual(answer.headers.get("x-orelse-instance"), "second")
        const [received] = upstream.received
        assert.strictEqual(received?.path, "/v1/messages/count_tokens")
        assert.deepStrictEqual(JSON.parse(String(received?.body)), { model: "m", ...question })
        assert.deepInclude(received?.headers, { "anthropic-beta": "b", "anthropic-version": "2026-10-21" })
        assert.strictEqual(other.received.length, 0)
      })
    )

    it.scopedLive("is an estimate, which says so, where nobody can count", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("never asked"))
        const gateway = yield* between(door, [["openai-compatible", upstream]])
        const answer = yield* count(gateway)
        assert.deepStrictEqual([answer.status, at(answer), estimated(answer)], [200, { input_tokens: 6 }, "true"])
        assert.strictEqual(answer.headers.get("x-orelse-attempts"), "0")
        assert.strictEqual(upstream.received.length, 0)
      })
    )

    it.scopedLive("is an estimate where who can count is down, and tells of the attempts", () =>
      Effect.gen(function* () {
        const broken = yield* Upstream.make(refusal(529, "overloaded_error", "Overloaded"))
        const odd = yield* Upstream.make(() => Replies.json(200, { unknown: 1 }))
        const gateway = yield* between(door, [
          ["anthropic-compatible", broken],
          ["anthropic-compatible", odd]
        ])
        const answer = yield* count(gateway)
        assert.deepStrictEqual([answer.status, at(answer), estimated(answer)], [200, { input_tokens: 6 }, "true"])
        assert.strictEqual(answer.headers.get("x-orelse-attempts"), "2")
      })
    )

    it.scopedLive("is an error where an estimate would hide what is wrong with the request", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(refusal(400, "invalid_request_error", "messages: too few"))
        const gateway = yield* between(door, [["anthropic-compatible", upstream]])
        const wrong = yield* count(gateway)
        assert.deepStrictEqual([wrong.status, at(wrong, "error", "message")], [400, "first: messages: too few"])
        const bad = yield* count(gateway, {})
        assert.deepStrictEqual([bad.status, at(bad, "error", "param")], [400, "messages"])
        const unread = yield* count(gateway, "{")
        assert.deepStrictEqual([unread.status, at(unread, "error", "code")], [400, "invalid_json"])
        const nobody = yield* count(yield* between(door, []))
        assert.deepStrictEqual([nobody.status, at(nobody, "error", "type")], [404, "not_found_error"])
        for (const answer of [wrong, bad, unread, nobody]) assert.isNull(estimated(answer))
      })
    )

    it.scopedLive("is refused where the request is nested beyond counting", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("never asked"))
        const gateway = yield* between(door, [["openai-compatible", upstream]])
        const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
        const input = `{"type":"tool_use","id":"t","name":"look","input":{"a":${deep}}}`
        const answer = yield* count(gateway, `{"model":"m","messages":[{"role":"assistant","content":[${input}]}]}`)
        assert.deepStrictEqual([answer.status, at(answer, "type")], [400, "error"])
      })
    )
  })
}
