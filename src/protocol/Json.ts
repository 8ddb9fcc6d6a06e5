import { isSafeNumber, LosslessNumber, parse as parseLossless, stringify as stringifyLossless } from "lossless-json"
import type { JsonObject } from "./Dialects.js"

/**
 * Parses JSON that will be written again: a number that a double cannot hold stays a `LosslessNumber`, which `stringify`
 * writes as it came. Throws what `JSON.parse` throws.
 */
export const parse = (text: string): unknown =>
  longNumber.test(text)
    ? parseLossless(text, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue })
    : JSON.parse(text)

/** JSON text of what `parse` gave, or of something made from it. */
export const stringify = (value: unknown): string => stringifyLossless(value) ?? "null"

/** The value of a text that may not be JSON. */
export const parsed = (text: string): unknown => {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

export const isRecord = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber)

export const record = (value: unknown): JsonObject => (isRecord(value) ? value : {})

export const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** The objects in a list; whatever else is in it, is left out. */
export const records = (value: unknown): ReadonlyArray<JsonObject> => list(value).filter(isRecord)

export const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

export const number = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined

export const boolean = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined)

/** A number of tokens; 0 for what can be none. */
export const count = (value: unknown): number =>
  typeof value === "number" && value > 0 && value <= mostTokens ? Math.trunc(value) : 0

/** Without the members that are `undefined`. */
export const defined = (members: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

/** No answer takes nearly as many, and sums of such counts are still exact. */
const mostTokens = 2 ** 40

/** Sixteen digits in a row or more may be beyond a double; text and base64 of that kind only cost a slower parse. */
const longNumber = /\d[\d.]{15}/

const parseNumber = (text: string): unknown => (isSafeNumber(text) ? Number(text) : new LosslessNumber(text))
