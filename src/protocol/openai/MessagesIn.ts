import type { CacheMark, Message, Part, Source } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import { cacheOf } from "../CacheMarks.js"
import * as Json from "../Json.js"
import * as JsonText from "../JsonText.js"
import * as Seals from "../Seals.js"
import { native } from "./Native.js"
import { says } from "./Says.js"
import * as Thoughts from "./Thoughts.js"

/** The messages of a request. */
export const messagesOf = (value: unknown): ReadonlyArray<Message> => {
  const names = new Map<string, string>()
  return Json.records(value).map((message): Message => {
    switch (message["role"]) {
      case "system":
      case "developer":
        return { role: "system", parts: marked(partsOf(message["content"]), cacheOf(message)) }
      case "assistant": {
        const parts = assistantParts(message)
        for (const part of parts) if (part._tag === "ToolCall") names.set(part.id, part.name)
        return { role: "assistant", parts }
      }
      case "tool":
      case "function": {
        const id = Json.text(message["tool_call_id"]) ?? Json.text(message["name"]) ?? ""
        const name = names.get(id) ?? Json.text(message["name"])
        const parts = partsOf(message["content"])
        return {
          role: "user",
          parts: [{ _tag: "ToolResult", id, name, parts, failed: false, cache: cacheOf(message) }]
        }
      }
      default:
        return { role: "user", parts: marked(partsOf(message["content"]), cacheOf(message)) }
    }
  })
}

/** A mark on the message is one on its last part. */
const marked = (parts: ReadonlyArray<Part>, cache: CacheMark | undefined): ReadonlyArray<Part> => {
  const last = parts.at(-1)
  return cache === undefined || last?._tag !== "Text" ? parts : [...parts.slice(0, -1), { ...last, cache }]
}

const assistantParts = (message: JsonObject): ReadonlyArray<Part> => {
  const legacy = Json.record(message["function_call"])
  const legacyName = Json.text(legacy["name"])
  const refusal = Json.text(message["refusal"])
  return [
    ...reasoningParts(message),
    ...partsOf(message["content"]),
    ...(refusal ? [{ _tag: "Refusal", text: refusal } as const] : []),
    // What was spoken is known by its id, to its maker.
    ...(Json.isRecord(message["audio"]) ? [{ _tag: "Foreign", kind: "audio" } as const] : []),
    ...Json.records(message["tool_calls"]).map(toolCall),
    ...(legacyName === undefined
      ? []
      : [
          {
            _tag: "ToolCall",
            // The result that answers it is known by the function's name alone.
            id: legacyName,
            name: legacyName,
            arguments: Json.text(legacy["arguments"]) ?? "",
            seal: undefined,
            cache: undefined
          } as const
        ])
  ]
}

const toolCall = (call: JsonObject): Part => {
  const target = Json.record(call["function"])
  const name = Json.text(target["name"])
  if (name === undefined) return { _tag: "Foreign", kind: `tool_calls.${Json.text(call["type"]) ?? "unknown"}` }
  const google = Json.record(Json.record(call["extra_content"])["google"])
  const signature = Json.text(google["thought_signature"])
  return {
    _tag: "ToolCall",
    id: Json.text(call["id"]) ?? name,
    name,
    arguments: Json.text(target["arguments"]) ?? JsonText.of(target["arguments"] ?? {}),
    seal: signature ? Seals.read(signature, native.toolCall) : undefined,
    cache: undefined
  }
}

/** `reasoning_details` say what the plain members say, and more. Many clients send them as the pieces that came. */
const reasoningParts = (message: JsonObject): ReadonlyArray<Part> => {
  const thoughts: Array<Thought> = []
  const details = Json.records(message["reasoning_details"])
  let at: unknown
  for (const detail of details) {
    const thought = thoughtOf(detail)
    const last = thoughts.at(-1)
    const goesOn = at !== undefined && at === detail["index"] && last?.data === undefined && !last?.signature
    at = detail["index"]
    if (goesOn && last !== undefined && thought.data === undefined) {
      thoughts.splice(-1, 1, { ...thought, text: last.text + thought.text })
    } else thoughts.push(thought)
  }
  const parts = thoughts.flatMap(Thoughts.isTail(details) || thoughts.some(isTorn) ? unsealed : partOfThought)
  if (parts.length > 0) return parts
  const text = Json.text(message["reasoning_content"]) ?? Json.text(message["reasoning"])
  return text ? [{ _tag: "Reasoning", text, seal: undefined }] : []
}

interface Thought {
  readonly text: string
  readonly signature: string | undefined
  /** Instead of a text. */
  readonly data: string | undefined
}

const thoughtOf = (detail: JsonObject): Thought => ({
  text: Json.text(detail["text"]) ?? Json.text(detail["summary"]) ?? "",
  signature: Json.text(detail["signature"]) || undefined,
  data: Json.text(detail["data"]) || undefined
})

/** Of a thought that came in pieces some are missing, so that its seal is of another text. */
const isTorn = ({ signature, text }: Thought): boolean =>
  signature !== undefined && Thoughts.read(signature, text) === undefined

/** Seals go back together or not at all: a maker wants the whole sequence of thoughts as it was. */
const unsealed = ({ text }: Thought): ReadonlyArray<Part> =>
  text === "" ? [] : [{ _tag: "Reasoning", text, seal: undefined }]

const partOfThought = ({ data, signature, text }: Thought): ReadonlyArray<Part> => {
  if (data !== undefined) return [{ _tag: "Sealed", seal: Seals.read(data, native.details) }]
  const seal = signature === undefined ? undefined : Thoughts.read(signature, text)
  return text === "" && seal === undefined ? [] : [{ _tag: "Reasoning", text, seal }]
}

const partsOf = (content: unknown): ReadonlyArray<Part> => {
  if (typeof content === "string") return content === "" ? [] : [{ _tag: "Text", text: content, cache: undefined }]
  return Json.records(content).map(partOf)
}

const partOf = (part: JsonObject): Part => {
  const type = Json.text(part["type"]) ?? "unknown"
  const cache = cacheOf(part)
  switch (type) {
    case "text":
      return { _tag: "Text", text: Json.text(part["text"]) ?? "", cache }
    case "image_url": {
      const image = Json.record(part["image_url"])
      const url = Json.text(image["url"]) ?? Json.text(part["image_url"])
      if (url === undefined) break
      const detail = Json.text(image["detail"])
      return { _tag: "Image", source: sourceOf(url), detail: detail === "auto" ? undefined : detail, cache }
    }
    case "input_audio": {
      const audio = Json.record(part["input_audio"])
      return { _tag: "Audio", format: Json.text(audio["format"]) ?? "wav", data: Json.text(audio["data"]) ?? "" }
    }
    case "file": {
      const file = Json.record(part["file"])
      const data = Json.text(file["file_data"])
      if (data === undefined) break
      return { _tag: "Document", source: sourceOf(data), name: Json.text(file["filename"]), cache }
    }
    case "refusal":
      return { _tag: "Refusal", text: Json.text(part["refusal"]) ?? "" }
  }
  return { _tag: "Foreign", kind: type }
}

/** A data URL is the thing itself. */
const sourceOf = (url: string): Source => {
  const comma = url.startsWith("data:") ? url.indexOf(",") : -1
  const head = comma < 0 ? "" : url.slice("data:".length, comma)
  if (!head.endsWith(";base64")) return { _tag: "Url", url }
  return { _tag: "Base64", mediaType: head.split(";", 1)[0] ?? "", data: url.slice(comma + 1) }
}

/** Members of messages that no other dialect has a place for, as the `name` of who speaks. */
export const beyondMessages = (messages: unknown): ReadonlyArray<string> => {
  const names = Json.records(messages).flatMap((message) =>
    Object.keys(message).filter(
      (key) => !ofMessages.has(key) && says(message[key], key) && !(key === "name" && isTools(message["role"]))
    )
  )
  return [...new Set(names)].map((name) => `messages.${name}`)
}

const isTools = (role: unknown): boolean => role === "tool" || role === "function"

const ofMessages = new Set(
  `role content tool_calls tool_call_id refusal reasoning_content reasoning reasoning_details function_call annotations
  audio cache_control`.split(/\s+/)
)
