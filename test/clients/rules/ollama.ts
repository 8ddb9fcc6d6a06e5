import * as Json from "../../../src/protocol/Json.js"
import { eachMessage } from "./chat.js"
import { all, isBase64, unless, words, type Rules } from "./Rules.js"

const roles = words("system user assistant tool")

/**
 * What Go cannot unmarshal into Ollama's `api.ChatRequest` is a 400; members that it does not know it passes over. Source:
 * https://github.com/ollama/ollama/blob/main/api/types.go
 */
const unmarshals: Rules = eachMessage((message, where) => [
  // "invalid role" by its templates.
  ...unless(roles.has(String(message["role"])), `${where}.role is unknown`),
  ...unless(typeof message["content"] === "string", `${where}.content is no text`),
  ...unless((message["thinking"] ?? "") === String(message["thinking"] ?? ""), `${where}.thinking is no text`),
  // "illegal base64 data at input byte 4", which a `data:` URL is.
  ...unless(Json.list(message["images"]).every(isBase64), `${where}.images are not base64`),
  ...Json.list(message["tool_calls"]).flatMap((call, at) => {
    const { arguments: args, name } = Json.record(Json.record(call)["function"])
    return unless(
      typeof name === "string" && Json.isRecord(args),
      `${where}.tool_calls[${at}]: the arguments are no object`
    )
  })
])

const options: Rules = ({ format, model, options: set, stream, think }) => [
  ...unless(typeof model === "string" && model !== "", "model is missing"),
  ...unless(typeof stream === "boolean", "stream is on unless it is told"),
  ...unless(set === undefined || Json.isRecord(set), "options are no object"),
  ...unless(format === undefined || format === "json" || Json.isRecord(format), "format is unknown"),
  // A level is a 400 for models that only know on and off.
  ...unless(think === undefined || typeof think === "boolean", "think is neither on nor off")
]

/** The rules of Ollama's own API, for a model that knows no levels of thinking. */
export const ollama: Rules = all(unmarshals, options)
