import * as Json from "../../../src/protocol/Json.js"
import { callsAnswered, callsFormed, contents, eachMessage, toolChosen } from "./chat.js"
import { all, unless, words, type Rules } from "./Rules.js"

/**
 * "The `reasoning_content` in the thinking mode must be passed back to the API." Newer models refuse an empty one too
 * (https://github.com/NousResearch/hermes-agent/pull/17341). Source: https://api-docs.deepseek.com/guides/thinking_mode
 */
const thoughtful: Rules = eachMessage((message, where) =>
  unless(
    Json.records(message["tool_calls"]).length === 0 || Boolean(message["reasoning_content"]),
    `${where} calls tools without reasoning_content`
  )
)

const chat = all(
  callsAnswered,
  callsFormed,
  toolChosen,
  contents({
    system: words("text"),
    user: words("text image_url"),
    assistant: words("text"),
    tool: words("text")
  })
)

/** The rules of DeepSeek while it thinks, which it does unasked. Members that it does not know it passes over. */
export const deepseek: Rules = all(chat, thoughtful)

/**
 * The rules of Moonshot: "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2".
 * Source: https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model
 */
export const moonshot: Rules = all(chat, thoughtful)
