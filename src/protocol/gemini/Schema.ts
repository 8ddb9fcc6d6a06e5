import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/**
 * A JSON schema as Gemini understands it: it passes `const` over, and an `enum` of one value says the same. Only texts and
 * numbers can be in its enums (https://ai.google.dev/gemini-api/docs/structured-output).
 */
export const adapt = (schema: JsonObject): JsonObject => {
  const { const: only, ...rest } = schema
  const members = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, within(key, value)]))
  if (only === undefined) return members
  const type = typeof only
  if ((type !== "string" && type !== "number") || rest["enum"] !== undefined) return { ...members, const: only }
  return { type, ...members, enum: [only] }
}

/** Keywords whose value is a schema, or a list of them. */
const schemas = new Set(["additionalProperties", "allOf", "anyOf", "items", "not", "oneOf", "prefixItems"])

/** Keywords whose value is an object of schemas by name. */
const named = new Set(["$defs", "definitions", "properties"])

const within = (key: string, value: unknown): unknown => {
  if (schemas.has(key)) return Array.isArray(value) ? value.map(one) : one(value)
  if (!named.has(key) || !Json.isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, one(schema)]))
}

/** `true` and `false` are schemas too. */
const one = (schema: unknown): unknown => (Json.isRecord(schema) ? adapt(schema) : schema)
