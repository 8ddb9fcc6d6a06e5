import type { IncomingContext, JsonObject, Reading, StreamReader } from "../Dialects.js"
import * as ErrorSignals from "../ErrorSignals.js"
import type { Failure } from "../Failure.js"
import * as Json from "../Json.js"
import { nothing } from "../Readings.js"
import { named } from "./AnswerIn.js"
import { CandidateReader } from "./Candidates.js"
import * as Usage from "./Usage.js"

/** Reads the frames of one stream: each is an answer in part. There is no end mark; the connection just closes. */
export const reader = (incoming: IncomingContext): StreamReader => {
  const candidates = new CandidateReader(incoming)
  return {
    read: (data) => {
      const json = Json.parsed(data)
      const failure = ErrorSignals.fromErrorValue(json, undefined)
      if (failure !== undefined) return { ...nothing, failure }
      return Json.isRecord(json) ? frame(json, candidates) : undefined
    }
  }
}

const frame = (json: JsonObject, candidates: CandidateReader): Reading => {
  const { broken, choices, events } = candidates.read(json)
  return {
    ...nothing,
    ...named(json),
    // What Google itself calls broken is not acted upon.
    events: broken === undefined ? events : [],
    choices,
    usage: Usage.read(json["usageMetadata"]),
    failure: broken === undefined ? undefined : brokenBy(broken),
    json
  }
}

const brokenBy = (code: string): Failure => ({
  category: "malformed_response",
  message: "the model's answer is broken, as the provider says itself",
  code
})
