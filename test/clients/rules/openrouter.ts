import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { callsAnswered, callsFormed, contents, eachMessage, toolChosen } from "./chat.js"
import { all, unless, words, type Rules } from "./Rules.js"
import { sign } from "./signatures.js"

/**
 * Details go back as they came: OpenRouter hands them to the maker of the model, who knows its signature and the text that
 * it signed. Source: https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning
 */
const details: Rules = eachMessage((message, where) =>
  Json.list(message["reasoning_details"]).flatMap((detail, at) =>
    unless(isOwn(Json.record(detail)), `${where}.reasoning_details[${at}] is not as OpenRouter gave it`)
  )
)

const isOwn = ({ data, signature, text, type }: JsonObject): boolean => {
  if (type === "reasoning.encrypted") return data === sign("openrouter", "sealed")
  if (type !== "reasoning.text") return false
  // Models that do not sign give plain texts.
  return signature === undefined || signature === null || signature === sign("openrouter", Json.text(text) ?? "")
}

/** Also in what a tool gave it takes pictures, and `cache_control` in the parts. */
export const openrouter: Rules = all(
  callsAnswered,
  callsFormed,
  toolChosen,
  contents({
    system: words("text"),
    user: words("text image_url input_audio file"),
    assistant: words("text"),
    tool: words("text image_url")
  }),
  details
)
