import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Seals from "../Seals.js"
import type { ToolCallEvent } from "./Pieces.js"
import { native } from "./Native.js"
import { mapped, merged, without } from "./Sameness.js"

/** The message of a whole answer, in OpenAI's shape; `events` are what it says. */
export const whole = (message: JsonObject, events: ReadonlyArray<ChatEvent>, realm: string): JsonObject => {
  const { content } = message
  const plain =
    typeof content === "string" || content === null ? message : { ...message, content: texts(events, "Text") || null }
  return common(merged(plain, { role: "assistant" }), events, realm, true)
}

/** The delta of a chunk, in OpenAI's shape. The first one of a choice says whose words they are. */
export const delta = (
  said: JsonObject,
  events: ReadonlyArray<ChatEvent>,
  realm: string,
  first: boolean
): JsonObject => {
  const { content, role } = said
  const ours = first
    ? merged(said, { role: "assistant" })
    : role === undefined || role === "assistant"
      ? said
      : without(said, "role")
  const text = texts(events, "Text")
  const plain =
    content === undefined || content === null || typeof content === "string"
      ? ours
      : text === ""
        ? without(ours, "content")
        : { ...ours, content: text }
  return common(plain, events, realm, false)
}

const common = (message: JsonObject, events: ReadonlyArray<ChatEvent>, realm: string, isWhole: boolean): JsonObject =>
  withDetails(withAnnotations(withCalls(withReasoning(message, events), events, realm, isWhole)), realm)

const texts = (events: ReadonlyArray<ChatEvent>, tag: "Text" | "Reasoning"): string =>
  events.map((event) => (event._tag === tag ? event.text : "")).join("")

/** Reasoning that came as part of the content, or in a form that is no text. */
const withReasoning = (message: JsonObject, events: ReadonlyArray<ChatEvent>): JsonObject => {
  const wrong = ["reasoning", "reasoning_content"].filter(
    (key) => message[key] !== undefined && message[key] !== null && typeof message[key] !== "string"
  )
  const told = [message["reasoning"], message["reasoning_content"], message["reasoning_details"]].some(Boolean)
  const text = told && wrong.length === 0 ? "" : texts(events, "Reasoning")
  const rest = wrong.reduce(without, message)
  return text === "" ? rest : { ...rest, reasoning_content: text }
}

// ---------------------------------------------------------------------------------------------- tool calls

const withCalls = (
  message: JsonObject,
  events: ReadonlyArray<ChatEvent>,
  realm: string,
  isWhole: boolean
): JsonObject => {
  const calls = message["tool_calls"]
  if (calls === undefined) return message
  const kept = Json.list(calls).filter(Json.isRecord)
  // No client minds an empty list.
  if (kept.length === 0) return Array.isArray(calls) && calls.length === 0 ? message : without(message, "tool_calls")
  const places = events.filter((event) => event._tag === "ToolCall")
  const repaired = mapped(kept, (call, at) => callOf(Json.record(call), places[at], realm, isWhole))
  return repaired === kept && kept.length === Json.list(calls).length ? message : { ...message, tool_calls: repaired }
}

const callOf = (call: JsonObject, event: ToolCallEvent | undefined, realm: string, isWhole: boolean): JsonObject => {
  if (event === undefined) return call
  const target = Json.record(call["function"])
  const args = target["arguments"]
  const told = event.arguments === "" && isWhole ? "{}" : event.arguments
  const said = typeof args === "string" && (args !== "" || !isWhole) ? target : merged(target, { arguments: told })
  const placed = isWhole ? call : merged(call, { index: event.call })
  // Only a call's first piece has an id: some clients begin a call with every new one, and some vendors make them up.
  const repaired =
    event.id === undefined
      ? merged(withoutEmpty("id" in placed ? without(placed, "id") : placed, "type"), {
          function: withoutEmpty(said, "name")
        })
      : merged(placed, { id: event.id, type: Json.text(call["type"]) || "function", function: said })
  return event.seal === undefined || realm === native.toolCall
    ? repaired
    : { ...repaired, extra_content: extraOf(repaired, Seals.mark(event.seal, native.toolCall)) }
}

const withoutEmpty = (json: JsonObject, key: string): JsonObject =>
  json[key] === null || json[key] === "" ? without(json, key) : json

const extraOf = (call: JsonObject, signature: string): JsonObject => {
  const extra = Json.record(call["extra_content"])
  return { ...extra, google: { ...Json.record(extra["google"]), thought_signature: signature } }
}

// ---------------------------------------------------------------------------------------------- annotations and seals

/** OpenAI's only annotation is a citation of a page; other vendors' are no reading for its clients. */
const withAnnotations = (message: JsonObject): JsonObject => {
  const { annotations } = message
  if (annotations === undefined || annotations === null) return message
  if (!Array.isArray(annotations)) return without(message, "annotations")
  const cited = annotations.filter((each: unknown) => Json.isRecord(Json.record(each)["url_citation"]))
  const kept = mapped(cited, (each) => {
    const citation = Json.record(Json.record(each)["url_citation"])
    return merged(Json.record(each), {
      type: "url_citation",
      url_citation: merged(citation, {
        start_index: Json.number(citation["start_index"]) ?? 0,
        end_index: Json.number(citation["end_index"]) ?? 0,
        title: Json.text(citation["title"]) ?? "",
        url: Json.text(citation["url"]) ?? ""
      })
    })
  })
  return kept === cited && cited.length === annotations.length ? message : { ...message, annotations: kept }
}

/** Seals of whoever is not OpenRouter are marked with their origin. */
const withDetails = (message: JsonObject, realm: string): JsonObject => {
  const details = message["reasoning_details"]
  if (realm === native.details || !Array.isArray(details)) return message
  return merged(message, {
    reasoning_details: mapped(details, (detail) => {
      const record = Json.record(detail)
      const key = ["signature", "data"].find((name) => Json.text(record[name]))
      if (key === undefined) return detail
      return { ...record, [key]: Seals.mark({ origin: realm, value: Json.text(record[key]) ?? "" }, native.details) }
    })
  })
}
