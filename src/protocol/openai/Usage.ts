import * as Money from "../../domain/Money.js"
import { inputTotal, outputTotal, total, type Usage } from "../../domain/Usage.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/** The usage in an answer or a chunk. Groq puts that of a stream that nobody asked for into a member of its own. */
export const find = (json: JsonObject): JsonObject | undefined =>
  [json["usage"], Json.record(json["x_groq"])["usage"]].find(Json.isRecord)

/** Vendors' counts, taken apart into disjoint buckets. */
export const read = (usage: JsonObject): Usage => {
  const promptDetails = Json.record(usage["prompt_tokens_details"])
  const outputDetails = Json.record(usage["completion_tokens_details"])
  const prompt = Json.count(usage["prompt_tokens"])
  const completion = Json.count(usage["completion_tokens"])
  const cached = Json.count(promptDetails["cached_tokens"]) || Json.count(usage["prompt_cache_hit_tokens"])
  const cacheRead = Math.min(prompt, cached)
  const cacheWrite = Math.min(prompt - cacheRead, Json.count(promptDetails["cache_write_tokens"]))
  const reasoning = Json.count(outputDetails["reasoning_tokens"]) || Json.count(usage["reasoning_tokens"])
  // Most vendors count reasoning inside the completion, xAI beside it, Gemini only in the total.
  const beside = Math.max(0, Json.count(usage["total_tokens"]) - prompt - completion)
  const isBeside = beside > 0 && (reasoning === 0 || reasoning === beside)
  return {
    input: prompt - cacheRead - cacheWrite,
    cacheRead,
    cacheWrite,
    output: isBeside ? completion : Math.max(0, completion - reasoning),
    reasoning: isBeside ? beside : Math.min(reasoning, completion)
  }
}

/** OpenRouter reports what a call cost, in USD. */
export const costIn = (usage: JsonObject): Money.Money | undefined => {
  const { cost } = usage
  return typeof cost === "number" && Number.isFinite(cost) && cost >= 0 ? Money.fromUsd(cost) : undefined
}

/** Usage in OpenAI's words, which count cached input inside the prompt and reasoning inside the completion. */
export const write = (usage: Usage): JsonObject => ({
  prompt_tokens: inputTotal(usage),
  completion_tokens: outputTotal(usage),
  total_tokens: total(usage),
  prompt_tokens_details: Json.defined({
    cached_tokens: usage.cacheRead,
    cache_write_tokens: usage.cacheWrite === 0 ? undefined : usage.cacheWrite
  }),
  completion_tokens_details: { reasoning_tokens: usage.reasoning }
})
