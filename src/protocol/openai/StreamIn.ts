import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { IncomingContext, JsonObject, Reading, StreamReader } from "../Dialects.js"
import * as ErrorSignals from "../ErrorSignals.js"
import type { Failure } from "../Failure.js"
import * as Json from "../Json.js"
import { endedInError, nothing } from "../Readings.js"
import { modelIn, mostChoices } from "./AnswerIn.js"
import * as Finish from "./Finish.js"
import * as Pieces from "./Pieces.js"
import * as Usage from "./Usage.js"

/** Reads the chunks of one stream, those of legacy completions too. */
export const reader = (incoming: IncomingContext): StreamReader => {
  const places = new Pieces.CallPlaces(incoming)
  return {
    read: (data) => {
      if (data.trim() === "[DONE]") return { ...nothing, done: true }
      const json = Json.parsed(data)
      const failure = failureIn(json)
      if (failure !== undefined) return { ...nothing, failure }
      return Json.isRecord(json) ? chunk(json, places, incoming) : undefined
    }
  }
}

/** A vendor that leaves the index out has one choice. */
const indexOf = (choice: unknown): number => Json.number(Json.record(choice)["index"]) ?? 0

const chunk = (json: JsonObject, places: Pieces.CallPlaces, incoming: IncomingContext): Reading => {
  const choices = Json.records(json["choices"])
  const usage = Usage.find(json)
  return {
    events: choices.flatMap((choice) => eventsOf(choice, places, incoming)),
    speaks: choices.some((choice) => Json.isRecord(Json.record(choice["delta"])["audio"])),
    choices: choices.map(indexOf),
    id: Json.text(json["id"]) || undefined,
    model: modelIn(json),
    usage: usage === undefined ? undefined : Usage.read(usage),
    reportedCost: usage === undefined ? undefined : Usage.costIn(usage),
    failure: choices.length > mostChoices ? endedInError : undefined,
    done: false,
    json
  }
}

const eventsOf = (
  choice: JsonObject,
  places: Pieces.CallPlaces,
  incoming: IncomingContext
): ReadonlyArray<ChatEvent> => {
  const index = indexOf(choice)
  const delta = Json.record(choice["delta"])
  // Together repeats there what the delta says.
  const text = Json.isRecord(choice["delta"]) ? undefined : Json.text(choice["text"])
  const calls = Pieces.calls(delta).map((call) => places.piece(call, index))
  const reason = choice["finish_reason"]
  return [
    ...(text ? [{ _tag: "Text", index, text } as const] : []),
    ...Pieces.said(delta, index, incoming.realm),
    ...calls,
    ...(typeof reason === "string" && reason !== "" ? [Finish.read(index, reason, places.count(index) > 0)] : [])
  ]
}

/**
 * What came as an answer, or as a piece of one, and is a failure. Beside choices only `error` counts, and how they ended: a
 * good answer may well hold a `type` or a `message`.
 */
export const failureIn = (json: unknown): Failure | undefined => {
  const choices = Json.isRecord(json) ? Json.list(json["choices"]) : []
  if (!Json.isRecord(json) || choices.length === 0) return ErrorSignals.fromErrorValue(json, undefined)
  return ErrorSignals.fromErrorValue({ error: json["error"] }, undefined) ?? Finish.failure(choices)
}
