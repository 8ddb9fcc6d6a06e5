import { cacheReadTotal, cacheWriteTotal, outputTotal, withSpecial, type Usage } from "../../domain/Usage.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/**
 * Anthropic's counts, taken apart: cached input is beside the fresh one, what is written for an hour inside all that is
 * written, thoughts are inside the output. What a compaction took is beside all of it, and is billed. `undefined` where nothing
 * was counted yet.
 */
export const read = (value: unknown): Usage | undefined => {
  const usage = Json.record(value)
  if (!counters.some((counter) => Json.number(usage[counter]) !== undefined)) return undefined
  const compactions = Json.records(usage["iterations"]).filter(({ type }) => type === "compaction")
  const all = [usage, ...compactions]
  const sum = (counter: string): number => all.reduce((total, counted) => total + Json.count(counted[counter]), 0)
  const output = sum("output_tokens")
  const reasoning = Math.min(output, Json.count(Json.record(usage["output_tokens_details"])["thinking_tokens"]))
  const written = all.reduce((total, counted) => total + writtenIn(counted), 0)
  const cacheWrite1h = all.reduce((total, counted) => total + Math.min(writtenIn(counted), forAnHour(counted)), 0)
  return withSpecial(
    {
      input: sum("input_tokens"),
      cacheRead: sum("cache_read_input_tokens"),
      cacheWrite: written - cacheWrite1h,
      output: output - reasoning,
      reasoning
    },
    { cacheWrite1h }
  )
}

/** The sum stands; where there is none, its parts do. */
const writtenIn = (counted: JsonObject): number =>
  Json.number(counted["cache_creation_input_tokens"]) === undefined
    ? Json.count(Json.record(counted["cache_creation"])["ephemeral_5m_input_tokens"]) + forAnHour(counted)
    : Json.count(counted["cache_creation_input_tokens"])

const forAnHour = (counted: JsonObject): number =>
  Json.count(Json.record(counted["cache_creation"])["ephemeral_1h_input_tokens"])

/** Usage in Anthropic's words, which count cached input beside the fresh one and know of no sound. */
export const write = (usage: Usage | undefined): JsonObject => ({
  input_tokens: usage === undefined ? 0 : usage.input + (usage.inputAudio ?? 0),
  cache_creation_input_tokens: usage === undefined ? 0 : cacheWriteTotal(usage),
  cache_read_input_tokens: usage === undefined ? 0 : cacheReadTotal(usage),
  ...(usage?.cacheWrite1h
    ? {
        cache_creation: {
          ephemeral_5m_input_tokens: usage.cacheWrite,
          ephemeral_1h_input_tokens: usage.cacheWrite1h
        }
      }
    : {}),
  output_tokens: usage === undefined ? 0 : outputTotal(usage),
  ...(usage === undefined || usage.reasoning === 0
    ? {}
    : { output_tokens_details: { thinking_tokens: usage.reasoning } })
})

const counters = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]
