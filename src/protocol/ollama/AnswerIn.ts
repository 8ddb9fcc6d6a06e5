import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { Completion } from "../../domain/Completion.js"
import type { FinishReason } from "../../domain/FinishReason.js"
import type { Usage } from "../../domain/Usage.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as JsonText from "../JsonText.js"

/** A whole answer; `undefined` when it holds no message. */
export const decode = (json: JsonObject, incoming: IncomingContext): Completion | undefined => {
  if (!Json.isRecord(json["message"])) return undefined
  const said = eventsOf(json, 0, incoming)
  const finish: ChatEvent = { _tag: "Finish", index: 0, reason: finishOf(json, callsIn(said) > 0) }
  return {
    id: undefined,
    model: modelIn(json),
    events: [...said, finish],
    usage: usageIn(json),
    reportedCost: undefined
  }
}

/** What a message says, be it the whole or a piece, when so many calls came before it. */
export const eventsOf = (json: JsonObject, made: number, incoming: IncomingContext): ReadonlyArray<ChatEvent> => {
  const message = Json.record(json["message"])
  const thinking = Json.text(message["thinking"])
  const content = Json.text(message["content"])
  const calls = Json.records(message["tool_calls"])
  return [
    ...(thinking ? [{ _tag: "Reasoning", index: 0, text: thinking } as const] : []),
    ...(content ? [{ _tag: "Text", index: 0, text: content } as const] : []),
    ...calls.map((call, position) => callOf(call, made + position, incoming))
  ]
}

export const callsIn = (events: ReadonlyArray<ChatEvent>): number =>
  events.filter(({ _tag }) => _tag === "ToolCall").length

/** `load` and `unload` answer a request without messages. */
export const finishOf = (json: JsonObject, calledTools: boolean): FinishReason =>
  calledTools ? "tool_calls" : json["done_reason"] === "length" ? "length" : "stop"

/**
 * Some versions leave out `prompt_eval_count` when the whole prompt was cached; newer ones count cached tokens in it and
 * beside it. Thinking is counted with the rest of the output.
 */
export const usageIn = (json: JsonObject): Usage | undefined => {
  const { eval_count: output, prompt_eval_cached_count: cached, prompt_eval_count: prompt } = json
  if (Json.number(prompt) === undefined && Json.number(output) === undefined) return undefined
  const cacheRead = Math.min(Json.count(prompt), Json.count(cached))
  return {
    input: Json.count(prompt) - cacheRead,
    cacheRead,
    cacheWrite: 0,
    output: Json.count(output),
    reasoning: 0
  }
}

export const modelIn = (json: JsonObject): string | undefined => Json.text(json["model"]) || undefined

/** A call always comes whole. Its own index is not trusted: some versions give 0 to each. */
const callOf = (call: JsonObject, place: number, incoming: IncomingContext): ChatEvent => {
  const target = Json.record(call["function"])
  const args = target["arguments"] ?? {}
  return {
    _tag: "ToolCall",
    index: 0,
    call: place,
    id: Json.text(call["id"]) || incoming.fresh("call_"),
    name: Json.text(target["name"]) ?? "",
    arguments: Json.text(args) ?? JsonText.of(args)
  }
}
