import type { AnswerFormat, Message, Part, Prompt, Source, Thinking, Tool, ToolChoice } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import { cacheOf } from "../CacheMarks.js"
import * as Json from "../Json.js"
import * as Once from "../Once.js"
import * as Seals from "../Seals.js"
import { amongTools } from "../ToolChoices.js"
import * as ToolIds from "../ToolIds.js"
import * as Foreign from "./Foreign.js"

/** The prompt in a request's bytes, read when it is first needed. */
export const once = (body: Uint8Array): (() => Prompt) => Once.once(body, prompt)

/** Whose seals are not marked in this dialect. */
export const native = "anthropic"

/** What an Anthropic request asks for. Whatever is of the wrong type is passed over; the gateway's schema came before. */
export const prompt = (json: JsonObject): Prompt => {
  const choice = Json.record(json["tool_choice"])
  const config = Json.record(json["output_config"])
  const serial = Json.boolean(choice["disable_parallel_tool_use"])
  const system = partsOf(json["system"])
  const tools = Json.records(json["tools"]).filter(Foreign.isFunction).map(toolOf)
  const asked = toolChoice(choice)
  const chosen = amongTools(asked, tools)
  return {
    messages: [...(system.length === 0 ? [] : [{ role: "system", parts: system } as const]), ...messagesOf(json)],
    tools,
    toolChoice: chosen,
    parallelTools: serial === undefined ? undefined : !serial,
    format: formatOf(Json.record(json["output_format"] ?? config["format"])),
    maxTokens: Json.number(json["max_tokens"]),
    temperature: Json.number(json["temperature"]),
    topP: Json.number(json["top_p"]),
    topK: Json.number(json["top_k"]),
    stop: Json.list(json["stop_sequences"]).filter((item): item is string => typeof item === "string"),
    seed: undefined,
    presencePenalty: undefined,
    frequencyPenalty: undefined,
    choices: undefined,
    thinking: thinkingOf(Json.record(json["thinking"]), Json.text(config["effort"])),
    user: Json.text(Json.record(json["metadata"])["user_id"]),
    foreign: [...Foreign.of(json), ...(chosen === asked ? [] : ["tool_choice"])]
  }
}

// ---------------------------------------------------------------------------------------------- messages

const messagesOf = (json: JsonObject): ReadonlyArray<Message> => {
  const names = new Map<string, string>()
  return Json.records(json["messages"]).map(({ content, role }): Message => {
    const parts = withCallSeals(partsOf(content)).map((part): Part => {
      if (part._tag === "ToolCall") names.set(part.id, part.name)
      return part._tag === "ToolResult" ? { ...part, name: names.get(part.id) } : part
    })
    return { role: role === "assistant" || role === "system" ? role : "user", parts }
  })
}

const partsOf = (content: unknown): ReadonlyArray<Part> => {
  if (typeof content === "string") return content === "" ? [] : [{ _tag: "Text", text: content, cache: undefined }]
  return Json.records(content).map(partOf)
}

/** Other vendors sign calls, which this dialect cannot say: such a seal came as an empty thought before its call. */
const withCallSeals = (parts: ReadonlyArray<Part>): ReadonlyArray<Part> =>
  parts.flatMap((part, at): ReadonlyArray<Part> => {
    const before = parts[at - 1]
    if (part._tag === "ToolCall") return [sealsCall(before) ? { ...part, seal: before.seal } : part]
    return sealsCall(part) && parts[at + 1]?._tag === "ToolCall" ? [] : [part]
  })

const sealsCall = (part: Part | undefined): part is Part & { readonly _tag: "Reasoning" } =>
  part?._tag === "Reasoning" && part.text === "" && part.seal !== undefined && part.seal.origin !== native

const partOf = (block: JsonObject): Part => {
  const type = Json.text(block["type"]) ?? "unknown"
  const cache = cacheOf(block)
  switch (type) {
    case "text":
      return { _tag: "Text", text: Json.text(block["text"]) ?? "", cache }
    case "image": {
      const source = sourceOf(Json.record(block["source"]))
      if (source === undefined) break
      return { _tag: "Image", source, detail: undefined, cache }
    }
    case "document": {
      const source = sourceOf(Json.record(block["source"]))
      if (source === undefined) break
      return { _tag: "Document", source, name: Json.text(block["title"]), cache }
    }
    case "tool_use":
      return {
        _tag: "ToolCall",
        id: ToolIds.read(Json.text(block["id"]) ?? ""),
        name: Json.text(block["name"]) ?? "",
        arguments: Json.stringify(block["input"] ?? {}),
        seal: undefined,
        cache
      }
    case "tool_result":
      return {
        _tag: "ToolResult",
        id: ToolIds.read(Json.text(block["tool_use_id"]) ?? ""),
        name: undefined,
        parts: partsOf(block["content"]),
        failed: block["is_error"] === true,
        cache
      }
    case "thinking": {
      const signature = Json.text(block["signature"])
      const seal = signature ? Seals.read(signature, native) : undefined
      const text = Json.text(block["thinking"]) ?? ""
      return { _tag: "Reasoning", text, seal: seal?.value === "" ? undefined : seal }
    }
    case "redacted_thinking":
      return { _tag: "Sealed", seal: Seals.read(Json.text(block["data"]) ?? "", native) }
  }
  return { _tag: "Foreign", kind: type }
}

const sourceOf = (source: JsonObject): Source | undefined => {
  const data = Json.text(source["data"])
  const url = Json.text(source["url"])
  if (source["type"] === "text" && data !== undefined) return { _tag: "PlainText", text: data }
  if (url !== undefined) return { _tag: "Url", url }
  if (data === undefined) return undefined
  return { _tag: "Base64", mediaType: Json.text(source["media_type"]) ?? "application/octet-stream", data }
}

// ---------------------------------------------------------------------------------------------- the rest

const toolOf = (tool: JsonObject): Tool => ({
  name: Json.text(tool["name"]) ?? "",
  description: Json.text(tool["description"]),
  parameters: Json.isRecord(tool["input_schema"]) ? tool["input_schema"] : undefined,
  strict: Json.boolean(tool["strict"]),
  cache: cacheOf(tool)
})

const toolChoice = (choice: JsonObject): ToolChoice | undefined => {
  switch (choice["type"]) {
    case "auto":
      return { _tag: "Auto" }
    case "none":
      return { _tag: "None" }
    case "any":
      return { _tag: "Required" }
    case "tool":
      return { _tag: "Tool", name: Json.text(choice["name"]) ?? "" }
    default:
      return undefined
  }
}

const formatOf = (format: JsonObject): AnswerFormat | undefined =>
  format["type"] === "json_schema"
    ? {
        _tag: "JsonSchema",
        name: undefined,
        description: undefined,
        schema: Json.record(format["schema"]),
        strict: true
      }
    : undefined

/** `adaptive` leaves it to the model how much. An effort without `thinking` still asks for so much of it. */
const thinkingOf = (thinking: JsonObject, effort: string | undefined): Thinking | undefined => {
  const { type } = thinking
  if (type === "disabled") return { enabled: false, effort: undefined, budgetTokens: undefined }
  if (type !== "enabled" && type !== "adaptive" && effort === undefined) return undefined
  return { enabled: true, effort, budgetTokens: Json.number(thinking["budget_tokens"]) }
}
