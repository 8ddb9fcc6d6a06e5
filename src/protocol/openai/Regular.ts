import type { JsonObject } from "../Dialects.js"
import * as Finish from "./Finish.js"

/**
 * Is a whole answer plainly in OpenAI's shape, so that there is nothing to repair? Nearly every one is, and then nothing
 * more is made of it than its bytes. It may say no where `Repair` would find nothing, never yes where it would find
 * something.
 */
export const isRegular = (json: JsonObject): boolean => {
  const { choices, created, error, id, model, object, provider, usage } = json
  return (
    typeof id === "string" &&
    object === "chat.completion" &&
    typeof created === "number" &&
    created < 1e11 &&
    typeof model === "string" &&
    error === undefined &&
    provider !== null &&
    Array.isArray(choices) &&
    choices.length > 0 &&
    choices.length < 16 &&
    choices.every(isChoice) &&
    isUsage(usage)
  )
}

const isChoice = (choice: unknown): boolean => {
  if (!isObject(choice)) return false
  const { finish_reason, index, logprobs, message } = choice
  return (
    typeof index === "number" &&
    Finish.words.has(finish_reason) &&
    (logprobs === undefined || logprobs === null) &&
    isObject(message) &&
    isMessage(message)
  )
}

const isMessage = (message: JsonObject): boolean => {
  const { annotations, content, reasoning, reasoning_content, reasoning_details, role, tool_calls } = message
  return (
    role === "assistant" &&
    (typeof content === "string" || content === null) &&
    (annotations === undefined || annotations === null || (Array.isArray(annotations) && annotations.length === 0)) &&
    (reasoning === undefined || reasoning === null || typeof reasoning === "string") &&
    (reasoning_content === undefined || reasoning_content === null || typeof reasoning_content === "string") &&
    reasoning_details === undefined &&
    (tool_calls === undefined || (Array.isArray(tool_calls) && tool_calls.every(isCall)))
  )
}

const isCall = (call: unknown): boolean => {
  if (!isObject(call)) return false
  const { extra_content, function: target, id, type } = call
  return (
    typeof id === "string" &&
    id !== "" &&
    type === "function" &&
    extra_content === undefined &&
    isObject(target) &&
    typeof target["arguments"] === "string" &&
    target["arguments"] !== ""
  )
}

const isUsage = (usage: unknown): boolean => {
  if (usage === undefined) return true
  if (!isObject(usage)) return false
  const { completion_tokens, completion_tokens_details, prompt_tokens, prompt_tokens_details, total_tokens } = usage
  return (
    typeof prompt_tokens === "number" &&
    typeof completion_tokens === "number" &&
    typeof total_tokens === "number" &&
    counts(prompt_tokens_details, "cached_tokens") &&
    counts(completion_tokens_details, "reasoning_tokens")
  )
}

const counts = (details: unknown, name: string): boolean => !isObject(details) || typeof details[name] === "number"

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)
