import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Replies from "../support/replies.js"
import { chain, doors } from "../support/server.js"
import { model, settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat } from "./asking.js"

const { routing } = settings()
const down = Replies.failure(503, { message: "down" })

for (const door of doors) {
  describe(`${door}: a failure that is the caller's own`, () => {
    for (const [status, code, param] of [
      [400, "unsupported_value", "temperature"],
      [404, "model_not_found", "model"],
      [413, "request_too_large", null],
      [422, "unprocessable", "messages"]
    ] as const) {
      it.scopedLive(`keeps the provider's status ${status}, words and field, and is tried once`, () =>
        Effect.gen(function* () {
          const error = { message: `not with ${code}`, type: "invalid_request_error", code, ...(param && { param }) }
          const upstream = yield* Upstream.make(Replies.failure(status, error))
          const answer = yield* chat(yield* chain(door, [upstream]))
          assert.strictEqual(answer.status, status)
          assert.deepStrictEqual(at(answer, "error"), { ...error, param, message: `first: not with ${code}` })
          assert.strictEqual(answer.headers.get("x-should-retry"), "false")
        })
      )
    }

    it.scopedLive("does not fall over, and a refusal by moderation does not either", () =>
      Effect.gen(function* () {
        for (const code of ["unsupported_value", "content_filter"]) {
          const first = yield* Upstream.make(Replies.failure(400, { message: "no", code }))
          const second = yield* Upstream.make(Replies.answer("never asked"))
          const answer = yield* chat(yield* chain(door, [first, second]))
          assert.deepStrictEqual([answer.status, at(answer, "error", "code")], [400, code])
          assert.strictEqual(second.received.length, 0)
        }
      })
    )

    it.scopedLive("is a model that nobody serves: 404 in OpenAI's shape, without a call", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("never asked"))
        const gateway = yield* chain(door, [upstream], { first: { models: ["m"] } })
        const answer = yield* chat(gateway, { model: "gpt-17" })
        assert.strictEqual(answer.status, 404)
        assert.deepStrictEqual(at(answer, "error"), {
          message: "no provider is configured for the model 'gpt-17'",
          type: "invalid_request_error",
          param: "model",
          code: "model_not_found"
        })
      })
    )
  })

  describe(`${door}: the failure of a provider`, () => {
    it.scopedLive("carries the provider's retry-after, for every client and to the millisecond", () =>
      Effect.gen(function* () {
        const limited = Replies.failure(429, { message: "slow down" }, { "retry-after-ms": "16200" })
        const answer = yield* chat(yield* chain(door, [yield* Upstream.make(limited)]))
        const { headers } = answer
        assert.deepStrictEqual([answer.status, at(answer, "error", "type")], [429, "rate_limit_error"])
        assert.deepStrictEqual([headers.get("retry-after"), headers.get("retry-after-ms")], ["17", "16200"])
        assert.isNull(headers.get("x-should-retry"))
      })
    )

    it.scopedLive("tells clients not to retry what cannot pass: a refused key, a spent account", () =>
      Effect.gen(function* () {
        for (const status of [401, 402]) {
          const upstream = yield* Upstream.make(Replies.failure(status, { message: "no" }))
          const answer = yield* chat(yield* chain(door, [upstream]))
          assert.strictEqual(answer.headers.get("x-should-retry"), "false")
        }
      })
    )

    it.scopedLive("is returned itself when no further candidate catches it", () =>
      Effect.gen(function* () {
        const limited = Replies.failure(429, { message: "slow down" }, { "retry-after": "30" })
        const first = yield* Upstream.make(limited)
        const second = yield* Upstream.make(Replies.answer("never asked"))
        const models = [model("m", ["first", { instance: "second", model: "m", catch: ["auth", "timeout"] }])]
        const answer = yield* chat(yield* chain(door, [first, second], { settings: { models } }))
        assert.deepStrictEqual([answer.status, answer.headers.get("x-orelse-instance")], [429, "first"])
        assert.strictEqual(second.received.length, 0)
      })
    )
  })

  describe(`${door}: the failure of everybody`, () => {
    it.scopedLive("is 503 fallback_exhausted with every attempt and the earliest recovery", () =>
      Effect.gen(function* () {
        const busy = Replies.failure(429, { message: "slow down" }, { "retry-after": "20" })
        const gateway = yield* chain(door, [
          yield* Upstream.make(busy),
          Upstream.refusing,
          yield* Upstream.make(Replies.failure(503, { message: "down" }, { "retry-after": "9" }))
        ])
        const answer = yield* chat(gateway)
        assert.strictEqual(answer.status, 503)
        assert.deepStrictEqual(
          [at(answer, "error", "type"), at(answer, "error", "code"), at(answer, "error", "param")],
          ["service_unavailable", "fallback_exhausted", null]
        )
        const seen = [0, 1, 2].map((index) =>
          ["instance", "provider", "model", "outcome", "category", "status", "cost"].map((field) =>
            at(answer, "error", "attempts", index, field)
          )
        )
        assert.deepStrictEqual(seen, [
          ["first", "openai-compatible", "m", "failure", "rate_limit", 429, "0"],
          ["second", "openai-compatible", "m", "failure", "network", null, "0"],
          ["third", "openai-compatible", "m", "failure", "provider_unavailable", 503, "0"]
        ])
        const { headers } = answer
        assert.deepStrictEqual([headers.get("retry-after"), headers.get("x-should-retry")], ["9", null])
        assert.deepStrictEqual(
          ["attempts", "fallback", "instance"].map((name) => headers.get(`x-orelse-${name}`)),
          ["3", "true", "third"]
        )
      })
    )

    it.scopedLive("tells clients not to retry when nothing of it can pass", () =>
      Effect.gen(function* () {
        const first = yield* Upstream.make(Replies.failure(401, { message: "no" }))
        const second = yield* Upstream.make(Replies.failure(402, { message: "no" }))
        const answer = yield* chat(yield* chain(door, [first, second]))
        assert.deepStrictEqual([answer.status, answer.headers.get("x-should-retry")], [503, "false"])
        assert.isNull(answer.headers.get("retry-after"))
      })
    )

    it.scopedLive("looks the same on /v1/route and for a stream", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [yield* Upstream.make(down), yield* Upstream.make(down)])
        const route = yield* ask(gateway, "/v1/route", { method: "POST", body: '{"prompt":"hi","taskType":"default"}' })
        const stream = yield* chat(gateway, { stream: true })
        for (const answer of [route, stream]) {
          assert.deepStrictEqual([answer.status, at(answer, "error", "code")], [503, "fallback_exhausted"])
        }
      })
    )

    it.scopedLive("is 504 when the deadline ends it, and the silent provider is hung up on", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.silence)
        const gateway = yield* chain(door, [upstream], { settings: { routing: { ...routing, deadline: 150 } } })
        for (const request of [{}, { stream: true }]) {
          const answer = yield* chat(gateway, request)
          yield* Effect.flatMap(upstream.next, ({ hungUp }) => hungUp)
          assert.deepStrictEqual(
            [answer.status, at(answer, "error", "type"), at(answer, "error", "code")],
            [504, "timeout_error", "deadline_exceeded"]
          )
          assert.strictEqual(at(answer, "error", "attempts", 0, "category"), "timeout")
        }
      })
    )
  })
}
