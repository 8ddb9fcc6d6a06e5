import type { Completion } from "../../domain/Completion.js"
import type { FinishReason } from "../../domain/FinishReason.js"
import type { Seal } from "../../domain/Prompt.js"
import type { AnswerContext, JsonObject } from "../Dialects.js"
import * as Fold from "../Fold.js"
import * as Seals from "../Seals.js"
import * as ToolIds from "../ToolIds.js"
import { inputOf } from "./Blocks.js"
import { native } from "./PromptIn.js"
import * as Usage from "./Usage.js"

/** A whole answer in Anthropic's shape; of several choices the first. */
export const encode = (completion: Completion, answering: AnswerContext): JsonObject => {
  const [choice] = Fold.choices(completion.events)
  return {
    id: completion.id ?? answering.fresh("msg_"),
    type: "message",
    role: "assistant",
    model: completion.model ?? answering.model,
    content: choice?.blocks.flatMap(blocksOf) ?? [],
    stop_reason: stopReason(refuses(choice) ? "refusal" : (choice?.finish ?? "stop")),
    stop_sequence: choice?.sequence ?? null,
    usage: Usage.write(completion.usage)
  }
}

/** OpenAI's models decline in words of their own and stop as ever. */
const refuses = (choice: Fold.Choice | undefined): boolean =>
  choice?.finish === "stop" && choice.blocks.some(({ _tag }) => _tag === "Refusal")

/** Anthropic's word for each reason. */
export const stopReason = (reason: FinishReason): string => {
  switch (reason) {
    case "stop":
      return "end_turn"
    case "stop_sequence":
      return "stop_sequence"
    case "length":
      return "max_tokens"
    case "tool_calls":
      return "tool_use"
    case "content_filter":
    case "refusal":
      return "refusal"
    case "pause":
      return "pause_turn"
    case "context_length":
      return "model_context_window_exceeded"
  }
}

const blocksOf = (block: Fold.Block): ReadonlyArray<JsonObject> => {
  switch (block._tag) {
    case "Text":
    case "Refusal":
      return [{ type: "text", text: block.text }]
    case "Reasoning":
      return [
        {
          type: "thinking",
          thinking: block.text,
          signature: Seals.mark(block.seal ?? unsigned, native)
        }
      ]
    case "Sealed":
      return [{ type: "redacted_thinking", data: Seals.mark(block.seal, native) }]
    case "ToolCall":
      return [
        // The dialect seals thoughts only: the seal of a call goes before it.
        ...(block.seal === undefined ? [] : [sealOfCall(Seals.mark(block.seal, native))]),
        { type: "tool_use", id: ToolIds.show(block.id), name: block.name, input: inputOf(block.arguments) }
      ]
  }
}

/** A thought that nobody signed is marked too: Anthropic refuses one without a signature. */
export const unsigned: Seal = { origin: "nobody", value: "" }

/** An empty thought, signed. */
const sealOfCall = (signature: string): JsonObject => ({ type: "thinking", thinking: "", signature })
