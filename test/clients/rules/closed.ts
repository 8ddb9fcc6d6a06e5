import { callsAnswered, callsFormed, closed, contents } from "./chat.js"
import { all, words, type Rules } from "./Rules.js"

/** Hosts of open models that know what their documentation names, and refuse the rest. */

const chat = all(
  callsAnswered,
  callsFormed,
  contents({
    system: words("text"),
    user: words("text image_url"),
    assistant: words("text"),
    tool: words("text")
  })
)

const request = `model messages stream tools tool_choice parallel_tool_calls response_format max_tokens
  max_completion_tokens temperature top_p stop seed n user reasoning_effort reasoning_format service_tier`

const messages = {
  system: words("role content"),
  user: words("role content"),
  assistant: words("role content tool_calls"),
  tool: words("role content tool_call_id")
}

/**
 * "for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]", and
 * so with `name`. Sources: https://console.groq.com/docs/api-reference, https://console.groq.com/docs/openai
 */
export const groq: Rules = all(
  ...closed({
    request: words(`${request} stream_options presence_penalty frequency_penalty include_reasoning metadata store`),
    messages
  }),
  chat
)

/**
 * "property 'messages.2.assistant.reasoning_content' is unsupported" (`wrong_api_format`); penalties are not there.
 * Source: https://inference-docs.cerebras.ai/api-reference/chat-completions
 */
export const cerebras: Rules = all(
  ...closed({ request: words(`${request} stream_options logprobs top_logprobs`), messages }),
  chat
)
