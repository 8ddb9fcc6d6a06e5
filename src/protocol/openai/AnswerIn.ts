import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { Completion } from "../../domain/Completion.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Finish from "./Finish.js"
import * as Pieces from "./Pieces.js"
import * as Usage from "./Usage.js"

/** A whole answer; `undefined` when it holds no choices. */
export const decode = (json: JsonObject, incoming: IncomingContext): Completion | undefined => {
  const choices = Json.records(json["choices"])
  if (choices.length === 0 || choices.length > mostChoices) return undefined
  const places = new Pieces.CallPlaces(incoming)
  const usage = Usage.find(json)
  return {
    id: Json.text(json["id"]) || undefined,
    model: modelIn(json),
    events: choices.flatMap((choice, position) => eventsOf(choice, position, places, incoming)),
    usage: usage === undefined ? undefined : Usage.read(usage),
    reportedCost: usage === undefined ? undefined : Usage.costIn(usage)
  }
}

/** OpenAI's limit of `n`. */
export const mostChoices = 128

/** Azure's first chunk names its model with an empty text. */
export const modelIn = (json: JsonObject): string | undefined => Json.text(json["model"]) || undefined

const eventsOf = (
  choice: JsonObject,
  position: number,
  places: Pieces.CallPlaces,
  incoming: IncomingContext
): ReadonlyArray<ChatEvent> => {
  const index = Json.number(choice["index"]) ?? position
  const message = Json.record(choice["message"])
  const calls = Pieces.calls(message).map((call) => places.whole(call, index))
  return [
    ...Pieces.said(message, index, incoming.realm),
    ...calls,
    Finish.read(index, choice["finish_reason"], calls.length > 0)
  ]
}
