import { isSafeNumber, LosslessNumber, parse as parseLossless, stringify as stringifyLossless } from "lossless-json"
import type { JsonObject } from "./Dialects.js"

/**
 * Parses JSON that will be written again: a number that a double cannot hold stays a `LosslessNumber`, which `stringify`
 * writes as it came. Throws what `JSON.parse` throws.
 */
export const parse = (json: string): unknown =>
  longNumber.test(json)
    ? parseLossless(json, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue })
    : JSON.parse(json)

/** JSON text of what `parse` gave, or of something made from it. */
export const stringify = (value: unknown): string => stringifyLossless(value) ?? "null"

/** The value of a text that may not be JSON. */
export const parsed = (json: string): unknown => {
  try {
    return parse(json)
  } catch {
    return undefined
  }
}

/** The value of a text that may not be JSON, where nobody writes it again. */
export const parsedForReading = (json: string): unknown => {
  try {
    return JSON.parse(json)
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

/** A number, also one that a double holds only nearly. */
export const number = (value: unknown): number | undefined => {
  const near = value instanceof LosslessNumber ? Number(value.value) : value
  return typeof near === "number" && Number.isFinite(near) ? near : undefined
}

export const boolean = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined)

/** A number of tokens; 0 for what can be none. */
export const count = (value: unknown): number =>
  typeof value === "number" && value > 0 && value <= mostTokens ? Math.trunc(value) : 0

/** Without the members that are `undefined`. */
export const defined = (members: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

/** No answer takes nearly as many, and sums of such counts are still exact. */
const mostTokens = 2 ** 40

/** Sixteen digits or more, where a number can stand, may be beyond a double. */
const longNumber = /[[:,]\s*-?\d[\d.]{15}/

const parseNumber = (digits: string): unknown => (isSafeNumber(digits) ? Number(digits) : new LosslessNumber(digits))
