import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Extensions from "../../src/protocol/Extensions.js"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door } from "../support/server.js"
import { model } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat } from "./asking.js"

const served = (door: Door) =>
  Effect.gen(function* () {
    const upstream = yield* Upstream.make(Replies.answer("hello there"))
    const models = [{ ...model("m", ["first", "second"]), aliases: ["vendor/deep/m:free"] }]
    const gateway = yield* chain(door, [upstream, Upstream.refusing], { settings: { models } })
    return { gateway, upstream }
  })

for (const door of doors) {
  describe(`${door}: a request that no route takes`, () => {
    it.scopedLive("is 404 in OpenAI's shape where the path is unknown", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        for (const [method, path] of [
          ["POST", "/v1/responses"],
          ["GET", "/"],
          ["POST", "/v1/chat/completions/more"],
          ["GET", "/v1//models"]
        ] as const) {
          const answer = yield* ask(gateway, path, { method })
          assert.strictEqual(answer.status, 404, path)
          assert.deepStrictEqual(at(answer, "error"), {
            message: `unknown request URL: ${method} ${path}`,
            type: "invalid_request_error",
            param: null,
            code: "unknown_url"
          })
        }
      })
    )

    it.scopedLive("is 405 with the methods that would be right where only the method is wrong", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        for (const [method, path, allow] of [
          ["GET", "/v1/chat/completions", "POST"],
          ["DELETE", "/v1/chat/completions", "POST"],
          ["OPTIONS", "/v1/chat/completions", "POST"],
          ["PUT", "/v1/route", "POST"],
          ["POST", "/v1/models", "GET"],
          ["POST", "/health", "GET"],
          ["GET", "/admin/providers/first/test", "POST"]
        ] as const) {
          const answer = yield* ask(gateway, path, { method })
          assert.deepStrictEqual(
            [answer.status, answer.headers.get("allow"), at(answer, "error", "code")],
            [405, allow, "method_not_allowed"],
            `${method} ${path}`
          )
        }
      })
    )

    it.scopedLive("is not one with a query or a slash at its end", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        for (const ending of ["?api-version=1", "/", "/?beta=true"]) {
          const request = { method: "POST", body: '{"model":"m","messages":[]}' }
          const answer = yield* ask(gateway, `/v1/chat/completions${ending}`, request)
          assert.deepStrictEqual([answer.status, at(answer, "object")], [200, "chat.completion"], ending)
        }
      })
    )
  })

  describe(`${door}: GET /v1/models`, () => {
    it.scopedLive("lists what a caller may name, and gives each by its id, slashes and all", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const list = yield* ask(gateway, "/v1/models")
        const entry = (id: string) => ({ id, object: "model", created: 0, owned_by: "openai-compatible" })
        const ids = ["m", "vendor/deep/m:free"]
        assert.deepStrictEqual(at(list), { object: "list", data: ids.map(entry) })
        for (const path of ["vendor/deep/m:free", "vendor%2Fdeep%2Fm%3Afree"]) {
          assert.deepStrictEqual(at(yield* ask(gateway, `/v1/models/${path}`)), entry("vendor/deep/m:free"))
        }
        const none = yield* ask(gateway, "/v1/models/vendor/none")
        assert.deepStrictEqual(
          [none.status, at(none, "error", "code"), at(none, "error", "message")],
          [404, "model_not_found", "the model 'vendor/none' is not known here"]
        )
      })
    )
  })

  describe(`${door}: POST /v1/route`, () => {
    it.scopedLive("asks the model of the task, and answers with the text and what it took", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* served(door)
        const body = JSON.stringify({ prompt: "hi", taskType: "default", maxTokens: 5, temperature: 0 })
        const answer = yield* ask(gateway, "/v1/route", { method: "POST", body })
        assert.strictEqual(answer.status, 200)
        assert.deepStrictEqual(
          ["content", "provider", "instance", "model", "tokensUsed", "cost"].map((field) => at(answer, field)),
          ["hello there", "openai-compatible", "first", "m", 12, "0.000039"]
        )
        assert.deepStrictEqual(
          [at(answer, "requestId"), at(answer, "attempts", 0, "outcome"), at(answer, "attempts", 1)],
          [answer.headers.get("x-request-id"), "success", undefined]
        )
        assert.deepStrictEqual(JSON.parse(String(upstream.received[0]?.body)), {
          model: "m",
          messages: [{ role: "user", content: "hi" }],
          max_tokens: 5,
          temperature: 0
        })
      })
    )

    it.scopedLive("names the field that is wrong", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        for (const [payload, param] of [
          [{}, "prompt"],
          [{ prompt: "" }, "prompt"],
          [{ prompt: "hi", maxTokens: -1 }, "maxTokens"],
          [{ prompt: "hi", taskType: 3 }, "taskType"]
        ] as const) {
          const answer = yield* ask(gateway, "/v1/route", { method: "POST", body: JSON.stringify(payload) })
          assert.deepStrictEqual([answer.status, at(answer, "error", "param")], [400, param])
        }
      })
    )
  })

  describe(`${door}: the routes around`, () => {
    it.scopedLive("test an instance on demand; /health counts it, and the chain leaves it out", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const test = (id: string) => ask(gateway, `/admin/providers/${id}/test`, { method: "POST" })
        const first = yield* test("first")
        assert.deepStrictEqual([at(first, "ok"), at(first, "models"), at(first, "message")], [true, 1, null])
        const second = yield* test("second")
        assert.deepStrictEqual([at(second, "ok"), at(second, "message")], [false, "the connection was refused"])
        const none = yield* test("fourth")
        assert.deepStrictEqual([none.status, at(none, "error", "code")], [404, "instance_not_found"])
        const health = yield* ask(gateway, "/health")
        assert.deepStrictEqual(at(health, "instances"), { healthy: 1, recovering: 0, down: 1 })
        const pinned = yield* chat(gateway, { model: "second/m" })
        const names = ["instance", "attempts", "fallback"]
        assert.deepStrictEqual(
          names.map((name) => pinned.headers.get(`x-orelse-${name}`)),
          ["first", "1", "true"]
        )
      })
    )

    it.scopedLive("say that the gateway is well, and that no store is configured", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const health = yield* ask(gateway, "/health")
        assert.deepStrictEqual(
          ["status", "redis", "database", "journal"].map((field) => at(health, field)),
          ["ok", false, false, false]
        )
        assert.closeTo(Date.parse(String(at(health, "timestamp"))), Date.now(), 10_000)
        assert.deepStrictEqual(at(yield* ask(gateway, "/livez")), { status: "ok" })
        assert.deepStrictEqual(at(yield* ask(gateway, "/readyz")), { status: "ok" })
        assert.strictEqual((yield* ask(gateway, "/health", { method: "HEAD" })).status, 200)
        assert.deepStrictEqual(gateway.lines, [])
      })
    )

    it.scopedLive("describe every route in OpenAPI 3.1, as JSON and as a page", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const spec = yield* ask(gateway, "/openapi.json")
        assert.match(String(at(spec, "openapi")), /^3\.1\./)
        assert.containsAllKeys(at(spec, "paths"), [
          "/v1/chat/completions",
          "/v1/completions",
          "/v1/embeddings",
          "/v1/messages",
          "/v1/messages/count_tokens",
          "/v1/route",
          "/v1/models",
          "/health"
        ])
        const members = at(spec, "components", "schemas", "ChatRequest", "properties")
        assert.containsAllKeys(members, [...Extensions.own, "user", "prompt_cache_key"])
        assert.notStrictEqual(at(spec, "components", "schemas", "ChatRequest", "additionalProperties"), false)
        const page = yield* ask(gateway, "/docs")
        assert.match(page.headers.get("content-type") ?? "", /^text\/html/)
      })
    )
  })
}
