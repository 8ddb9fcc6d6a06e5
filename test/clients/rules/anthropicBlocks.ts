import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { isBase64, strangers, unless, words, type Rules } from "./Rules.js"
import { sign } from "./signatures.js"

/** The content blocks of a message that has some. */
export const blocks = ({ content }: JsonObject): ReadonlyArray<JsonObject> => Json.records(content)

/** Content blocks as Anthropic takes them: https://platform.claude.com/docs/en/api/messages/create */
export const wellFormed: Rules = ({ messages, system }) => [
  ...blocks({ content: system }).flatMap((block) => complaints(block, "system", "user")),
  ...Json.records(messages).flatMap((message, at) =>
    blocks(message).flatMap((block) => complaints(block, `messages[${at}]`, message["role"]))
  )
]

const complaints = (block: JsonObject, where: string, role: unknown): ReadonlyArray<string> => {
  const type = String(block["type"])
  const known = members.get(type)
  if (known === undefined) return [`${where}: a block ${type} is unknown`]
  const own = role === "assistant" ? byAssistant : byUser
  return [
    ...unless(own.has(type), `${where}: a block ${type} is not for ${String(role)}`),
    ...strangers(block, known, `${where}.${type}`),
    ...unless(fits(block), `${where}: the block ${type} is refused`),
    ...(type === "tool_result" ? blocks(block).flatMap((inner) => complaints(inner, `${where}.${type}`, "user")) : [])
  ]
}

const byAssistant = words("text thinking redacted_thinking tool_use")
const byUser = words("text image document tool_result")

/** "Extra inputs are not permitted." */
const members: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["text", words("type text cache_control citations")],
  ["image", words("type source cache_control")],
  ["document", words("type source title context citations cache_control")],
  ["thinking", words("type thinking signature")],
  ["redacted_thinking", words("type data")],
  ["tool_use", words("type id name input cache_control caller")],
  ["tool_result", words("type tool_use_id content is_error cache_control")]
])

const fits = (block: JsonObject): boolean => {
  switch (block["type"]) {
    case "text":
      // "text content blocks must contain non-whitespace text"
      return String(block["text"]).trim() !== ""
    case "image":
      return isImage(Json.record(block["source"]))
    case "thinking":
      // "Invalid `signature` in `thinking` block": it is of this very text.
      return block["signature"] === sign("anthropic", String(block["thinking"]))
    case "redacted_thinking":
      return block["data"] === sign("anthropic", "redacted")
    case "tool_use":
      // "String should match pattern '^[a-zA-Z0-9_-]+$'", "Input should be a valid dictionary"
      return isId(block["id"]) && Json.isRecord(block["input"]) && Json.text(block["name"]) !== undefined
    case "tool_result":
      return isId(block["tool_use_id"]) && block["content"] !== ""
    default:
      return true
  }
}

const isId = (id: unknown): boolean => typeof id === "string" && /^[a-zA-Z0-9_-]+$/.test(id)

const isImage = ({ data, media_type, type, url }: JsonObject): boolean =>
  type === "base64"
    ? isBase64(data) && /^image\/(?:jpeg|png|gif|webp)$/.test(String(media_type))
    : type === "url" && /^https:/.test(String(url))
