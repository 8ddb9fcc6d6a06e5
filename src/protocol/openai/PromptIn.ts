import type {
  AnswerFormat,
  CacheMark,
  Message,
  Part,
  Prompt,
  Source,
  Thinking,
  Tool,
  ToolChoice
} from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Once from "../Once.js"
import * as Seals from "../Seals.js"

/** The prompt in a request's bytes, read when it is first needed. */
export const once = (body: Uint8Array): (() => Prompt) => Once.once(body, prompt)

/** Unmarked seals in `reasoning_details` are OpenRouter's, whose member it is; those on tool calls are Google's. */
export const native = { details: "openrouter", toolCall: "gemini" }

/** What an OpenAI request asks for. Whatever is of the wrong type is passed over; the gateway's schema came before. */
export const prompt = (json: JsonObject): Prompt => {
  const { foreign, tools } = toolsOf(json)
  const choice = toolChoice(json["tool_choice"] ?? json["function_call"])
  return {
    messages: messagesOf(json["messages"]),
    tools,
    toolChoice: choice,
    parallelTools: Json.boolean(json["parallel_tool_calls"]),
    format: formatOf(Json.record(json["response_format"])),
    maxTokens: Json.number(json["max_completion_tokens"]) ?? Json.number(json["max_tokens"]),
    temperature: Json.number(json["temperature"]),
    topP: Json.number(json["top_p"]),
    topK: Json.number(json["top_k"]),
    stop: typeof json["stop"] === "string" ? [json["stop"]] : strings(json["stop"]),
    seed: Json.number(json["seed"]),
    presencePenalty: Json.number(json["presence_penalty"]),
    frequencyPenalty: Json.number(json["frequency_penalty"]),
    choices: Json.number(json["n"]),
    thinking: thinkingOf(json),
    user: Json.text(json["user"]) ?? Json.text(json["safety_identifier"]),
    foreign: [
      ...Object.keys(json).filter((key) => !known.has(key) && says(json[key])),
      ...foreign,
      ...(choice === undefined && Json.isRecord(json["tool_choice"]) ? ["tool_choice"] : [])
    ]
  }
}

const known = new Set(
  `model messages stream stream_options fallback models provider require tools functions tool_choice function_call
  parallel_tool_calls response_format max_tokens max_completion_tokens temperature top_p top_k stop seed presence_penalty
  frequency_penalty n reasoning_effort reasoning thinking user safety_identifier`.split(/\s+/)
)

/** What is null, false or empty asks for nothing. */
const says = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== false &&
  !(Array.isArray(value) && value.length === 0) &&
  !(Json.isRecord(value) && Object.keys(value).length === 0)

const strings = (value: unknown): ReadonlyArray<string> =>
  Json.list(value).filter((item): item is string => typeof item === "string")

// ---------------------------------------------------------------------------------------------- messages

const messagesOf = (value: unknown): ReadonlyArray<Message> => {
  const names = new Map<string, string>()
  return Json.records(value).map((message): Message => {
    switch (message["role"]) {
      case "system":
      case "developer":
        return { role: "system", parts: partsOf(message["content"]) }
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
        return { role: "user", parts: partsOf(message["content"]) }
    }
  })
}

const assistantParts = (message: JsonObject): ReadonlyArray<Part> => {
  const legacy = Json.record(message["function_call"])
  const legacyName = Json.text(legacy["name"])
  const refusal = Json.text(message["refusal"])
  return [
    ...reasoningParts(message),
    ...partsOf(message["content"]),
    ...(refusal ? [{ _tag: "Refusal", text: refusal } as const] : []),
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
    arguments: Json.text(target["arguments"]) ?? Json.stringify(target["arguments"] ?? {}),
    seal: signature === undefined ? undefined : Seals.read(signature, native.toolCall),
    cache: undefined
  }
}

/** `reasoning_details` say what the plain members say, and more. Many clients send them as the pieces that came. */
const reasoningParts = (message: JsonObject): ReadonlyArray<Part> => {
  const details = Json.records(message["reasoning_details"])
  const parts: Array<Part> = []
  let thought: unknown
  for (const detail of details) {
    const part = reasoningDetail(detail)
    const last = parts.at(-1)
    const goesOn = thought !== undefined && thought === detail["index"]
    thought = detail["index"]
    if (goesOn && part?._tag === "Reasoning" && last?._tag === "Reasoning" && last.seal === undefined) {
      parts.splice(-1, 1, { ...part, text: last.text + part.text })
    } else if (part !== undefined) parts.push(part)
  }
  if (parts.length > 0) return parts
  const text = Json.text(message["reasoning_content"]) ?? Json.text(message["reasoning"])
  return text ? [{ _tag: "Reasoning", text, seal: undefined }] : []
}

const reasoningDetail = (detail: JsonObject): Part | undefined => {
  const data = Json.text(detail["data"])
  if (data !== undefined) return { _tag: "Sealed", seal: Seals.read(data, native.details) }
  const text = Json.text(detail["text"]) ?? Json.text(detail["summary"]) ?? ""
  const signature = Json.text(detail["signature"])
  if (text === "" && !signature) return undefined
  return { _tag: "Reasoning", text, seal: signature ? Seals.read(signature, native.details) : undefined }
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
  return { _tag: "Base64", mediaType: head.slice(0, -";base64".length), data: url.slice(comma + 1) }
}

/** Anthropic's mark, which OpenRouter and others take in OpenAI's shape. */
const cacheOf = (part: JsonObject): CacheMark | undefined => {
  const mark = part["cache_control"]
  return Json.isRecord(mark) ? { ttl: mark["ttl"] === "1h" ? "1h" : "5m" } : undefined
}

// ---------------------------------------------------------------------------------------------- the rest

const toolsOf = (
  json: JsonObject
): { readonly tools: ReadonlyArray<Tool>; readonly foreign: ReadonlyArray<string> } => {
  const tools: Array<Tool> = []
  const foreign: Array<string> = []
  const declared = Json.records(json["tools"])
  for (const tool of declared) {
    const made = toolOf(Json.record(tool["function"]), cacheOf(tool))
    if (tool["type"] === "function" && made !== undefined) tools.push(made)
    else foreign.push(`tools.${Json.text(tool["type"]) ?? "unknown"}`)
  }
  if (declared.length === 0) {
    for (const legacy of Json.records(json["functions"])) {
      const made = toolOf(legacy, undefined)
      if (made !== undefined) tools.push(made)
    }
  }
  return { tools, foreign }
}

const toolOf = (target: JsonObject, cache: CacheMark | undefined): Tool | undefined => {
  const name = Json.text(target["name"])
  if (name === undefined) return undefined
  const { parameters } = target
  return {
    name,
    description: Json.text(target["description"]),
    parameters: Json.isRecord(parameters) ? parameters : undefined,
    strict: Json.boolean(target["strict"]),
    cache
  }
}

const toolChoice = (choice: unknown): ToolChoice | undefined => {
  if (choice === "auto") return { _tag: "Auto" }
  if (choice === "none") return { _tag: "None" }
  if (choice === "required" || choice === "any") return { _tag: "Required" }
  const named = Json.record(choice)
  const name = Json.text(Json.record(named["function"])["name"]) ?? Json.text(named["name"])
  return name === undefined ? undefined : { _tag: "Tool", name }
}

const formatOf = (format: JsonObject): AnswerFormat | undefined => {
  if (format["type"] === "json_object") return { _tag: "Json" }
  if (format["type"] !== "json_schema") return undefined
  const { description, name, schema, strict } = Json.record(format["json_schema"])
  return {
    _tag: "JsonSchema",
    name: Json.text(name),
    description: Json.text(description),
    schema: Json.record(schema),
    strict: Json.boolean(strict)
  }
}

/** OpenAI's `reasoning_effort`, OpenRouter's `reasoning`, DeepSeek's and Z.ai's `thinking`. */
const thinkingOf = (json: JsonObject): Thinking | undefined => {
  const reasoning = Json.record(json["reasoning"])
  const thinking = Json.record(json["thinking"])
  const effort = Json.text(json["reasoning_effort"]) ?? Json.text(reasoning["effort"])
  const budgetTokens = Json.number(reasoning["max_tokens"]) ?? Json.number(thinking["budget_tokens"])
  const off = effort === "none" || reasoning["enabled"] === false || thinking["type"] === "disabled"
  const on = effort !== undefined || budgetTokens !== undefined
  if (off) return { enabled: false, effort: undefined, budgetTokens: undefined }
  if (!on && reasoning["enabled"] !== true && thinking["type"] !== "enabled") return undefined
  return { enabled: true, effort, budgetTokens }
}
