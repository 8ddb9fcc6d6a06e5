import type { Quirks } from "../protocol/Dialects.js"

/** The header that shows a key: `authorization: Bearer ...`, or the one of that name. */
export type AuthScheme = "bearer" | "api-key" | "x-api-key" | "x-goog-api-key" | "x-portkey-api-key" | "none"

/** A vendor of OpenAI's dialect. Absent members are as OpenAI has them. */
export interface CompatibleVendor {
  /** What the OpenAI SDK takes as its base URL, without a slash at the end. */
  readonly baseUrl: string
  /** Default: `bearer`. */
  readonly auth?: AuthScheme
  /** Path of the list of models below the base URL, default `/models`; `false`: there is none. */
  readonly models?: string | false
  /** Id in the price catalogue. */
  readonly priceId?: string
  /** Runs on the operator's machine and costs nothing. */
  readonly free?: true
  /** Says in its answers what they cost. */
  readonly reportsCost?: true
  readonly quirks?: Quirks
  /** The only names that a maker of its own models serves. Absent: open models of anybody, told by the catalogue. */
  readonly makes?: RegExp
  /** `false`: no `/embeddings` below the base URL. */
  readonly embeddings?: false
  /** `true`: the legacy `/completions` as well. */
  readonly completions?: true
}

// The schema is closed: any other member is a 422 (`extra_forbidden`). Its own `random_seed` is not OpenAI's `seed`.
const unknownToMistral = [
  "logit_bias",
  "logprobs",
  "seed",
  "service_tier",
  "store",
  "stream_options",
  "top_logprobs",
  "user"
] as const

// "Unsupported parameters" of docs.cohere.com/docs/compatibility-api; each is a 422.
const unknownToCohere = [
  "audio",
  "logit_bias",
  "metadata",
  "modalities",
  "n",
  "parallel_tool_calls",
  "prediction",
  "service_tier",
  "store",
  "top_logprobs"
] as const

/** What OpenRouter and others know beyond OpenAI is a 400 there ("Unknown parameter"), and wherever a schema is closed. */
export const unknownToOpenAi: ReadonlyArray<string> =
  "reasoning include_reasoning thinking enable_thinking chat_template_kwargs plugins route top_k top_a min_p repetition_penalty transforms cache_control".split(
    " "
  )

const chatOnly = { models: false, embeddings: false } as const

/** Vendors by their slug. A quirk stands here only where a document, a recording or a report shows it. */
export const compatibleVendors = {
  alibaba: {
    baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    makes: /^(?:(?:qwen(?!-\d)[\d.]*|qwq|qvq)-[^/:]+|text-embedding-v\d)$/,
    // Its guide to function calling asks for `reasoning_content` back (vercel/ai#20871).
    quirks: { reasoning: "reasoning_content", knows: ["top_k"] }
  },
  cerebras: {
    baseUrl: "https://api.cerebras.ai/v1",
    priceId: "cerebras",
    embeddings: false,
    completions: true,
    // "property 'store' is unsupported" (400), as any member that it does not know (huggingface.js#2268).
    quirks: { refuses: ["store", ...unknownToOpenAi], closedMessages: true, results: "text" }
  },
  cohere: {
    baseUrl: "https://api.cohere.ai/compatibility/v1",
    models: false,
    priceId: "cohere",
    makes: /^(?:command|c4ai|embed)(?:-[^/:]+)?$/,
    quirks: { refuses: unknownToCohere }
  },
  deepinfra: { baseUrl: "https://api.deepinfra.com/v1/openai", completions: true },
  deepseek: {
    baseUrl: "https://api.deepseek.com",
    priceId: "deepseek",
    // `deepseek-r1` is a name of the open weights; its own API calls none so.
    makes: /^deepseek-(?!r1)[^/:]+$/,
    embeddings: false,
    // A turn that called tools is a 400 without its reasoning; the other limit is ignored (earendil-works/pi#8018).
    // api-docs.deepseek.com, "Create Chat Completion": what a tool gave is a string.
    quirks: { reasoning: "reasoning_content", reasonedCalls: true, results: "text", maxTokensOnly: true }
  },
  featherless: { baseUrl: "https://api.featherless.ai/v1", embeddings: false, completions: true },
  fireworks: {
    baseUrl: "https://api.fireworks.ai/inference/v1",
    priceId: "fireworks",
    completions: true,
    // An unknown input is a 400, and `store` is none of its SDK's. Usage is in the last chunk by itself.
    quirks: { usageUnasked: true, refuses: ["store"], reasoning: "reasoning_content", knows: ["top_k"] }
  },
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    priceId: "groq",
    embeddings: false,
    // console.groq.com/docs/openai: a 400 each. "property 'reasoning' is unsupported", and so with any other that is not its own.
    quirks: {
      refuses: [
        "logprobs",
        "top_logprobs",
        "logit_bias",
        ...unknownToOpenAi.filter((name) => name !== "include_reasoning")
      ],
      closedMessages: true,
      results: "text"
    }
  },
  huggingface: {
    baseUrl: "https://router.huggingface.co/v1",
    embeddings: false,
    // It hands the request on, to Cerebras too (huggingface.js#2268).
    quirks: { refuses: ["store"] }
  },
  hyperbolic: { baseUrl: "https://api.hyperbolic.xyz/v1" },
  // Not free: what it asks in turn may cost.
  litellm: { baseUrl: "http://localhost:4000/v1", completions: true, quirks: { thinking: "reasoning_effort" } },
  llamacpp: {
    baseUrl: "http://localhost:8080/v1",
    free: true,
    completions: true,
    // Without it the chat template renders another prompt, and the cached one is lost (can1357/oh-my-pi#3528).
    quirks: { reasoning: "reasoning_content", knows: ["top_k"] }
  },
  lmstudio: {
    baseUrl: "http://localhost:1234/v1",
    free: true,
    completions: true,
    quirks: { reasoning: "reasoning_content" }
  },
  minimax: {
    baseUrl: "https://api.minimax.io/v1",
    priceId: "minimax",
    makes: /^(?:minimax-[^/:]+|m2-her)$/i,
    embeddings: false,
    // platform.minimax.io, text-openai-api: to be kept in the history where the caller asked for `reasoning_split`.
    quirks: { reasoning: "reasoning_details" }
  },
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    priceId: "mistral",
    makes: /^(?:labs-|open-)?(?:mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral)-[^/:]+$/,
    // `max_completion_tokens` is a 422 (editor-code-assistant/eca#231); recorded streams end with usage unasked.
    // "Tool call id was ... but must be a-z, A-Z, 0-9, with a length of 9" (400). "Unexpected role 'user' after role 'tool'"
    // (400): pictures are in the tool's own message, as badlogic/pi-mono has them.
    quirks: {
      usageUnasked: true,
      refuses: [...unknownToMistral, ...unknownToOpenAi],
      maxTokensOnly: true,
      closedMessages: true,
      toolIds: "mistral",
      results: "pictures"
    }
  },
  moonshot: {
    baseUrl: "https://api.moonshot.ai/v1",
    priceId: "moonshotai",
    makes: /^(?:kimi|moonshot)-[^/:]+$/,
    embeddings: false,
    // A turn that called tools is refused without its reasoning (can1357/oh-my-pi, compat/openai.ts).
    quirks: { reasoning: "reasoning_content", reasonedCalls: true }
  },
  // Formerly AI Studio.
  nebius: { baseUrl: "https://api.tokenfactory.nebius.com/v1" },
  novita: {
    baseUrl: "https://api.novita.ai/openai/v1",
    priceId: "novita",
    completions: true,
    // docs.litellm.ai/docs/providers/novita lists what it takes.
    quirks: { maxTokensOnly: true, knows: ["top_k"] }
  },
  nvidia: {
    baseUrl: "https://integrate.api.nvidia.com/v1",
    completions: true,
    // `max_completion_tokens` is a 400, "Extra inputs are not permitted" (openclaw/openclaw#78836).
    quirks: { maxTokensOnly: true }
  },
  perplexity: {
    baseUrl: "https://api.perplexity.ai",
    ...chatOnly,
    priceId: "perplexity",
    makes: /^sonar(?:-[^/:]+)?$/,
    // Every recorded chunk has the usage so far; its SDK knows no `stream_options`.
    quirks: { usageUnasked: true }
  },
  // The list of models is its cloud's; a gateway of one's own answers with an empty one.
  portkey: { baseUrl: "https://api.portkey.ai/v1", auth: "x-portkey-api-key", completions: true },
  sambanova: { baseUrl: "https://api.sambanova.ai/v1" },
  sglang: {
    baseUrl: "http://localhost:30000/v1",
    free: true,
    completions: true,
    // srt/entrypoints/openai/protocol.py
    quirks: { reasoning: "reasoning_content", knows: ["top_k"] }
  },
  // Archived by its maker in 2026, but still run.
  tgi: { baseUrl: "http://localhost:3000/v1", free: true, embeddings: false, completions: true },
  together: {
    baseUrl: "https://api.together.ai/v1",
    priceId: "together",
    completions: true,
    // Its SDK knows `max_tokens` only, and no `stream_options`; recorded streams end with usage unasked.
    quirks: { usageUnasked: true, maxTokensOnly: true, knows: ["top_k"] }
  },
  vercel: {
    baseUrl: "https://ai-gateway.vercel.sh/v1",
    // vercel.com/docs/ai-gateway, "Reasoning"; a signed detail makes the round (anomalyco/opencode#37708).
    quirks: { reasoning: "reasoning_details", thinking: "reasoning" }
  },
  vllm: {
    baseUrl: "http://localhost:8000/v1",
    free: true,
    completions: true,
    // BerriAI/litellm#41380: taking it away costs the model its own history.
    quirks: { reasoning: "reasoning_content", knows: ["top_k"] }
  },
  xai: {
    baseUrl: "https://api.x.ai/v1",
    priceId: "x-ai",
    makes: /^grok-[^/:]+$/,
    embeddings: false,
    reportsCost: true
  },
  zai: {
    baseUrl: "https://api.z.ai/api/paas/v4",
    priceId: "zai",
    makes: /^glm-[^/:]+$/i,
    embeddings: false,
    // docs.z.ai, "Thinking Mode": it goes back unchanged. The limit's name: detectCompat of badlogic/pi-mono.
    quirks: { reasoning: "reasoning_content", maxTokensOnly: true }
  }
} as const satisfies Record<string, CompatibleVendor>
