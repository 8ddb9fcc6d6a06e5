import type { Completion } from "../../domain/Completion.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import { ContentReader } from "./ContentIn.js"
import * as Finish from "./Finish.js"
import * as Usage from "./Usage.js"

/** A whole message. One without content is an answer too: a refusal may say nothing. */
export const decode = (json: JsonObject, incoming: IncomingContext): Completion | undefined => {
  if (!Array.isArray(json["content"])) return undefined
  const reader = new ContentReader(incoming)
  return {
    ...named(json),
    events: [...Json.records(json["content"]).flatMap((block) => reader.events(block)), Finish.read(json)],
    usage: Usage.read(json["usage"]),
    reportedCost: undefined
  }
}

/** What the provider calls the message and the model. */
export const named = (message: JsonObject): Pick<Completion, "id" | "model"> => ({
  id: Json.text(message["id"]) || undefined,
  model: Json.text(message["model"]) || undefined
})
