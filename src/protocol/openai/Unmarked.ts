import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import { mapped, without } from "./Sameness.js"

/** What a body holds somewhere if any message or part of it bears one of Anthropic's marks for the cache. */
export const trace = Buffer.from('"cache_control"')

/** The message without those marks, on it or on its parts; the very same one where there are none. */
export const unmarked = (message: JsonObject): JsonObject => {
  const { content } = message
  const bare = bareOf(message)
  if (!Array.isArray(content)) return bare
  const parts = mapped(content, (part) => (Json.isRecord(part) ? bareOf(part) : part))
  return parts === content ? bare : { ...bare, content: parts }
}

const bareOf = (json: JsonObject): JsonObject => ("cache_control" in json ? without(json, "cache_control") : json)
