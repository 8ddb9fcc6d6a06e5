import type { Completion } from "../../domain/Completion.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import { CandidateReader } from "./Candidates.js"
import * as Usage from "./Usage.js"

/** A whole answer. A refused prompt is one too; `undefined` when there is no candidate, or when one of them is broken. */
export const decode = (json: JsonObject, incoming: IncomingContext): Completion | undefined => {
  const reader = new CandidateReader(incoming)
  const { broken, choices, events } = reader.read(json)
  if (broken !== undefined || events.length === 0) return undefined
  const finished = new Set(events.flatMap((event) => (event._tag === "Finish" ? [event.index] : [])))
  const open = new Set(choices.filter((index) => !finished.has(index)))
  return {
    ...named(json),
    events: [...events, ...[...open].map((index) => reader.end(index, undefined))],
    usage: Usage.read(json["usageMetadata"]),
    reportedCost: undefined
  }
}

/** What the provider calls the answer and the model. */
export const named = (json: JsonObject): Pick<Completion, "id" | "model"> => ({
  id: Json.text(json["responseId"]) || undefined,
  model: Json.text(json["modelVersion"]) || undefined
})
