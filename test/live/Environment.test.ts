import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { answer, failure } from "../support/replies.js"
import * as Upstream from "../support/upstream.js"
import { chat, serve } from "./support/gateway.js"

const overloaded = failure(503, { message: "Overloaded", type: "server_error" })
const noSuchModel = failure(404, { message: "No endpoints found", code: "model_not_found" })

const modelIn = ({ body }: Upstream.Received): unknown => JSON.parse(body.toString("utf8")).model

/** What a provider was asked: the model, with which key. */
const asked = ({ received }: Upstream.Upstream) =>
  received.map((request) => [modelIn(request), request.headers.authorization])

describe("a chain that is made from the environment alone", () => {
  it.scopedLive("asks OpenRouter for the replacement when OpenAI fails, each with its own key", () =>
    Effect.gen(function* () {
      const openai = yield* Upstream.make(overloaded)
      const openrouter = yield* Upstream.make(answer("From the replacement."))
      const { url } = yield* serve({
        env: {
          OPENAI_API_KEY: "sk-openai",
          OPENAI_BASE_URL: openai.url,
          OPENROUTER_API_KEY: "sk-openrouter",
          OPENROUTER_BASE_URL: openrouter.url,
          OPENROUTER_REPLACE_OPENAI: "meta-llama/llama-4-scout"
        }
      })
      const { headers, status, text } = yield* chat(url)
      assert.strictEqual(status, 200)
      assert.include(text, "From the replacement.")
      assert.deepStrictEqual(
        ["instance", "model", "attempts", "fallback"].map((name) => headers.get(`x-orelse-${name}`)),
        ["openrouter", "meta-llama/llama-4-scout", "2", "true"]
      )
      assert.deepStrictEqual(asked(openai), [["gpt-4o-mini", "Bearer sk-openai"]])
      assert.deepStrictEqual(asked(openrouter), [["meta-llama/llama-4-scout", "Bearer sk-openrouter"]])
    })
  )

  it.scopedLive("goes through OPENROUTER_FALLBACK_MODELS in order, and at last to the local model", () =>
    Effect.gen(function* () {
      const openrouter = yield* Upstream.make(noSuchModel)
      const local = yield* Upstream.make(answer("From here."))
      const { url } = yield* serve({
        env: {
          OPENROUTER_API_KEY: "sk-openrouter",
          OPENROUTER_BASE_URL: openrouter.url,
          OPENROUTER_FALLBACK_MODELS: "one/a, two/b",
          OSS_MODEL_ENABLED: "true",
          OSS_MODEL_ENDPOINT: local.url,
          OSS_MODEL_NAME: "llama3:8b"
        }
      })
      const { headers, text } = yield* chat(url, { model: "mistral/large" })
      assert.include(text, "From here.")
      assert.strictEqual(headers.get("x-orelse-attempts"), "4")
      assert.deepStrictEqual(openrouter.received.map(modelIn), ["mistral/large", "one/a", "two/b"])
      assert.deepStrictEqual(asked(local), [["llama3:8b", undefined]])
    })
  )

  it.scopedLive("with only an OpenRouter key asks OpenRouter for everything", () =>
    Effect.gen(function* () {
      const openrouter = yield* Upstream.make(answer("Here."))
      const { url } = yield* serve({
        env: { OPENROUTER_API_KEY: "sk-openrouter", OPENROUTER_BASE_URL: openrouter.url }
      })
      for (const model of ["gpt-4o-mini", "claude-sonnet-4-5", "qwen/qwen3-32b"]) yield* chat(url, { model })
      assert.deepStrictEqual(openrouter.received.map(modelIn), [
        "openai/gpt-4o-mini",
        "anthropic/claude-sonnet-4.5",
        "qwen/qwen3-32b"
      ])
    })
  )

  it.scopedLive("has the variables of .env, and those of the shell over them", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(answer("Here."))
      const { url } = yield* serve({
        files: { ".env": `OPENAI_API_KEY=sk-from-the-file\nOPENAI_BASE_URL=${upstream.url}\n` },
        env: { OPENAI_API_KEY: "sk-from-the-shell" }
      })
      yield* chat(url)
      assert.deepStrictEqual(asked(upstream), [["gpt-4o-mini", "Bearer sk-from-the-shell"]])
    })
  )
})
