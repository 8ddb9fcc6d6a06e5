import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as JsonText from "../JsonText.js"

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

/** The tool calls of one choice so far. */
interface Known {
  /** By place. */
  readonly ids: Array<string>
  /** The place of the last call that came with this index. */
  readonly places: Map<number, number>
}

/** No model calls nearly as many; whoever reads an answer takes what throws for an unreadable one. */
const mostCalls = 1_024

/** Gives each piece of a tool call its place, whatever the vendor says or leaves out about it. */
export class CallPlaces {
  /** By choice. */
  private readonly known = new Map<number, Known>()

  constructor(private readonly incoming: IncomingContext) {}

  /** How many calls a choice has made. */
  count(index: number): number {
    return this.known.get(index)?.ids.length ?? 0
  }

  /** The next piece of a call in a stream. */
  piece(call: JsonObject, index: number): ToolCallEvent {
    const known = this.of(index)
    const place = placeOf(call, known)
    const told = Json.number(call["index"])
    if (told !== undefined) known.places.set(told, place)
    return this.event(call, index, place)
  }

  /** A whole call. */
  whole(call: JsonObject, index: number): ToolCallEvent {
    return this.event(call, index, this.count(index))
  }

  private of(index: number): Known {
    const known = this.known.get(index) ?? { ids: [], places: new Map() }
    this.known.set(index, known)
    return known
  }

  private event(call: JsonObject, index: number, place: number): ToolCallEvent {
    const target = Json.record(call["function"])
    const google = Json.record(Json.record(call["extra_content"])["google"])
    const signature = Json.text(google["thought_signature"])
    const { ids } = this.of(index)
    const first = place === ids.length
    if (place >= mostCalls) throw new Error("too many tool calls")
    if (first) ids.push(Json.text(call["id"]) || this.incoming.fresh("call_"))
    return {
      _tag: "ToolCall",
      index,
      call: place,
      id: first ? ids[place] : undefined,
      name: first ? nameOf(call) : undefined,
      arguments: Json.text(target["arguments"]) ?? JsonText.of(target["arguments"]),
      ...(signature ? { seal: { origin: this.incoming.realm, value: signature } } : {})
    }
  }
}

const nameOf = (call: JsonObject): string | undefined => Json.text(Json.record(call["function"])["name"]) || undefined

/**
 * Mistral gives no index, Gemini's compatible endpoint gives 0 to every call: a new id with a name is a new call. Indices
 * may begin anywhere and skip places. A piece that names nothing goes on with a call, if there is one.
 */
const placeOf = (call: JsonObject, { ids, places }: Known): number => {
  const id = Json.text(call["id"]) || undefined
  const name = nameOf(call)
  const told = Json.number(call["index"])
  const known = id === undefined ? -1 : ids.indexOf(id)
  if (known >= 0) return known
  if (id !== undefined && name !== undefined) return ids.length
  const place = told === undefined ? undefined : places.get(told)
  if (place !== undefined) return place
  const begins = name !== undefined || (id !== undefined && told !== undefined)
  return begins ? ids.length : Math.max(0, ids.length - 1)
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
