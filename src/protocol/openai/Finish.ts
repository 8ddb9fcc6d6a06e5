import type { FinishReason } from "../../domain/FinishReason.js"

/** OpenAI's word for each reason. */
export type Word = "stop" | "length" | "tool_calls" | "content_filter"

/**
 * Why a choice ended. Vendors have words of their own (`eos`, `end_turn`, ...), leave it out, or say `stop` after a tool
 * call.
 */
export const read = (value: unknown, calledTools: boolean): FinishReason => {
  const reason = typeof value === "string" ? (others.get(value.toLowerCase()) ?? "stop") : "stop"
  return reason === "stop" && calledTools ? "tool_calls" : reason
}

const others: ReadonlyMap<string, FinishReason> = new Map(
  Object.entries<FinishReason>({
    length: "length",
    max_tokens: "length",
    max_output_tokens: "length",
    model_length: "context_length",
    model_context_window_exceeded: "context_length",
    tool_calls: "tool_calls",
    tool_call: "tool_calls",
    tool_use: "tool_calls",
    function_call: "tool_calls",
    content_filter: "content_filter",
    sensitive: "content_filter", // Z.ai
    safety: "content_filter",
    refusal: "refusal"
  })
)

/** The words that OpenAI's schema allows; everything else is repaired. */
export const words: ReadonlySet<unknown> = new Set(["stop", "length", "tool_calls", "content_filter", "function_call"])

export const write = (reason: FinishReason): Word => {
  switch (reason) {
    case "stop":
    case "stop_sequence":
    case "pause":
      return "stop"
    case "length":
    case "context_length":
      return "length"
    case "tool_calls":
      return "tool_calls"
    case "content_filter":
    case "refusal":
      return "content_filter"
  }
}
