import * as Effect from "effect/Effect"
import * as Json from "../protocol/Json.js"

/**
 * The ids in a vendor's list of models: OpenAI's and Anthropic's `data`, Gemini's and Ollama's `models`, Cloudflare's
 * `result`, or the list alone. Gemini's names are paths.
 */
export const read = (body: Buffer): Effect.Effect<ReadonlyArray<string>, string> =>
  Effect.try({
    try: () => {
      const json: unknown = JSON.parse(body.toString("utf8"))
      const { data, models, result } = Json.record(json)
      const found = [data, models, result, json].find(Array.isArray)
      return Json.records(found).flatMap((model) => {
        const id = Json.text(model["id"])
        const name = Json.text(model["name"])
        // Cloudflare's ids are UUIDs and its names what is called.
        const called = name?.startsWith("@") || name?.startsWith("models/") ? name : (id ?? name)
        return called === undefined ? [] : [called.replace(/^models\//, "")]
      })
    },
    catch: () => "the provider's list of models is not JSON"
  })
