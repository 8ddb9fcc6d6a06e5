import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Replies from "../support/replies.js"
import { doors } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { at, eventsOf } from "./asking.js"
import { between, post } from "./messaging.js"

const down = Replies.failure(503, { message: "down" })
const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }

/** What parsing and printing again would spoil. */
const delicate = `"n": [1e400, 12345678901234567890, -0.0],\t"e": "\\u00e9 \\/"`

const vectors = `{"object":"list", "data":[{"index":0,"embedding":[0.10000000000000000555, -1e-7]}], ${delicate},
  "model":"m-2024", "usage":{"prompt_tokens":9,"total_tokens":9}}\n`

const completed = JSON.stringify({
  id: "cmpl-1",
  object: "text_completion",
  created: 7,
  model: "m-2024",
  choices: [{ index: 0, text: "hello there", logprobs: null, finish_reason: "stop" }],
  usage
})

const piece = (text: string, finish_reason: string | null = null) =>
  Replies.event({
    id: "cmpl-1",
    object: "text_completion",
    created: 7,
    model: "m-2024",
    choices: [{ index: 0, text, logprobs: null, finish_reason }]
  })

const words = [Replies.head(200, Replies.eventStream), piece("hello"), piece(" there"), piece("", "stop")]

/** A completion of the time before chats. */
const completion: Upstream.Reply = (asked) =>
  asked.stream
    ? [
        ...words,
        ...(asked.usage ? [Replies.event({ id: "cmpl-1", object: "text_completion", choices: [], usage })] : []),
        { data: "data: [DONE]\n\n" },
        { end: "end" }
      ]
    : Replies.json(200, completed)

const routes = [
  { path: "/v1/embeddings", asked: `"input": ["a", "b"]`, reply: () => Replies.json(200, vectors), said: vectors },
  { path: "/v1/completions", asked: `"prompt": "a"`, reply: completion, said: completed }
] as const

for (const door of doors) {
  for (const { asked, path, reply, said } of routes) {
    describe(`${door}: POST ${path}`, () => {
      it.scopedLive("passes on the caller's bytes and the provider's, at the provider's own path", () =>
        Effect.gen(function* () {
          const upstream = yield* Upstream.make(reply)
          const gateway = yield* between(door, [["openai-compatible", upstream]])
          const body = `{ "model": "m", ${asked}, ${delicate} }`
          const answer = yield* post(gateway, path, body)
          const [received] = upstream.received
          assert.deepStrictEqual([received?.path, received?.body.toString()], [path, body])
          assert.deepStrictEqual([answer.status, answer.body.toString()], [200, said])
          const { input_tokens, model } = yield* gateway.line
          assert.deepStrictEqual([input_tokens, model], [9, "m"])
        })
      )

      it.scopedLive("falls over from a provider that fails, and says who answered", () =>
        Effect.gen(function* () {
          const first = yield* Upstream.make(down)
          const second = yield* Upstream.make(reply)
          const gateway = yield* between(door, [
            ["openai-compatible", first],
            ["openai-compatible", second]
          ])
          const own = `"fallback":{"providers":[{"provider":"second","model_name":"other"}]}`
          const answer = yield* post(gateway, path, `{"model":"m",${asked},${own}}`, { "x-orelse-trace": "1" })
          assert.deepStrictEqual([answer.status, at(answer, "model")], [200, "m-2024"])
          assert.deepStrictEqual(
            ["instance", "model", "attempts", "fallback"].map((name) => answer.headers.get(`x-orelse-${name}`)),
            ["second", "other", "2", "true"]
          )
          assert.strictEqual(at(answer, "orelse", "attempts", 0, "status"), 503)
          assert.strictEqual(second.received[0]?.body.toString(), `{"model":"other",${asked}}`)
        })
      )

      it.scopedLive("leaves out who does not offer it, and is 400 where nobody does", () =>
        Effect.gen(function* () {
          const other = yield* Upstream.make(reply)
          const upstream = yield* Upstream.make(reply)
          const gateway = yield* between(door, [
            ["anthropic-compatible", other],
            ["openai-compatible", upstream]
          ])
          assert.strictEqual((yield* post(gateway, path, `{"model":"m",${asked}}`)).status, 200)
          const none = yield* between(door, [["anthropic-compatible", other]])
          const answer = yield* post(none, path, `{"model":"m",${asked}}`)
          assert.strictEqual(answer.status, 400)
          assert.deepStrictEqual(at(answer, "error"), {
            message: "no provider of 'm' offers this kind of request",
            type: "invalid_request_error",
            param: "model",
            code: "unsupported_by_model"
          })
          assert.strictEqual(other.received.length, 0)
        })
      )

      it.scopedLive("is a failure of the provider where its answer is none", () =>
        Effect.gen(function* () {
          for (const body of ["{}", "[]", "<html>", '{"error":{"message":"down","code":503}}']) {
            const first = yield* Upstream.make(() => Replies.json(200, body))
            const second = yield* Upstream.make(reply)
            const gateway = yield* between(door, [
              ["openai-compatible", first],
              ["openai-compatible", second]
            ])
            const answer = yield* post(gateway, path, `{"model":"m",${asked}}`)
            assert.strictEqual(answer.headers.get("x-orelse-instance"), "second", body)
          }
        })
      )

      it.scopedLive("is 400 with the name of the field that is wrong, and 503 where all failed", () =>
        Effect.gen(function* () {
          const gateway = yield* between(door, [
            ["openai-compatible", yield* Upstream.make(down)],
            ["openai-compatible", Upstream.refusing]
          ])
          const wrong = yield* post(gateway, path, '{"model":7,"input":"a"}')
          assert.deepStrictEqual([wrong.status, at(wrong, "error", "param")], [400, "model"])
          const failed = yield* post(gateway, path, `{"model":"m",${asked}}`)
          assert.deepStrictEqual([failed.status, at(failed, "error", "code")], [503, "fallback_exhausted"])
        })
      )
    })
  }

  describe(`${door}: a stream of POST /v1/completions`, () => {
    const asking = (more: object) => JSON.stringify({ model: "m", prompt: "a", stream: true, ...more })

    it.scopedLive("passes on byte for byte, from the second provider where the first fails", () =>
      Effect.gen(function* () {
        const second = yield* Upstream.make(completion)
        const gateway = yield* between(door, [
          ["openai-compatible", yield* Upstream.make(down)],
          ["openai-compatible", second]
        ])
        const answer = yield* post(gateway, "/v1/completions", asking({ stream_options: { include_usage: true } }))
        assert.strictEqual(answer.body.toString(), second.received[0]?.sent().toString())
        assert.strictEqual(answer.headers.get("x-orelse-instance"), "second")
        assert.strictEqual(answer.headers.get("content-type"), "text/event-stream; charset=utf-8")
      })
    )

    it.scopedLive("hides the usage that only the gateway asked for", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(completion)
        const gateway = yield* between(door, [["openai-compatible", upstream]])
        const answer = yield* post(gateway, "/v1/completions", asking({}))
        assert.isTrue(upstream.received[0]?.usage)
        assert.notInclude(answer.body.toString(), "usage")
        assert.strictEqual(eventsOf(answer).at(-1), "[DONE]")
        const { input_tokens, output_tokens } = yield* gateway.line
        assert.deepStrictEqual([input_tokens, output_tokens], [9, 3])
      })
    )

    it.scopedLive("ends with an error where it broke after its first words", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(() => [...words.slice(0, 2), { end: "end" }])
        const gateway = yield* between(door, [["openai-compatible", upstream]])
        const events = eventsOf(yield* post(gateway, "/v1/completions", asking({})))
        assert.strictEqual(events.length, 2)
        assert.strictEqual(JSON.parse(events[1] ?? "").error.code, "provider_malformed_response")
      })
    )
  })
}
