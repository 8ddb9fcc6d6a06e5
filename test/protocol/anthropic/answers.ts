import * as FastCheck from "effect/FastCheck"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import type { Reading } from "../../../src/protocol/Dialects.js"

/** Members that a reader of Anthropic's answers looks for. */
export const members = (
  "type index message content_block delta content text thinking signature data id name input partial_json usage model " +
  "input_tokens output_tokens output_tokens_details thinking_tokens iterations stop_reason stop_sequence error __proto__"
).split(" ")

export const spoken = (readings: ReadonlyArray<Reading>): ReadonlyArray<ChatEvent> =>
  readings.flatMap(({ events }) => events)

/** Pieces of one text, one thought and one call's arguments as one event each. */
export const merged = (events: ReadonlyArray<ChatEvent>): ReadonlyArray<ChatEvent> => {
  const all: Array<ChatEvent> = []
  for (const event of events) {
    const last = all.at(-1)
    if (event._tag === "Text" && last?._tag === "Text") all.splice(-1, 1, { ...last, text: last.text + event.text })
    else if (event._tag === "Reasoning" && last?._tag === "Reasoning") {
      all.splice(-1, 1, { ...last, text: last.text + event.text })
    } else if (event._tag === "ToolCall" && last?._tag === "ToolCall" && last.call === event.call) {
      all.splice(-1, 1, { ...last, arguments: last.arguments + event.arguments })
    } else all.push(event)
  }
  return all
}

const input = FastCheck.dictionary(FastCheck.string(), FastCheck.jsonValue(), { maxKeys: 3 })
const anyText = FastCheck.string({ unit: "grapheme" })

/** A content block of a whole message. */
const block = FastCheck.oneof(
  FastCheck.record({ type: FastCheck.constant("text"), text: anyText }),
  FastCheck.record({ type: FastCheck.constant("thinking"), thinking: anyText, signature: FastCheck.string() }),
  FastCheck.record({ type: FastCheck.constant("redacted_thinking"), data: FastCheck.string() }),
  FastCheck.record({
    type: FastCheck.constant("tool_use"),
    id: FastCheck.string({ minLength: 1 }),
    name: FastCheck.string({ minLength: 1 }),
    input
  }),
  FastCheck.record({
    type: FastCheck.constantFrom("server_tool_use", "mcp_tool_use"),
    id: FastCheck.string(),
    name: FastCheck.string(),
    input
  }),
  FastCheck.record({ type: FastCheck.constant("web_search_tool_result"), content: FastCheck.jsonValue() })
)

const count = FastCheck.nat({ max: 1_000_000 })

const usage = FastCheck.record(
  {
    input_tokens: count,
    output_tokens: count,
    cache_read_input_tokens: count,
    cache_creation_input_tokens: FastCheck.option(count),
    output_tokens_details: FastCheck.record({ thinking_tokens: count })
  },
  { requiredKeys: ["input_tokens", "output_tokens"] }
)

/** A whole message. */
export const message = FastCheck.record({
  id: FastCheck.constant("msg_1"),
  model: FastCheck.constant("claude-opus-5"),
  content: FastCheck.array(block, { maxLength: 5 }),
  stop_reason: FastCheck.constantFrom("end_turn", "tool_use", "refusal", "stop_sequence", "odd", null),
  stop_sequence: FastCheck.constantFrom("END", null),
  usage
})
