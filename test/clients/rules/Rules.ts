import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"

/** What a vendor would answer a request with 400 or 422 for, a sentence each; none: it takes the request. */
export type Rules = (request: JsonObject) => ReadonlyArray<string>

/** All of these rules. */
export const all =
  (...rules: ReadonlyArray<Rules>): Rules =>
  (request) =>
    rules.flatMap((rule) => rule(request))

/** The complaint, if there is one to make. */
export const unless = (fine: boolean, complaint: string): ReadonlyArray<string> => (fine ? [] : [complaint])

/** Names that are not among the known ones, each as a complaint. */
export const strangers = (value: JsonObject, known: ReadonlySet<string>, where: string): ReadonlyArray<string> =>
  Object.keys(value)
    .filter((key) => !known.has(key))
    .map((key) => `${where}.${key} is unknown`)

/** A set of the words in a text. */
export const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

export const isBase64 = (value: unknown): boolean =>
  typeof value === "string" && value !== "" && /^[a-z0-9+/]+={0,2}$/i.test(value)

/** What is a list of objects only. */
export const objects = (value: unknown): ReadonlyArray<JsonObject> | undefined =>
  Array.isArray(value) && value.every(Json.isRecord) ? Json.records(value) : undefined
