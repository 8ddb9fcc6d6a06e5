import { withSpecial, type Usage } from "../../domain/Usage.js"
import * as Json from "../Json.js"

/**
 * `usageMetadata`, taken apart: the prompt includes what was cached, but not the results of Google's own tools; the
 * candidates do not include the thoughts. Details tell how much of each was sound. `undefined` where nothing was counted yet.
 */
export const read = (value: unknown): Usage | undefined => {
  const usage = Json.record(value)
  if (!counters.some((counter) => Json.number(usage[counter]) !== undefined)) return undefined
  const cached = Json.count(usage["cachedContentTokenCount"])
  const fresh = Math.max(0, Json.count(usage["promptTokenCount"]) - cached)
  const output = Json.count(usage["candidatesTokenCount"])
  const cacheReadAudio = Math.min(cached, audioIn(usage["cacheTokensDetails"]))
  // The prompt's details include what was cached of it.
  const inputAudio = Math.min(fresh, Math.max(0, audioIn(usage["promptTokensDetails"]) - cacheReadAudio))
  const results = Json.count(usage["toolUsePromptTokenCount"])
  const resultsAudio = Math.min(results, audioIn(usage["toolUsePromptTokensDetails"]))
  const outputAudio = Math.min(output, audioIn(usage["candidatesTokensDetails"]))
  return withSpecial(
    {
      input: fresh - inputAudio + results - resultsAudio,
      cacheRead: cached - cacheReadAudio,
      cacheWrite: 0,
      output: output - outputAudio,
      reasoning: Json.count(usage["thoughtsTokenCount"])
    },
    { inputAudio: inputAudio + resultsAudio, cacheReadAudio, outputAudio }
  )
}

const audioIn = (details: unknown): number =>
  Json.records(details).reduce(
    (total, { modality, tokenCount }) => total + (modality === "AUDIO" ? Json.count(tokenCount) : 0),
    0
  )

const counters = ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"]
