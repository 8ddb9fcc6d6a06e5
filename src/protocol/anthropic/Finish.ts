import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { FinishReason } from "../../domain/FinishReason.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/** Why a message ended, from its `stop_reason` and `stop_sequence`; a word that is not known is a plain stop. */
export const read = (message: JsonObject): ChatEvent => {
  const known = reasons.get(message["stop_reason"])
  const reason = known ?? "stop"
  const sequence = reason === "stop_sequence" ? Json.text(message["stop_sequence"]) : undefined
  return {
    _tag: "Finish",
    index: 0,
    reason,
    ...(sequence === undefined ? {} : { sequence }),
    ...(known === undefined ? { assumed: true } : {})
  }
}

/** https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons */
const reasons: ReadonlyMap<unknown, FinishReason> = new Map([
  ["end_turn", "stop"],
  ["stop_sequence", "stop_sequence"],
  ["max_tokens", "length"],
  ["tool_use", "tool_calls"],
  ["pause_turn", "pause"],
  // The conversation was summarised, and the turn goes on with the next request.
  ["compaction", "pause"],
  ["refusal", "refusal"],
  ["model_context_window_exceeded", "context_length"]
])
