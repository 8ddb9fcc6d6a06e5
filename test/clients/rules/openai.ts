import { callsAnswered, callsFormed, closed, contents, idsLike, toolChosen } from "./chat.js"
import { all, unless, words, type Rules } from "./Rules.js"

/**
 * What OpenAI refuses of a reasoning model (`Unsupported parameter: 'max_tokens' is not supported with this model`,
 * `Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.`).
 * Source: https://platform.openai.com/docs/guides/reasoning
 */
const reasoning: Rules = (request) => [
  ...unless(!("max_tokens" in request), "max_tokens is not for a reasoning model"),
  ...(["temperature", "top_p"] as const).flatMap((name) =>
    unless((request[name] ?? 1) === 1, `${name} is not for a reasoning model`)
  ),
  ...(["presence_penalty", "frequency_penalty"] as const).flatMap((name) =>
    unless((request[name] ?? 0) === 0, `${name} is not for a reasoning model`)
  )
]

/** Source: https://platform.openai.com/docs/api-reference/chat/create; what is not there is an "Unknown parameter". */
const known = closed({
  request: words(
    `model messages stream stream_options tools tool_choice parallel_tool_calls response_format max_tokens
    max_completion_tokens temperature top_p presence_penalty frequency_penalty stop seed n user logit_bias logprobs
    top_logprobs reasoning_effort verbosity store metadata modalities prediction service_tier safety_identifier
    prompt_cache_key web_search_options functions function_call audio`
  ),
  messages: {
    developer: words("role content name"),
    system: words("role content name"),
    user: words("role content name"),
    // `parsed` is in what its own SDK hands out and takes back, `name` in its older guides.
    assistant: words("role content name refusal audio tool_calls function_call annotations parsed"),
    tool: words("role content tool_call_id name")
  }
})

/**
 * The rules of OpenAI for its reasoning models. Ids of calls: "string too long. Expected a string with maximum length 40".
 * Pictures: "Image URLs are only allowed for messages with role 'user'".
 */
export const openai: Rules = all(
  ...known,
  callsAnswered,
  callsFormed,
  toolChosen,
  idsLike(/^[^]{1,40}$/),
  contents({
    developer: words("text"),
    system: words("text"),
    user: words("text image_url input_audio file"),
    assistant: words("text refusal"),
    tool: words("text")
  }),
  reasoning
)
