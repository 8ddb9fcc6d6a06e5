import type { VendorSlug } from "../config/Vendors.js"

/** What one vendor means with an id, where no rule could know. */
export interface KnownName {
  readonly vendors: ReadonlyArray<VendorSlug>
  /** In lower case. */
  readonly id: string
  /** The canonical name. */
  readonly means: string
  /** Why; a part of a sentence. */
  readonly because: string
}

/** The few ids that a vendor made up for somebody else's model, or keeps while it puts another model behind them. */
export const knownNames: ReadonlyArray<KnownName> = [
  {
    vendors: ["groq"],
    id: "llama-3.3-70b-versatile",
    means: "llama-3.3-70b-instruct",
    because: "Groq's model card names Meta's Llama 3.3 70B Instruct"
  },
  {
    vendors: ["groq"],
    id: "llama-3.1-8b-instant",
    means: "llama-3.1-8b-instruct",
    because: "Groq's model card names Meta's Llama 3.1 8B Instruct"
  },
  {
    vendors: ["cerebras"],
    id: "llama-3.3-70b",
    means: "llama-3.3-70b-instruct",
    because: "Cerebras serves no base models: it is the Instruct one"
  },
  {
    vendors: ["cerebras"],
    id: "llama3.1-8b",
    means: "llama-3.1-8b-instruct",
    because: "Cerebras serves no base models: it is the Instruct one"
  },
  {
    vendors: ["openrouter"],
    id: "deepseek/deepseek-chat",
    means: "deepseek-v3",
    because: "OpenRouter has kept it for V3, while DeepSeek's own `deepseek-chat` moves on"
  },
  {
    vendors: ["openrouter"],
    id: "deepseek/deepseek-chat-v3-0324",
    means: "deepseek-v3-0324",
    because: "OpenRouter puts `chat` into the names of DeepSeek's V3 line"
  },
  {
    vendors: ["openrouter"],
    id: "deepseek/deepseek-chat-v3.1",
    means: "deepseek-v3.1",
    because: "OpenRouter puts `chat` into the names of DeepSeek's V3 line"
  },
  ...["deepseek-ai/deepseek-v3", "deepseek-ai/deepseek-r1"].map((id): KnownName => ({
    vendors: ["together"],
    id,
    means: id,
    because: "Together has put later weights (0324 and 0528) behind the names of the first ones"
  })),
  ...["deepseek/deepseek-v3", "deepseek/deepseek-r1"].map((id): KnownName => ({
    vendors: ["vercel"],
    id,
    means: id,
    because: "Vercel hands it on to vendors of which some have later weights behind this name"
  }))
]

/**
 * Anthropic's ids with a date, and the alias that has never meant anything else: each of these versions has one snapshot. Claude
 * 3.5 Sonnet has two, so it is not here.
 */
export const onlySnapshots: ReadonlyMap<string, string> = new Map([
  ["claude-3-opus-20240229", "claude-3-opus"],
  ["claude-3-haiku-20240307", "claude-3-haiku"],
  ["claude-3-5-haiku-20241022", "claude-3-5-haiku"],
  ["claude-3-7-sonnet-20250219", "claude-3-7-sonnet"],
  ["claude-opus-4-20250514", "claude-opus-4-0"],
  ["claude-sonnet-4-20250514", "claude-sonnet-4-0"],
  ["claude-opus-4", "claude-opus-4-0"],
  ["claude-sonnet-4", "claude-sonnet-4-0"],
  ["claude-opus-4-1-20250805", "claude-opus-4-1"],
  ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5"],
  ["claude-haiku-4-5-20251001", "claude-haiku-4-5"],
  ["claude-opus-4-5-20251101", "claude-opus-4-5"]
])

/** Who puts its own name before which names of models. A copy at somebody else's may be another model. */
export const makers: ReadonlyMap<string, RegExp> = new Map([
  ["openai", /^(?:gpt-|o[134](?:-|$)|chatgpt-|codex-|text-embedding-)/],
  ["anthropic", /^claude-/],
  ["google", /^(?:gemini-|gemma-|gemma\d)/],
  ...["meta", "meta-llama"].map((maker) => [maker, /^(?:meta-)?llama-/] as const),
  ...["qwen", "alibaba"].map((maker) => [maker, /^(?:qwen|qwq|qvq)/] as const),
  ...["deepseek", "deepseek-ai"].map((maker) => [maker, /^deepseek-/] as const),
  ...["mistral", "mistralai"].map(
    (maker) => [maker, /^(?:mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral)-/] as const
  ),
  ...["moonshot", "moonshotai"].map((maker) => [maker, /^(?:kimi|moonshot)-/] as const),
  ...["zai", "z-ai", "zai-org"].map((maker) => [maker, /^glm-/] as const),
  ...["minimax", "minimaxai"].map((maker) => [maker, /^minimax-/] as const),
  ...["xai", "x-ai"].map((maker) => [maker, /^grok-/] as const),
  ...["cohere", "coherelabs"].map((maker) => [maker, /^(?:command|c4ai|aya)-/] as const),
  ["microsoft", /^phi-/],
  ["nvidia", /nemotron/],
  ["nousresearch", /^hermes-/],
  ["amazon", /^nova-/],
  ["baai", /^bge-/]
])

/** Families of Ollama's library whose tags of a size are its makers' chat models. `*` is the size. */
export const ollamaFamilies: ReadonlyMap<string, string> = new Map([
  ["llama3", "llama-3-*-instruct"],
  ["llama3.1", "llama-3.1-*-instruct"],
  ["llama3.2", "llama-3.2-*-instruct"],
  ["llama3.3", "llama-3.3-*-instruct"],
  ["qwen2.5", "qwen2.5-*-instruct"],
  ["qwen2.5-coder", "qwen2.5-coder-*-instruct"],
  ["gemma2", "gemma-2-*-it"],
  ["gemma3", "gemma-3-*-it"],
  ["gpt-oss", "gpt-oss-*"]
])

/** As their makers gave them away. Whatever else the weights of a model are stored in was made smaller. */
export const isWhole = (quantization: string, model: string): boolean =>
  /^(?:fp?16|bf16|fp?32)$/i.test(quantization) || (model.startsWith("gpt-oss-") && /^mxfp4$/i.test(quantization))
