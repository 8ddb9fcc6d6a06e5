import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { AnswerContext, JsonObject, Reading, StreamWriter } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Seals from "../Seals.js"
import * as Sse from "../Sse.js"
import * as Finish from "./Finish.js"
import { native } from "./PromptIn.js"
import * as Usage from "./Usage.js"

/** Writes an answer of another dialect as OpenAI's chunks. */
export const writer = (answering: AnswerContext): StreamWriter => {
  let base: JsonObject | undefined
  const begun = new Set<number>()
  /** Which thought each choice is at. A seal ends one. */
  const thoughts = new Map<number, number>()

  const frame = (members: JsonObject): Buffer => Sse.encode(Json.stringify({ ...base, ...members }))
  const chunk = (index: number, delta: JsonObject, finish: string | null = null): Buffer =>
    frame({ choices: [{ index, delta, logprobs: null, finish_reason: finish }] })

  const detail = (index: number, said: JsonObject, ends: boolean): JsonObject => {
    const thought = thoughts.get(index) ?? 0
    if (ends) thoughts.set(index, thought + 1)
    return { reasoning_details: [{ ...said, index: thought }] }
  }

  const frames = (event: ChatEvent): ReadonlyArray<Buffer> => {
    const { index } = event
    switch (event._tag) {
      case "Text":
        return [chunk(index, { content: event.text })]
      case "Reasoning":
        // Plain for everybody, and in the form in which a signature can follow.
        return [
          chunk(index, {
            reasoning_content: event.text,
            ...detail(index, { type: "reasoning.text", text: event.text }, false)
          })
        ]
      case "Refusal":
        return [chunk(index, { refusal: event.text })]
      case "Signature":
      case "Sealed": {
        const value = Seals.mark(event.seal, native.details)
        const said =
          event._tag === "Sealed"
            ? { type: "reasoning.encrypted", data: value }
            : { type: "reasoning.text", text: "", signature: value }
        return [chunk(index, detail(index, said, true))]
      }
      case "ToolCall":
        return [chunk(index, { tool_calls: [callOf(event)] })]
      case "Finish":
        return [chunk(index, {}, Finish.write(event.reason))]
    }
  }

  return {
    write: (reading: Reading) => {
      base ??= {
        id: reading.id ?? answering.fresh("chatcmpl-"),
        object: "chat.completion.chunk",
        created: answering.created,
        model: reading.model ?? answering.model
      }
      return reading.events.flatMap((event) => {
        if (begun.has(event.index)) return frames(event)
        begun.add(event.index)
        return [chunk(event.index, { role: "assistant", content: "" }), ...frames(event)]
      })
    },
    ping: [Buffer.from(": ping\n\n")],
    close: (usage) =>
      usage === undefined || !answering.includeUsage ? [] : [frame({ choices: [], usage: Usage.write(usage) })]
  }
}

/** Only the first piece of a call names it. */
const callOf = ({ arguments: args, call, id, name, seal }: ChatEvent & { readonly _tag: "ToolCall" }): JsonObject =>
  Json.defined({
    index: call,
    id,
    type: id === undefined ? undefined : "function",
    function: Json.defined({ name, arguments: args }),
    extra_content: seal === undefined ? undefined : { google: { thought_signature: Seals.mark(seal, native.toolCall) } }
  })

/** The clean end of a stream. */
export const end: Buffer = Sse.encode("[DONE]")

/** A chunk that carries one member beside no choices. */
export const memberFrame = (key: string, value: unknown, model: string, created: number): Buffer =>
  Sse.encode(
    JSON.stringify({ id: "orelse", object: "chat.completion.chunk", created, model, choices: [], [key]: value })
  )
