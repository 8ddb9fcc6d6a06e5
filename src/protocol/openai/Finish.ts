import type { ChatEvent } from "../../domain/ChatEvent.js"
import { cutsShort, type FinishReason } from "../../domain/FinishReason.js"
import * as ErrorSignals from "../ErrorSignals.js"
import type { Failure } from "../Failure.js"
import * as Json from "../Json.js"
import { endedInError } from "../Readings.js"

/** OpenAI's word for each reason. */
export type Word = "stop" | "length" | "tool_calls" | "content_filter"

/**
 * Why a choice ended. Vendors have words of their own (`eos`, `end_turn`, ...), leave it out, or say `stop` after a tool
 * call.
 */
export const read = (index: number, value: unknown, calledTools: boolean): ChatEvent => {
  const known = typeof value === "string" ? reasons.get(value.toLowerCase()) : undefined
  const said = known ?? "stop"
  const reason = said === "stop" && calledTools ? "tool_calls" : said
  return { _tag: "Finish", index, reason, ...(known === undefined ? { assumed: true } : {}) }
}

/** Does every choice of a whole answer say that it is whole? */
export const complete = (choices: ReadonlyArray<unknown>): boolean =>
  choices.length > 0 &&
  choices.every((choice) => {
    const { finish_reason: said } = Json.record(choice)
    const known = typeof said === "string" ? reasons.get(said.toLowerCase()) : undefined
    return known !== undefined && !cutsShort(known)
  })

/**
 * The failure that a choice ended in, though it came as an answer: what there is of it is a half, and another provider may
 * well give the whole. It says why in an `error` of its own, where OpenRouter does.
 */
export const failure = (choices: ReadonlyArray<unknown>): Failure | undefined => {
  for (const choice of choices) {
    const { error, finish_reason: said } = Json.record(choice)
    const word = typeof said === "string" ? said.toLowerCase() : ""
    if (!failures.has(word)) continue
    return (
      ErrorSignals.fromErrorValue({ error }, undefined) ??
      (word === "error" ? endedInError : { ...endedInError, code: word })
    )
  }
  return undefined
}

/** DeepSeek's machines were full; vLLM and SGLang gave the request up. */
const failures: ReadonlySet<string> = new Set(["error", "insufficient_system_resource", "abort", "aborted"])

const reasons: ReadonlyMap<string, FinishReason> = new Map(
  Object.entries<FinishReason>({
    stop: "stop",
    stop_sequence: "stop",
    end_turn: "stop",
    eos: "stop", // Together
    eos_token: "stop",
    complete: "stop", // Cohere
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
