import * as Either from "effect/Either"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { JsonObject } from "./Dialects.js"
import { fronts } from "./Fronts.js"
import * as Json from "./Json.js"
import * as JsonSplice from "./JsonSplice.js"

/**
 * The request that asks somebody else to go on with an answer: the same conversation, then the text so far as the
 * assistant's, then the user who asks for the rest. It does not end with the assistant's words, since newer models refuse
 * that, and other vendors answer anew. Where nothing was said yet it is the request itself. `undefined`: it cannot be
 * written.
 */
export const make = (request: ChatRequest, text: string): ChatRequest | undefined => {
  // Whitespace alone is no message.
  if (text.trim() === "") return request
  const { body, dialect, headers } = request
  const json = Json.record(Json.parsed(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()))
  const messages = [
    ...Json.list(json["messages"]),
    { role: "assistant", content: text },
    { role: "user", content: wish(json) }
  ]
  const edited = JsonSplice.edit(body, {
    messages: Json.stringify(messages),
    ...unformatted(json),
    ...shorter(json, tokensOf(text))
  })
  const decoded = fronts[dialect].decodeRequest(edited, Json.parsedForReading(Buffer.from(edited).toString()))
  return Either.isLeft(decoded) ? undefined : { ...decoded.right, headers }
}

/** About how many tokens a text has: four bytes each, as English has it. */
export const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4)

/** What is left of a bound on output tokens; no vendor takes none. */
export const rest = (maxTokens: number, said: number): number => Math.max(1, maxTokens - said)

const wish = (json: JsonObject): string => {
  const format = formatOf(json)
  return [
    "Your answer was cut off while it was sent. Go on exactly where it breaks off, in the middle of a word if need be:",
    "what you write now is put directly behind the last character of it. Do not begin anew, do not repeat anything and",
    `do not comment on this.${format === undefined ? "" : ` ${format}`}`
  ].join(" ")
}

/** A format holds for a whole answer, and would be broken or begun anew by the rest of one; so it is told in words. */
const formatOf = (json: JsonObject): string | undefined => {
  const format = Json.record(json["response_format"] ?? json["output_format"] ?? outputConfig(json)["format"])
  if (format["type"] === "json_object") return "Both together must be one JSON object."
  if (format["type"] !== "json_schema") return undefined
  const schema = Json.record(format["json_schema"])["schema"] ?? format["schema"] ?? {}
  return `Both together must be one JSON value of this schema: ${Json.stringify(schema)}`
}

const outputConfig = (json: JsonObject): JsonObject => Json.record(json["output_config"])

const unformatted = (json: JsonObject): Changes => {
  const { format, ...others } = outputConfig(json)
  return {
    response_format: undefined,
    output_format: undefined,
    ...(format === undefined ? {} : { output_config: Json.stringify(others) })
  }
}

const shorter = (json: JsonObject, said: number): Changes => {
  const changes: Record<string, string | undefined> = {}
  for (const key of ["max_tokens", "max_completion_tokens"]) {
    const bound = Json.number(json[key])
    if (bound !== undefined) changes[key] = String(rest(bound, said))
  }
  // Anthropic refuses a budget for thoughts that is not below the bound; nobody would see them anyway.
  const budget = Json.number(Json.record(json["thinking"])["budget_tokens"])
  if (budget !== undefined && budget >= Number(changes["max_tokens"])) changes["thinking"] = undefined
  return changes
}

type Changes = Readonly<Record<string, string | undefined>>
