import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { Completion } from "../../domain/Completion.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import type { Failure } from "../Failure.js"
import * as Json from "../Json.js"
import * as JsonText from "../JsonText.js"
import * as OpenAiAnswer from "../openai/AnswerIn.js"
import * as Finish from "../openai/Finish.js"
import * as Pieces from "../openai/Pieces.js"
import * as Usage from "../openai/Usage.js"

/** A whole answer, in Cloudflare's envelope; newer models put one of OpenAI's into it. */
export const decode = (json: JsonObject, incoming: IncomingContext): Completion | undefined => {
  const result = Json.isRecord(json["result"]) ? json["result"] : json
  return hasChoices(result) ? OpenAiAnswer.decode(result, incoming) : native(result, incoming)
}

/** What came as an answer and is a failure, as in OpenAI's shape. */
export const failureIn = (json: JsonObject): Failure | undefined => {
  const result = Json.record(json["result"])
  return Finish.failure(hasChoices(result) ? Json.list(result["choices"]) : [result, json])
}

export const hasChoices = (json: JsonObject): boolean => Json.records(json["choices"]).length > 0

/** The text of an answer, or of a frame of a stream. In JSON mode the value comes, and a number as a token may be one. */
export const textIn = (json: JsonObject): ReadonlyArray<ChatEvent> => {
  const text = textOf(json["response"])
  return text === "" ? [] : [{ _tag: "Text", index: 0, text }]
}

/** Tool calls in OpenAI's shape. */
export const callsIn = (json: JsonObject): ReadonlyArray<JsonObject> => Json.records(json["tool_calls"]).flatMap(shaped)

const native = (result: JsonObject, incoming: IncomingContext): Completion | undefined => {
  const places = new Pieces.CallPlaces(incoming)
  const events = [...textIn(result), ...callsIn(result).map((call) => places.whole(call, 0))]
  const { response, usage } = result
  if (events.length === 0 && (response === undefined || response === null)) return undefined
  const finish = Finish.read(0, result["finish_reason"] ?? "stop", places.count(0) > 0)
  return {
    id: Json.text(result["id"]) || undefined,
    model: OpenAiAnswer.modelIn(result),
    events: [...events, finish],
    usage: Json.isRecord(usage) ? Usage.read(usage) : undefined,
    reportedCost: undefined
  }
}

const textOf = (value: unknown): string => Json.text(value) ?? JsonText.of(value)

/** The native shape is flat. A last piece that is empty only says that the call is whole. */
const shaped = (call: JsonObject): ReadonlyArray<JsonObject> => {
  const { id, index } = call
  const isFlat = !Json.isRecord(call["function"])
  const target = isFlat ? call : Json.record(call["function"])
  const name = Json.text(target["name"]) || undefined
  const whole = isFlat && name !== undefined && Json.number(index) === undefined
  const args = textOf(target["arguments"]) || (whole ? "{}" : "")
  if (!id && name === undefined && args === "") return []
  return [{ id, index, function: { name, arguments: args } }]
}
