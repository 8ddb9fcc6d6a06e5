import type { JsonObject, Outbound } from "../Dialects.js"
import { isThirdOrLater } from "../gemini/Models.js"
import * as Json from "../Json.js"
import { native } from "./Native.js"

/** Does the endpoint refuse a message whose first tool call is unsigned? */
export const demanded = ({ model, realm }: Outbound): boolean => realm === native.toolCall && isThirdOrLater(model)

/**
 * The calls of one message, the first of them signed. For calls that Gemini did not make itself, Google names this
 * signature, which its validator lets pass (https://ai.google.dev/gemini-api/docs/thought-signatures, FAQs).
 */
export const signed = ([first, ...rest]: ReadonlyArray<JsonObject>): ReadonlyArray<JsonObject> => {
  if (first === undefined) return []
  const extra = Json.record(first["extra_content"])
  const google = Json.record(extra["google"])
  if (Json.text(google["thought_signature"])) return [first, ...rest]
  const thought_signature = "skip_thought_signature_validator"
  return [{ ...first, extra_content: { ...extra, google: { ...google, thought_signature } } }, ...rest]
}
