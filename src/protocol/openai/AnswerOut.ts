import type { Completion } from "../../domain/Completion.js"
import type { AnswerContext, JsonObject } from "../Dialects.js"
import * as Fold from "../Fold.js"
import * as Json from "../Json.js"
import * as Seals from "../Seals.js"
import * as Finish from "./Finish.js"
import { native } from "./Native.js"
import * as Thoughts from "./Thoughts.js"
import * as Usage from "./Usage.js"

/** A whole answer in OpenAI's shape. Reasoning is in `reasoning_content`, its seals in OpenRouter's `reasoning_details`. */
export const encode = (completion: Completion, answering: AnswerContext): JsonObject =>
  Json.defined({
    id: completion.id ?? answering.fresh("chatcmpl-"),
    object: "chat.completion",
    created: answering.created,
    model: completion.model ?? answering.model,
    choices: Fold.choices(completion.events).map(choiceOf),
    usage: completion.usage === undefined ? undefined : Usage.write(completion.usage)
  })

const choiceOf = ({ blocks, finish, index }: Fold.Choice): JsonObject => {
  const calls = blocks.flatMap((block) => (block._tag === "ToolCall" ? [block] : []))
  const text = texts(blocks, "Text")
  const refusal = texts(blocks, "Refusal")
  const reasoning = texts(blocks, "Reasoning")
  const sealed = blocks.some((block) => "seal" in block && block._tag !== "ToolCall" && block.seal !== undefined)
  // Where no thought is sealed, the plain text says it all.
  const details = sealed ? blocks.flatMap(detailOf) : []
  return {
    index,
    message: Json.defined({
      role: "assistant",
      content: text === "" && (calls.length > 0 || refusal !== "") ? null : text,
      refusal: refusal === "" ? null : refusal,
      reasoning_content: reasoning === "" ? undefined : reasoning,
      reasoning_details: details.length === 0 ? undefined : details.map((detail, at) => ({ ...detail, index: at })),
      tool_calls: calls.length === 0 ? undefined : calls.map(callOf)
    }),
    logprobs: null,
    finish_reason: Finish.write(finish)
  }
}

const texts = (blocks: ReadonlyArray<Fold.Block>, tag: "Text" | "Reasoning" | "Refusal"): string =>
  blocks.map((block) => (block._tag === tag ? block.text : "")).join("")

const detailOf = (block: Fold.Block): ReadonlyArray<JsonObject> => {
  if (block._tag === "Sealed") {
    return [{ type: "reasoning.encrypted", data: Seals.mark(block.seal, native.details) }]
  }
  if (block._tag !== "Reasoning") return []
  const signature = block.seal === undefined ? undefined : Thoughts.mark(block.seal, block.text)
  return [Json.defined({ type: "reasoning.text", text: block.text, signature })]
}

const callOf = (block: Fold.Block & { readonly _tag: "ToolCall" }): JsonObject =>
  Json.defined({
    id: block.id,
    type: "function",
    function: { name: block.name, arguments: block.arguments === "" ? "{}" : block.arguments },
    extra_content:
      block.seal === undefined ? undefined : { google: { thought_signature: Seals.mark(block.seal, native.toolCall) } }
  })
