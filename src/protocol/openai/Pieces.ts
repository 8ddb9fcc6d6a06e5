import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/** What a message or a delta says besides its tool calls. */
export const said = (message: JsonObject, index: number, realm: string): ReadonlyArray<ChatEvent> => {
  const refusal = Json.text(message["refusal"])
  return [
    ...reasoning(message, index, realm),
    ...content(message["content"], index),
    ...(refusal ? [{ _tag: "Refusal", index, text: refusal } as const] : [])
  ]
}

/** Tool calls, the form before them included. */
export const calls = (message: JsonObject): ReadonlyArray<JsonObject> => {
  const legacy = Json.record(message["function_call"])
  // Some vendors leave an empty one in every answer.
  const called = Boolean(legacy["name"] || legacy["arguments"])
  return [...Json.records(message["tool_calls"]), ...(called ? [{ function: legacy }] : [])]
}

export type ToolCallEvent = ChatEvent & { readonly _tag: "ToolCall" }

/** Gives each piece of a tool call its place, whatever the vendor says or leaves out about it. */
export class CallPlaces {
  /** Ids by place, in each choice. */
  private readonly known = new Map<number, Array<string>>()

  constructor(private readonly incoming: IncomingContext) {}

  /** How many calls a choice has made. */
  count(index: number): number {
    return this.known.get(index)?.length ?? 0
  }

  /** The next piece of a call in a stream. */
  piece(call: JsonObject, index: number): ToolCallEvent {
    const name = Json.text(Json.record(call["function"])["name"]) || undefined
    const ids = this.known.get(index) ?? []
    return this.event(call, index, placeOf(Json.number(call["index"]), Json.text(call["id"]) || undefined, name, ids))
  }

  /** A whole call. */
  whole(call: JsonObject, index: number): ToolCallEvent {
    return this.event(call, index, this.count(index))
  }

  private event(call: JsonObject, index: number, place: number): ToolCallEvent {
    const target = Json.record(call["function"])
    const name = Json.text(target["name"]) || undefined
    const args = target["arguments"]
    const google = Json.record(Json.record(call["extra_content"])["google"])
    const signature = Json.text(google["thought_signature"])
    const ids = this.known.get(index) ?? []
    this.known.set(index, ids)
    const id = Json.text(call["id"]) || undefined
    const first = place === ids.length
    if (first) ids.push(id ?? this.incoming.fresh("call_"))
    return {
      _tag: "ToolCall",
      index,
      call: place,
      id: first ? ids[place] : undefined,
      name: first ? name : undefined,
      arguments: Json.text(args) ?? (args === undefined || args === null ? "" : Json.stringify(args)),
      ...(signature === undefined ? {} : { seal: { origin: this.incoming.realm, value: signature } })
    }
  }
}

/**
 * Mistral gives no index, Gemini's compatible endpoint gives 0 to every call: a new id with a name is a new call. An index
 * may skip places; the next free one is taken.
 */
const placeOf = (
  said: number | undefined,
  id: string | undefined,
  name: string | undefined,
  ids: ReadonlyArray<string>
): number => {
  const known = id === undefined ? -1 : ids.indexOf(id)
  if (known >= 0) return known
  if (id !== undefined && name !== undefined) return ids.length
  if (said !== undefined) return Math.min(Math.max(0, Math.trunc(said)), ids.length)
  return name === undefined ? Math.max(0, ids.length - 1) : ids.length
}

/** `reasoning_details` repeat what the plain members say. */
const reasoning = (message: JsonObject, index: number, realm: string): ReadonlyArray<ChatEvent> => {
  const details = Json.records(message["reasoning_details"])
  const text = plain(message["reasoning_content"]) || plain(message["reasoning"])
  const told = details.flatMap((detail) => ofDetail(detail, index, realm))
  if (told.some(({ _tag }) => _tag === "Reasoning") || text === "") return told
  return [{ _tag: "Reasoning", index, text }, ...told]
}

const ofDetail = (detail: JsonObject, index: number, origin: string): ReadonlyArray<ChatEvent> => {
  const data = Json.text(detail["data"])
  if (data) return [{ _tag: "Sealed", index, seal: { origin, value: data } }]
  const text = Json.text(detail["text"]) ?? Json.text(detail["summary"]) ?? ""
  const signature = Json.text(detail["signature"])
  return [
    ...(text === "" ? [] : [{ _tag: "Reasoning", index, text } as const]),
    ...(signature ? [{ _tag: "Signature", index, seal: { origin, value: signature } } as const] : [])
  ]
}

/** Content is a string, or with some vendors an array of parts, in which Mistral also thinks. */
const content = (value: unknown, index: number): ReadonlyArray<ChatEvent> => {
  if (typeof value === "string") return value === "" ? [] : [{ _tag: "Text", index, text: value }]
  return Json.records(value).flatMap((part): ReadonlyArray<ChatEvent> => {
    const thought = part["type"] === "thinking" ? plain(part["thinking"]) : ""
    const text = Json.text(part["text"]) ?? ""
    return [
      ...(thought === "" ? [] : [{ _tag: "Reasoning", index, text: thought } as const]),
      ...(text === "" ? [] : [{ _tag: "Text", index, text } as const])
    ]
  })
}

/** A string, or the texts in an array of parts. */
const plain = (value: unknown): string =>
  typeof value === "string"
    ? value
    : Json.records(value)
        .map((part) => Json.text(part["text"]) ?? "")
        .join("")
