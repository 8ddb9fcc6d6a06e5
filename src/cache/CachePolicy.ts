import type { CachePolicy } from "../config/Settings.js"
import type { ChatRequest } from "../domain/ChatRequest.js"

/**
 * May a request be answered from the cache? Counting tokens is cheap and not an answer; whoever has the provider store an
 * answer wants that done again.
 */
export const covers = (policy: CachePolicy, { dialect, view }: ChatRequest): boolean => {
  if (dialect === "anthropic-count-tokens" || view["store"] === true) return false
  return policy === "all" || dialect === "openai-embeddings" || view["temperature"] === 0
}
