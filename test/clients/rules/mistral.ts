import * as Json from "../../../src/protocol/Json.js"
import { callsAnswered, callsFormed, closed, contents, idsLike } from "./chat.js"
import { all, unless, words, type Rules } from "./Rules.js"

/** `extra_forbidden` (422) for anything else. Source: https://docs.mistral.ai/api/endpoint/chat */
const known = closed({
  request: words(
    `model messages stream tools tool_choice parallel_tool_calls response_format max_tokens temperature top_p
    presence_penalty frequency_penalty stop random_seed n prediction prompt_mode reasoning_effort safe_prompt metadata`
  ),
  messages: {
    system: words("role content"),
    user: words("role content"),
    assistant: words("role content tool_calls prefix"),
    tool: words("role content tool_call_id name")
  }
})

/**
 * "Unexpected role 'user' after role 'tool'" (400, code 3230), and "Expected last role User or Tool". Source:
 * https://github.com/avante-corp/avante.nvim/issues/2562 and many like it.
 */
const order: Rules = ({ messages }) => {
  const roles = Json.records(messages).map(({ role }) => role)
  return [
    ...roles.flatMap((role, at) =>
      unless(role !== "user" || roles[at - 1] !== "tool", `messages[${at}]: unexpected role user after role tool`)
    ),
    ...unless(roles.at(-1) === "user" || roles.at(-1) === "tool", "the last role is neither user nor tool")
  ]
}

/** The rules of Mistral. Its own client sends what a tool showed in the tool's message, as `image_url`. */
export const mistral: Rules = all(
  ...known,
  callsAnswered,
  callsFormed,
  // "Tool call id was ... but must be a-z, A-Z, 0-9, with a length of 9."
  idsLike(/^[a-zA-Z0-9]{9}$/),
  contents({
    system: words("text"),
    user: words("text image_url document_url input_audio"),
    assistant: words("text thinking"),
    tool: words("text image_url")
  }),
  order
)
