import { createHash } from "node:crypto"
import type { Seal } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Seals from "../Seals.js"
import { native } from "./Native.js"

/**
 * The seal of a thought as it goes to a caller. A foreign one also says which text it seals: some clients keep the last
 * piece of a streamed thought only, and its maker refuses a seal on another text.
 */
export const mark = (seal: Seal, text: string): string =>
  Seals.mark(
    seal.origin === native.details ? seal : { ...seal, value: `${digest(text)}.${seal.value}` },
    native.details
  )

/** The seal of a thought that came back; `undefined` when it is not this text's. */
export const read = (signature: string, text: string): Seal | undefined => {
  const seal = Seals.read(signature, native.details)
  if (seal.origin === native.details) return seal
  const dot = seal.value.indexOf(".")
  if (dot !== digestLength) return seal
  return seal.value.startsWith(digest(text)) ? { ...seal, value: seal.value.slice(dot + 1) } : undefined
}

/**
 * Are these only the last of the details that a stream brought? OpenAI's SDK keeps so much of a list that it does not know.
 * A text comes before its signature; and where the gateway wrote the details, the first has index 0.
 */
export const isTail = ([first]: ReadonlyArray<JsonObject>): boolean => {
  if (first === undefined) return false
  const signature = Json.text(first["signature"])
  if (signature && first["text"] === undefined) return true
  const { origin } = Seals.read(signature || (Json.text(first["data"]) ?? ""), native.details)
  return origin !== native.details && (Json.number(first["index"]) ?? 0) > 0
}

/** The seal alone, whatever text it says that it seals. */
export const bare = (value: string): string => value.replace(/^[0-9a-f]{8}\./, "")

const digestLength = 8

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, digestLength)
