import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { AnswerContext, JsonObject, Reading, StreamWriter } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Seals from "../Seals.js"
import * as Sse from "../Sse.js"
import * as Finish from "./Finish.js"
import { native } from "./Native.js"
import * as Thoughts from "./Thoughts.js"
import * as Usage from "./Usage.js"

/** What one choice has said. */
interface Said {
  /** Which thought it is at. A seal ends one, and so does whatever is none. */
  thought: number
  thinking: boolean
  /** The text of that thought so far. */
  text: string
  /** Calls, and whether there were arguments. */
  readonly calls: Map<number, boolean>
  over: boolean
}

/** Writes an answer of another dialect as OpenAI's chunks. */
export const writer = (answering: AnswerContext): StreamWriter => {
  let base: JsonObject | undefined
  const choices = new Map<number, Said>()

  const frame = (members: JsonObject): Buffer => Sse.encode(Json.stringify({ ...base, ...members }))
  const chunk = (index: number, delta: JsonObject, finish: string | null = null): Buffer =>
    frame({ choices: [{ index, delta, logprobs: null, finish_reason: finish }] })

  const detail = (said: Said, members: JsonObject, ends: boolean): JsonObject => {
    const index = said.thought
    if (ends) said.thought++
    said.thinking = !ends
    if (ends) said.text = ""
    return { reasoning_details: [{ ...members, index }] }
  }

  /** A call that ends without any arguments has none, and a client that parses nothing dies. */
  const finish = (index: number, said: Said, word: Finish.Word): ReadonlyArray<Buffer> => {
    if (said.over) return []
    said.over = true
    const silent = [...said.calls].filter(([, argued]) => !argued)
    const calls = silent.map(([call]) => ({ index: call, function: { arguments: "{}" } }))
    return [...(calls.length === 0 ? [] : [chunk(index, { tool_calls: calls })]), chunk(index, {}, word)]
  }

  const frames = (event: ChatEvent, said: Said): ReadonlyArray<Buffer> => {
    const { index } = event
    const goesOn = event._tag === "ToolCall" && said.calls.has(event.call)
    if (said.thinking && event._tag !== "Reasoning" && event._tag !== "Signature" && !goesOn) {
      said.thinking = false
      said.text = ""
      said.thought++
    }
    switch (event._tag) {
      case "Text":
        return [chunk(index, { content: event.text })]
      case "Reasoning":
        said.text += event.text
        // Plain for everybody, and in the form in which a signature can follow.
        return [
          chunk(index, {
            reasoning_content: event.text,
            ...detail(said, { type: "reasoning.text", text: event.text }, false)
          })
        ]
      case "Refusal":
        return [chunk(index, { refusal: event.text })]
      case "Signature":
      case "Sealed": {
        const members =
          event._tag === "Sealed"
            ? { type: "reasoning.encrypted", data: Seals.mark(event.seal, native.details) }
            : { type: "reasoning.text", text: "", signature: Thoughts.mark(event.seal, said.text) }
        return [chunk(index, detail(said, members, true))]
      }
      case "ToolCall":
        said.calls.set(event.call, (said.calls.get(event.call) ?? false) || event.arguments !== "")
        return [chunk(index, { tool_calls: [callOf(event)] })]
      case "Finish":
        return finish(index, said, Finish.write(event.reason))
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
        const before = choices.get(event.index)
        if (before !== undefined) return frames(event, before)
        const said: Said = { thought: 0, thinking: false, text: "", calls: new Map(), over: false }
        choices.set(event.index, said)
        return [chunk(event.index, { role: "assistant", content: "" }), ...frames(event, said)]
      })
    },
    ping: [Buffer.from(": ping\n\n")],
    close: (usage) => [
      // A choice whose provider never said why it ended.
      ...[...choices].flatMap(([index, said]) => finish(index, said, said.calls.size > 0 ? "tool_calls" : "stop")),
      ...(usage === undefined || !answering.includeUsage ? [] : [frame({ choices: [], usage: Usage.write(usage) })])
    ]
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
