import type { CacheMark } from "../domain/Prompt.js"
import type { JsonObject } from "./Dialects.js"
import * as Json from "./Json.js"

/** Anthropic's mark on a block or part, which OpenRouter and others take in OpenAI's shape too. */
export const cacheOf = (part: JsonObject): CacheMark | undefined => {
  const mark = part["cache_control"]
  return Json.isRecord(mark) ? { ttl: mark["ttl"] === "1h" ? "1h" : "5m" } : undefined
}
