import type { Usage } from "../../domain/Usage.js"
import * as Json from "../Json.js"

/**
 * `usageMetadata`, taken apart: the prompt includes what was cached, but not the results of Google's own tools; the
 * candidates do not include the thoughts. `undefined` where nothing was counted yet.
 */
export const read = (value: unknown): Usage | undefined => {
  const usage = Json.record(value)
  if (!counters.some((counter) => Json.number(usage[counter]) !== undefined)) return undefined
  const cacheRead = Json.count(usage["cachedContentTokenCount"])
  return {
    input:
      Math.max(0, Json.count(usage["promptTokenCount"]) - cacheRead) + Json.count(usage["toolUsePromptTokenCount"]),
    cacheRead,
    cacheWrite: 0,
    output: Json.count(usage["candidatesTokenCount"]),
    reasoning: Json.count(usage["thoughtsTokenCount"])
  }
}

const counters = ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"]
