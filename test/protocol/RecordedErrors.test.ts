import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import * as ErrorSignals from "../../src/protocol/ErrorSignals.js"
import type { Failure } from "../../src/protocol/Failure.js"
import * as Sse from "../../src/protocol/Sse.js"

interface Case {
  readonly file: string
  readonly status: number
  readonly streaming: boolean
  readonly headers: Readonly<Record<string, string>>
}

/** By what each case is about, whatever its status says. */
const meanings: Partial<Record<ErrorCategory, ReadonlyArray<string>>> = {
  auth: [
    "anthropic/error-401-messages-authentication-error-anthropic-beta-claude-sonnet-4-0.json",
    "anthropic/error-403-permission.json",
    "azure-openai/error-401-apim-401-statuscode-shape.json",
    "azure-openai/error-401-embeddings-azure-openai-embeddings-2.json",
    "openai/error-401-chat-authentication-error-openai-gpt-4o-completions.json",
    "openai/error-403-country-not-supported.json"
  ],
  content_filter: [
    "azure-openai/chat-prompt-content-filtering.json",
    "azure-openai/error-400-content-filter-jailbreak.json",
    "openrouter/error-403-moderation.json"
  ],
  context_length: [
    "anthropic/error-400-prompt-too-long.json",
    "cloudflare-workers-ai/error-413-context-window-estimate.json",
    "openai/error-400-context-length-exceeded.json"
  ],
  invalid_request: [
    "google-vertex/error-400-gemini-generate-content-invalid-role.json",
    "google-vertex/error-400-gemini-generate-content-invalid-temperature.json",
    "google-vertex/error-400-gemini-model-sees-multiple-images-google-vertex-1.json",
    "groq/chat-tool-use-failed-error-streaming-with-text.sse",
    "groq/error-400-chat-tool-use-failed-error-with-text.json",
    "openai/error-400-chat-multimodal-tool-return-matrix-direct-binary-audio-opena-1.json",
    "openai/error-400-responses-multimodal-tool-return-matrix-direct-url-audio-openai-r-1.json",
    "openai/error-400-responses-multimodal-tool-return-matrix-direct-url-force-download-2.json",
    "openai/error-400-responses-openai-responses-model-http-error.json"
  ],
  model_not_found: [
    "anthropic/error-404-count-tokens-anthropic-count-tokens-error.json",
    "anthropic/error-404-messages-model-not-found-anthropic-beta-claude-sonnet-4-0.json",
    "cloudflare-workers-ai/error-400-no-such-model.json",
    "cloudflare-workers-ai/error-403-plan-model.json",
    "cohere/error-404-cohere-chat-agent-with-multiple-tools-5.json",
    "cohere/error-404-cohere-chat-agent-with-multiple-tools-6.json",
    "google-gemini/error-404-gemini-model-not-found-google-gemini-2-5-flash.json",
    "google-vertex/error-404-gemini-generate-content-missing-model.json",
    "groq/error-404-chat-model-name-suggestion-groq.json",
    "ollama/error-404-openai-compat-model-not-found.json",
    "openai/error-400-responses-inferred-model-name-suggestion.json",
    "openai/error-400-responses-model-not-found-openai-gpt-4o-responses.json",
    "openai/error-404-chat-agents-and-tools-2.json",
    "openai/error-404-chat-model-name-suggestion-openai-chat.json",
    "openai/error-404-embeddings-async-embeddings-error-handling.json",
    "openai/error-404-embeddings-embeddings-testopenai-test-embed-error.json"
  ],
  provider_quota_exceeded: [
    "cloudflare-workers-ai/error-429-daily-allocation.json",
    "openai/error-429-v-insufficient-quota.json",
    "openrouter/error-402-max-tokens-unaffordable.json"
  ],
  provider_unavailable: [
    "anthropic/error-529-overloaded.json",
    "anthropic/stream-error-overloaded-mid.sse",
    "cloudflare-workers-ai/error-503-max-retries-exhausted.json",
    "ollama/error-500-openai-compat-internal.json",
    "ollama/error-503-busy.json",
    "openai/error-500-server-error.json",
    "openai/error-502-cloudflare-html.html",
    "openrouter/chat-200-error-body.json",
    "openrouter/chat-stream-error-mid-documented.sse",
    "openrouter/error-502-provider-down.json"
  ],
  rate_limit: [
    "anthropic/error-429-rate-limit.json",
    "google-gemini/error-429-v-retry-info.json",
    "openai/error-429-rate-limit-tpm.json"
  ]
}

const wire = new URL("../../../shared/wire/", import.meta.url)
const absent = !existsSync(wire)
const index: ReadonlyArray<Case> = absent ? [] : JSON.parse(readFileSync(new URL("index.json", wire), "utf8"))
const now = Date.parse("2025-06-02T15:15:00Z")

const framesOf = (body: Buffer): ReadonlyArray<unknown> =>
  (new Sse.FrameSplitter().push(body) ?? []).flatMap((frame) => {
    const data = Sse.data(frame)
    return data === undefined || data === "[DONE]" ? [] : [JSON.parse(data)]
  })

/** The failures that a case holds: one for an error answer, one an erroneous frame of a stream. */
const failuresOf = ({ file, headers, status, streaming }: Case): ReadonlyArray<Failure> => {
  const body = readFileSync(new URL(file, wire))
  if (status >= 300) return [ErrorSignals.fromAnswer({ status, headers, body, now })]
  const values = streaming ? framesOf(body) : [JSON.parse(body.toString())]
  return values.flatMap((value) => ErrorSignals.fromErrorValue(value, status) ?? [])
}

describe.skipIf(absent)(`recorded traffic${absent ? " (skipped: ../shared/wire is not here)" : ""}`, () => {
  for (const [category, files] of Object.entries(meanings)) {
    for (const file of files) {
      it(`${file} is ${category}`, () => {
        const found = index.find((item) => item.file === file)
        assert.isDefined(found)
        assert.deepStrictEqual(
          failuresOf(found).map((failure) => failure.category),
          [category]
        )
      })
    }
  }

  it("holds no error answer that this table does not know", () => {
    const known = new Set(Object.values(meanings).flat())
    const errors = index.filter(({ file, status }) => status >= 300 && !known.has(file))
    assert.deepStrictEqual(errors, [])
  })

  it("finds no failure in any good answer or frame", () => {
    const known = new Set(Object.values(meanings).flat())
    const good = index.filter(({ file, status }) => status < 300 && !known.has(file) && /\.(json|sse)$/.test(file))
    assert.isAbove(good.length, 80)
    for (const item of good) assert.deepStrictEqual(failuresOf(item), [], item.file)
  })

  it("shows no caller a word of an answer that is about the gateway's account or the provider's health", () => {
    for (const item of index.filter(({ status }) => status >= 300)) {
      for (const failure of failuresOf(item)) {
        if (["auth", "provider_quota_exceeded", "provider_unavailable", "rate_limit"].includes(failure.category)) {
          assert.match(failure.message, /^the (?:provider|gateway).* \(\d{3}\)$/)
        }
      }
    }
  })

  it("reads the recorded hints about waiting", () => {
    const waits = Object.fromEntries(
      index
        .filter(({ status }) => status === 429)
        .flatMap((item) => failuresOf(item).map((failure) => [item.file, failure.retryAfterMs]))
    )
    assert.deepInclude(waits, {
      "openai/error-429-rate-limit-tpm.json": 6596,
      "anthropic/error-429-rate-limit.json": 16_000,
      "google-gemini/error-429-v-retry-info.json": 34_400
    })
  })
})
