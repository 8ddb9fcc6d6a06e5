import type { Case } from "./cases.js"
import { data, stream, whole } from "./composing.js"

const messages = "anthropic-messages"

const message = (content: ReadonlyArray<object>, stop_reason: string) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-1",
  content,
  stop_reason,
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 5 }
})

const typed = (json: { readonly type: string; readonly [member: string]: unknown }): string =>
  `event: ${json.type}\n${data(json)}`

const start = typed({
  type: "message_start",
  message: { ...message([], ""), stop_reason: null, usage: { input_tokens: 9, output_tokens: 1 } }
})

const block = (index: number, opened: object, deltas: ReadonlyArray<object>): string =>
  [
    typed({ type: "content_block_start", index, content_block: opened }),
    ...deltas.map((delta) => typed({ type: "content_block_delta", index, delta })),
    typed({ type: "content_block_stop", index })
  ].join("")

const ended = (stop_reason: string): string =>
  typed({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } }) +
  typed({ type: "message_stop" })

const said = (index: number, ...texts: ReadonlyArray<string>): string =>
  block(
    index,
    { type: "text", text: "" },
    texts.map((text) => ({ type: "text_delta", text }))
  )

const refused = (type: string, text: string) => ({ type: "error", error: { type, message: text }, request_id: "req_1" })

/** Answers of Anthropic. */
export const composedAnthropic: ReadonlyArray<Case> = [
  whole(messages, "Anthropic answer", message([{ type: "text", text: "Grüße, 世界 👋" }], "end_turn")),
  whole(messages, "Anthropic answer cut short", message([{ type: "text", text: "Gr" }], "max_tokens")),
  whole(
    messages,
    "Anthropic thinking and two calls",
    message(
      [
        { type: "thinking", thinking: "hm", signature: "c2ln" },
        { type: "text", text: "Let me see." },
        { type: "tool_use", id: "toolu_1", name: "f", input: { x: 1 } },
        { type: "tool_use", id: "toolu_2", name: "g", input: {} }
      ],
      "tool_use"
    )
  ),
  stream(messages, "Anthropic stream", [
    start,
    typed({ type: "ping" }),
    said(0, "Grüße, ", "世界 👋"),
    ended("end_turn")
  ]),
  stream(messages, "Anthropic stream with thinking and a call", [
    start,
    block(0, { type: "thinking", thinking: "", signature: "" }, [
      { type: "thinking_delta", thinking: "hm" },
      { type: "signature_delta", signature: "c2ln" }
    ]),
    said(1, "Let me see."),
    block(2, { type: "tool_use", id: "toolu_1", name: "f", input: {} }, [
      { type: "input_json_delta", partial_json: "" },
      { type: "input_json_delta", partial_json: '{"x":' },
      { type: "input_json_delta", partial_json: "1}" }
    ]),
    block(3, { type: "tool_use", id: "toolu_2", name: "g", input: {} }, []),
    ended("tool_use")
  ]),
  stream(
    messages,
    "Anthropic stream broken off",
    [start, said(0, "half"), typed(refused("overloaded_error", "Overloaded"))],
    "provider_unavailable"
  ),
  whole(messages, "overload (Anthropic)", refused("overloaded_error", "Overloaded"), 529, "provider_unavailable"),
  whole(messages, "unknown model (Anthropic)", refused("not_found_error", "model: m"), 404, "model_not_found"),
  whole(messages, "wrong request (Anthropic)", refused("invalid_request_error", "bad"), 400, "invalid_request"),
  whole(messages, "rate limit (Anthropic)", refused("rate_limit_error", "slow down"), 429, "rate_limit"),
  whole("anthropic-count-tokens", "counted tokens", { input_tokens: 9 })
]
