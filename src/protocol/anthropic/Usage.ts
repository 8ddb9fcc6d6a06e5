import { outputTotal, type Usage } from "../../domain/Usage.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/**
 * Anthropic's counts, taken apart: cached input is beside the fresh one, thoughts are inside the output. What a compaction
 * took is beside all of it, and is billed. `undefined` where nothing was counted yet.
 */
export const read = (value: unknown): Usage | undefined => {
  const usage = Json.record(value)
  if (!counters.some((counter) => Json.number(usage[counter]) !== undefined)) return undefined
  const compactions = Json.records(usage["iterations"]).filter(({ type }) => type === "compaction")
  const sum = (counter: string): number =>
    [usage, ...compactions].reduce((total, counted) => total + Json.count(counted[counter]), 0)
  const output = sum("output_tokens")
  const reasoning = Math.min(output, Json.count(Json.record(usage["output_tokens_details"])["thinking_tokens"]))
  return {
    input: sum("input_tokens"),
    cacheRead: sum("cache_read_input_tokens"),
    cacheWrite: sum("cache_creation_input_tokens"),
    output: output - reasoning,
    reasoning
  }
}

/** Usage in Anthropic's words, which count cached input beside the fresh one. */
export const write = (usage: Usage | undefined): JsonObject => ({
  input_tokens: usage?.input ?? 0,
  cache_creation_input_tokens: usage?.cacheWrite ?? 0,
  cache_read_input_tokens: usage?.cacheRead ?? 0,
  output_tokens: usage === undefined ? 0 : outputTotal(usage),
  ...(usage === undefined || usage.reasoning === 0
    ? {}
    : { output_tokens_details: { thinking_tokens: usage.reasoning } })
})

const counters = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]
