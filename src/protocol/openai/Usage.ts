import * as Money from "../../domain/Money.js"
import {
  cacheReadTotal,
  cacheWriteTotal,
  inputTotal,
  outputTotal,
  total,
  withSpecial,
  type Usage
} from "../../domain/Usage.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/** The usage in an answer or a chunk. Groq puts that of a stream that nobody asked for into a member of its own. */
export const find = (json: JsonObject): JsonObject | undefined =>
  [json["usage"], Json.record(json["x_groq"])["usage"]].find(Json.isRecord)

/**
 * Vendors' counts, taken apart into disjoint buckets. Where details contradict each other, the sums stand. Sound is only told
 * from text inside the fresh prompt and, by who says so, inside the cached one.
 */
export const read = (usage: JsonObject): Usage => {
  const promptDetails = Json.record(usage["prompt_tokens_details"])
  const outputDetails = Json.record(usage["completion_tokens_details"])
  const prompt = Json.count(usage["prompt_tokens"])
  const completion = Json.count(usage["completion_tokens"])
  const cached = Math.min(prompt, cachedIn(usage, promptDetails))
  const written = Math.min(prompt - cached, Json.count(promptDetails["cache_write_tokens"]))
  const fresh = prompt - cached - written
  const audio = Json.count(promptDetails["audio_tokens"])
  const cacheReadAudio = Math.min(
    cached,
    audio,
    Json.count(Json.record(promptDetails["cached_tokens_details"])["audio_tokens"])
  )
  const inputAudio = Math.min(fresh, audio - cacheReadAudio)
  const reasoning = Json.count(outputDetails["reasoning_tokens"]) || Json.count(usage["reasoning_tokens"])
  // Most vendors count reasoning inside the completion, xAI beside it, Gemini only in the total.
  const beside = Math.max(0, Json.count(usage["total_tokens"]) - prompt - completion)
  const isBeside = beside > 0 && (reasoning === 0 || reasoning === beside)
  const said = isBeside ? completion : Math.max(0, completion - reasoning)
  const outputAudio = Math.min(said, Json.count(outputDetails["audio_tokens"]))
  return withSpecial(
    {
      input: fresh - inputAudio,
      cacheRead: cached - cacheReadAudio,
      cacheWrite: written,
      output: said - outputAudio,
      reasoning: isBeside ? beside : Math.min(reasoning, completion)
    },
    { inputAudio, cacheReadAudio, outputAudio }
  )
}

/** DeepSeek, Mistral, and Moonshot and Together have words of their own, beside OpenAI's or instead of them. */
const cachedIn = (usage: JsonObject, details: JsonObject): number =>
  Json.count(details["cached_tokens"]) ||
  Json.count(usage["prompt_cache_hit_tokens"]) ||
  Json.count(usage["num_cached_tokens"]) ||
  Json.count(usage["cached_tokens"])

/**
 * What a call cost, of those who report it. OpenRouter does so in USD; with a key of the operator's own that is its fee alone,
 * and what the provider behind it takes is beside it. xAI does so in ticks, of which a dollar has 10^10.
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 * @see https://docs.x.ai/developers/cost-tracking
 */
export const costIn = (usage: JsonObject): Money.Money | undefined => {
  const ticks = usage["cost_in_usd_ticks"]
  if (Number.isSafeInteger(ticks) && Number(ticks) >= 0) return Money.Money.make(BigInt(Number(ticks)) * picoPerTick)
  const cost = amount(usage["cost"])
  if (cost === undefined || usage["is_byok"] !== true) return cost
  const upstream = amount(Json.record(usage["cost_details"])["upstream_inference_cost"])
  return upstream === undefined ? undefined : Money.sum([cost, upstream])
}

const picoPerTick = 100n

const amount = (usd: unknown): Money.Money | undefined =>
  typeof usd === "number" && Number.isFinite(usd) && usd >= 0 ? Money.fromUsd(usd) : undefined

/** Usage in OpenAI's words, which count cached input and sound inside the prompt, reasoning and sound inside the completion. */
export const write = (usage: Usage): JsonObject => {
  const { cacheReadAudio, inputAudio, outputAudio } = usage
  const written = cacheWriteTotal(usage)
  return {
    prompt_tokens: inputTotal(usage),
    completion_tokens: outputTotal(usage),
    total_tokens: total(usage),
    prompt_tokens_details: Json.defined({
      cached_tokens: cacheReadTotal(usage),
      cache_write_tokens: written === 0 ? undefined : written,
      audio_tokens: inputAudio || cacheReadAudio ? (inputAudio ?? 0) + (cacheReadAudio ?? 0) : undefined,
      cached_tokens_details: cacheReadAudio ? { text_tokens: usage.cacheRead, audio_tokens: cacheReadAudio } : undefined
    }),
    completion_tokens_details: Json.defined({
      reasoning_tokens: usage.reasoning,
      audio_tokens: outputAudio || undefined
    })
  }
}
