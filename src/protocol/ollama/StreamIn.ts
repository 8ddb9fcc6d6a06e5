import type { IncomingContext, JsonObject, StreamReader } from "../Dialects.js"
import * as ErrorSignals from "../ErrorSignals.js"
import * as Json from "../Json.js"
import { nothing } from "../Readings.js"
import * as AnswerIn from "./AnswerIn.js"

/** Reads the lines of one stream: each a JSON object, the last with `done: true`, which ends the answer and the stream. */
export const reader = (incoming: IncomingContext): StreamReader => {
  let calls = 0
  return {
    read: (data) => {
      const json = Json.parsed(data)
      const failure = ErrorSignals.fromErrorValue(json, undefined)
      if (failure !== undefined) return { ...nothing, failure }
      if (!Json.isRecord(json) || !isLine(json)) return undefined
      const events = AnswerIn.eventsOf(json, calls, incoming)
      calls += AnswerIn.callsIn(events)
      const reading = { ...nothing, events, choices: [0], model: AnswerIn.modelIn(json), json }
      if (json["done"] !== true) return reading
      const reason = AnswerIn.finishOf(json, calls > 0)
      return {
        ...reading,
        events: [...events, { _tag: "Finish", index: 0, reason }],
        usage: AnswerIn.usageIn(json),
        done: true
      }
    }
  }
}

/** The last line may come without a message. */
const isLine = (json: JsonObject): boolean => Json.isRecord(json["message"]) || json["done"] === true
