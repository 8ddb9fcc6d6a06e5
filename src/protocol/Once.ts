import type { Prompt } from "../domain/Prompt.js"
import type { JsonObject } from "./Dialects.js"
import * as Json from "./Json.js"

/**
 * The prompt in a request's bytes, read at the first call: only a candidate of another dialect needs it. The bytes are
 * parsed once more, because big integers in them must survive. Throws on absurd nesting: an empty prompt would be worse.
 */
export const once = (body: Uint8Array, read: (json: JsonObject) => Prompt): (() => Prompt) => {
  let prompt: Prompt | undefined
  return () => {
    prompt ??= read(Json.record(Json.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())))
    return prompt
  }
}
