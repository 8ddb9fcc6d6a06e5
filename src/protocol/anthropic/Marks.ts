import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Seals from "../Seals.js"
import { unsigned } from "./AnswerOut.js"
import { native } from "./PromptIn.js"

/** Which member of a block is its seal. */
export const keyOfType = (type: unknown): "signature" | "data" | undefined =>
  type === "thinking" ? "signature" : type === "redacted_thinking" ? "data" : undefined

/** A whole answer whose seals are marked, where they are not Anthropic's own; the very same one where they are. */
export const answer = (json: JsonObject, realm: string): JsonObject => {
  const content = Json.list(json["content"])
  if (realm === native || !content.some((block) => keyOf(block) !== undefined)) return json
  return { ...json, content: content.map((block) => marked(block, realm)) }
}

const keyOf = (block: unknown): "signature" | "data" | undefined => keyOfType(Json.record(block)["type"])

const marked = (block: unknown, origin: string): unknown => {
  const key = keyOf(block)
  if (key === undefined) return block
  const value = Json.text(Json.record(block)[key])
  return { ...Json.record(block), [key]: Seals.mark(value ? { origin, value } : unsigned, native) }
}
