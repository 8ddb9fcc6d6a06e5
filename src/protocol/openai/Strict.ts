import * as Json from "../Json.js"

/**
 * Does OpenAI take a schema with `strict: true`? It must be closed and name every member as required, and knows a subset of
 * JSON schema only. Source: https://platform.openai.com/docs/guides/structured-outputs
 */
export const takes = (schema: unknown, depth = 0): boolean => {
  if (!Json.isRecord(schema)) return schema !== true
  if (depth > deepest || refused.some((keyword) => keyword in schema)) return false
  if ("properties" in schema || schema["type"] === "object") {
    const names = Object.keys(Json.record(schema["properties"]))
    const required = new Set(Json.list(schema["required"]))
    if (schema["additionalProperties"] !== false || !names.every((name) => required.has(name))) return false
  }
  return below(schema).every((each) => takes(each, depth + 1))
}

const deepest = 10

const refused = [
  "allOf",
  "oneOf",
  "not",
  "if",
  "then",
  "else",
  "dependentRequired",
  "dependentSchemas",
  "patternProperties"
]

const below = (schema: Readonly<Record<string, unknown>>): ReadonlyArray<unknown> => [
  ...Object.values(Json.record(schema["properties"])),
  ...Object.values(Json.record(schema["$defs"])),
  ...Object.values(Json.record(schema["definitions"])),
  ...(Array.isArray(schema["items"]) ? schema["items"] : schema["items"] === undefined ? [] : [schema["items"]]),
  ...Json.list(schema["anyOf"])
]
