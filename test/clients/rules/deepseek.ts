import * as Json from "../../../src/protocol/Json.js"
import { callsAnswered, callsFormed, contents, toolChosen } from "./chat.js"
import { all, unless, words, type Rules } from "./Rules.js"

/**
 * "The `reasoning_content` in the thinking mode must be passed back to the API." Newer models refuse an empty one too
 * (https://github.com/NousResearch/hermes-agent/pull/17341). Source: https://api-docs.deepseek.com/guides/thinking_mode
 */
const thoughtful: Rules = (request) => {
  const answers = Json.records(request["messages"]).filter(({ role }) => role === "assistant")
  const calls = answers.some((message) => Json.records(message["tool_calls"]).length > 0)
  const thought = answers.every((message) => Boolean(message["reasoning_content"]))
  return unless(!calls || thought, "tools are called, and a turn has no reasoning_content")
}

const chat = (...results: ReadonlyArray<string>): Rules =>
  all(
    callsAnswered,
    callsFormed,
    toolChosen,
    contents({
      system: words("text"),
      user: words("text image_url"),
      assistant: words("text"),
      tool: new Set(results)
    })
  )

/**
 * The rules of DeepSeek while it thinks, which it does unasked. What a tool gave is a text
 * (https://api-docs.deepseek.com/api/create-chat-completion). Members that it does not know it passes over.
 */
export const deepseek: Rules = all(chat("text"), thoughtful)

/**
 * The rules of Moonshot: "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2".
 * Source: https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model
 */
export const moonshot: Rules = all(chat("text", "image_url"), thoughtful)
