import { existsSync, readFileSync } from "node:fs"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import { composed } from "./composed.js"

/** One answer of a provider, byte for byte. */
export interface Case {
  readonly file: string
  readonly status: number
  readonly streaming: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** What it means where it is no good answer. */
  readonly category: ErrorCategory | undefined
}

/** What each recorded failure is about, whatever its status says. */
const meanings: ReadonlyArray<readonly [ErrorCategory, ReadonlyArray<string>]> = [
  [
    "auth",
    [
      "openai/error-401-chat-authentication-error-openai-gpt-4o-completions.json",
      "openai/error-403-country-not-supported.json",
      "azure-openai/error-401-apim-401-statuscode-shape.json"
    ]
  ],
  [
    "content_filter",
    [
      "azure-openai/chat-prompt-content-filtering.json",
      "azure-openai/error-400-content-filter-jailbreak.json",
      "openrouter/error-403-moderation.json"
    ]
  ],
  [
    "context_length",
    ["openai/error-400-context-length-exceeded.json", "cloudflare-workers-ai/error-413-context-window-estimate.json"]
  ],
  [
    "invalid_request",
    [
      "groq/chat-tool-use-failed-error-streaming-with-text.sse",
      "groq/error-400-chat-tool-use-failed-error-with-text.json",
      "openai/error-400-chat-multimodal-tool-return-matrix-direct-binary-audio-opena-1.json"
    ]
  ],
  ["malformed_response", ["edge/truncated-no-done-no-finish.sse"]],
  [
    "model_not_found",
    [
      "groq/error-404-chat-model-name-suggestion-groq.json",
      "openai/error-404-chat-agents-and-tools-2.json",
      "openai/error-404-chat-model-name-suggestion-openai-chat.json",
      "cloudflare-workers-ai/error-400-no-such-model.json",
      "cloudflare-workers-ai/error-403-plan-model.json",
      "ollama/error-404-openai-compat-model-not-found.json"
    ]
  ],
  [
    "provider_quota_exceeded",
    [
      "openai/error-429-v-insufficient-quota.json",
      "openrouter/error-402-max-tokens-unaffordable.json",
      "cloudflare-workers-ai/error-429-daily-allocation.json"
    ]
  ],
  [
    "provider_unavailable",
    [
      "openai/error-500-server-error.json",
      "openai/error-502-cloudflare-html.html",
      "openrouter/error-502-provider-down.json",
      "openrouter/chat-stream-error-mid-documented.sse",
      "openrouter/chat-200-error-body.json",
      "cloudflare-workers-ai/error-503-max-retries-exhausted.json",
      "ollama/error-500-openai-compat-internal.json"
    ]
  ],
  ["rate_limit", ["openai/error-429-rate-limit-tpm.json"]]
]

const shared = new URL("../../../shared/wire/", import.meta.url)

/** Says in the title of a suite why it is shorter than elsewhere. */
export const note = existsSync(shared) ? "" : " (only composed ones: ../shared/wire is not here)"

const recorded = (): ReadonlyArray<Case> => {
  const categories = new Map(meanings.flatMap(([category, files]) => files.map((file) => [file, category] as const)))
  const index: ReadonlyArray<Omit<Case, "body" | "category"> & { readonly dialect: string }> = JSON.parse(
    readFileSync(new URL("index.json", shared), "utf8")
  )
  return index
    .filter(({ dialect }) => dialect === "openai-chat")
    .map(({ file, headers, status, streaming }) => ({
      file,
      headers,
      status,
      streaming,
      body: readFileSync(new URL(file, shared)),
      category: categories.get(file)
    }))
}

/** Every answer in OpenAI's dialect: composed after each vendor's shape, and recorded ones where the shared folder is. */
export const cases: ReadonlyArray<Case> = [...composed, ...(existsSync(shared) ? recorded() : [])]
