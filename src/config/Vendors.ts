import type { ChatDialect } from "../domain/Dialect.js"

/** Vendors that this version can call. A vendor's wire details are in `src/provider/Vendor.ts`. */
export const vendorSlugs = [
  "openai",
  "anthropic",
  "openrouter",
  "azure",
  "gemini",
  "cloudflare",
  "ollama",
  "openai-compatible",
  "anthropic-compatible",
  "alibaba",
  "cerebras",
  "cohere",
  "deepinfra",
  "deepseek",
  "featherless",
  "fireworks",
  "groq",
  "huggingface",
  "hyperbolic",
  "litellm",
  "llamacpp",
  "lmstudio",
  "minimax",
  "mistral",
  "moonshot",
  "nebius",
  "novita",
  "nvidia",
  "perplexity",
  "portkey",
  "sambanova",
  "sglang",
  "tgi",
  "together",
  "vercel",
  "vllm",
  "xai",
  "zai",
  "simulated"
] as const
export type VendorSlug = (typeof vendorSlugs)[number]

/** Wire formats that an instance can be told to speak. */
export const dialects = [
  "openai-chat",
  "anthropic-messages",
  "gemini",
  "workers-ai",
  "ollama"
] as const satisfies ReadonlyArray<ChatDialect>

/** The dialects of a vendor, the usual one first. Whoever is not named speaks OpenAI's. */
export const dialectsOf = (vendor: VendorSlug): readonly [ChatDialect, ...ReadonlyArray<ChatDialect>] =>
  spoken[vendor] ?? ["openai-chat"]

const spoken: Readonly<Partial<Record<VendorSlug, readonly [ChatDialect, ...ReadonlyArray<ChatDialect>]>>> = {
  anthropic: ["anthropic-messages"],
  "anthropic-compatible": ["anthropic-messages"],
  gemini: ["gemini", "openai-chat"],
  cloudflare: ["openai-chat", "workers-ai"],
  ollama: ["openai-chat", "ollama"]
}
