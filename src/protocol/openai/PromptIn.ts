import type { AnswerFormat, CacheMark, Prompt, Thinking, Tool, ToolChoice } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import { cacheOf } from "../CacheMarks.js"
import * as Json from "../Json.js"
import * as Once from "../Once.js"
import { amongTools } from "../ToolChoices.js"
import { beyondMessages, messagesOf } from "./MessagesIn.js"
import { says } from "./Says.js"

/** The prompt in a request's bytes, read when it is first needed. */
export const once = (body: Uint8Array): (() => Prompt) => Once.once(body, prompt)

/** What an OpenAI request asks for. Whatever is of the wrong type is passed over; the gateway's schema came before. */
export const prompt = (json: JsonObject): Prompt => {
  const { foreign, tools } = toolsOf(json)
  const choice = amongTools(toolChoice(json["tool_choice"] ?? json["function_call"]), tools)
  const format = formatOf(Json.record(json["response_format"]))
  return {
    messages: messagesOf(json["messages"]),
    tools,
    toolChoice: choice,
    parallelTools: Json.boolean(json["parallel_tool_calls"]),
    format,
    maxTokens: Json.number(json["max_completion_tokens"]) ?? Json.number(json["max_tokens"]),
    temperature: Json.number(json["temperature"]),
    topP: Json.number(json["top_p"]),
    topK: Json.number(json["top_k"]),
    stop: typeof json["stop"] === "string" ? [json["stop"]] : strings(json["stop"]),
    seed: Number.isSafeInteger(json["seed"]) ? Json.number(json["seed"]) : undefined,
    presencePenalty: Json.number(json["presence_penalty"]),
    frequencyPenalty: Json.number(json["frequency_penalty"]),
    choices: Json.number(json["n"]),
    thinking: thinkingOf(json),
    user: Json.text(json["user"]) ?? Json.text(json["safety_identifier"]),
    foreign: [
      ...Object.keys(json).filter((key) => !known.has(key) && says(json[key], key)),
      ...foreign,
      ...beyondMessages(json["messages"]),
      ...(says(json["seed"], "seed") && !Number.isSafeInteger(json["seed"]) ? ["seed"] : []),
      ...(choice === undefined && Json.isRecord(json["tool_choice"]) ? ["tool_choice"] : []),
      ...(format === undefined && asksForFormat(json["response_format"]) ? ["response_format"] : [])
    ]
  }
}

const known = new Set(
  `model messages stream stream_options fallback mid_stream models provider require tools functions tool_choice function_call
  parallel_tool_calls response_format max_tokens max_completion_tokens temperature top_p top_k stop seed presence_penalty
  frequency_penalty n reasoning_effort reasoning thinking user safety_identifier`.split(/\s+/)
)

/** Some vendors have formats of their own, as `regex` or `grammar`. */
const asksForFormat = (format: unknown): boolean =>
  Json.isRecord(format) && Json.text(format["type"]) !== undefined && format["type"] !== "text"

const strings = (value: unknown): ReadonlyArray<string> =>
  Json.list(value).filter((item): item is string => typeof item === "string")

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
