import type { FrontDialect } from "../domain/Dialect.js"
import * as Anthropic from "./anthropic/Anthropic.js"
import type { Front } from "./Dialects.js"
import * as OpenAi from "./openai/OpenAi.js"

/** The dialects that callers speak. */
export const fronts: Readonly<Record<FrontDialect, Front>> = {
  "openai-chat": OpenAi.front,
  "openai-completions": OpenAi.completions,
  "openai-embeddings": OpenAi.embeddings,
  "anthropic-messages": Anthropic.front,
  "anthropic-count-tokens": Anthropic.countTokens
}
