import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/**
 * Reasoning in a history for vendors who refuse a conversation with tool calls in which a turn does not show its own.
 * Other vendors gave none, and many clients keep none.
 */

/** What is shown where there was none: newer models of DeepSeek refuse an empty text (NousResearch/hermes-agent#17341). */
export const none = " "

/** Is there a call of a tool, and a turn without `reasoning_content`? */
export const lacksIn = (messages: unknown): boolean => {
  const answers = Json.records(messages).filter(isAnswer)
  return answers.some(calls) && answers.some((message) => !Json.text(message["reasoning_content"]))
}

/** The messages with `reasoning_content` in each turn: what the caller kept of it under another name, or none. */
export const shown = (messages: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  messages.map((message) => {
    if (!Json.isRecord(message) || !isAnswer(message) || Json.text(message["reasoning_content"])) return message
    return { ...message, reasoning_content: textIn(message) || none }
  })

const isAnswer = (message: JsonObject): boolean => message["role"] === "assistant"

const calls = (message: JsonObject): boolean => Json.list(message["tool_calls"]).length > 0

/** OpenRouter's names for it. */
const textIn = (message: JsonObject): string =>
  Json.text(message["reasoning"]) ||
  Json.records(message["reasoning_details"])
    .map((detail) => Json.text(detail["text"]) ?? Json.text(detail["summary"]) ?? "")
    .join("")
