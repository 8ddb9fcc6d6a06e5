import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/** A schema within the subset that Anthropic enforces. */
export interface Enforceable {
  readonly schema: JsonObject
  /** A rule of the original is told in words only. */
  readonly relaxed: boolean
}

/**
 * The schema as Anthropic takes it for `output_config.format` and strict tools. All objects are closed, and rules that it
 * refuses, as `minimum`, go into the description, as Anthropic's own SDK does. `undefined` for a schema that it refuses as
 * a whole or would make useless: a recursive one, a value of any type, and an object with members of any name, of which
 * only `{}` would be left. Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
export const enforceable = (schema: JsonObject): Enforceable | undefined => {
  const fitter = new Fitter(schema)
  const fitted = fitter.fit(schema, 0)
  return fitter.possible ? { schema: fitted, relaxed: fitter.relaxed } : undefined
}

const formats = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid"
] as ReadonlyArray<unknown>)

/** Members that say nothing about the value. */
const annotations = new Set(["$schema", "$id", "$comment", "examples", "deprecated", "readOnly", "writeOnly"])

/** Members that may stand beside a reference. */
const besideReference = new Set(["$ref", "$defs", "definitions"])

/** Members that are sent as they are. */
const plain = new Set(["type", "title", "description", "default", "required"])

const mostReferences = 1_000
const mostParts = 20_000

/** Nobody's schema is nested more deeply; a recursive one would be without an end. */
const deepest = 64

class Fitter {
  possible = true
  relaxed = false
  /** References that are being followed, and those that were. */
  private readonly open = new Set(["#"])
  private readonly followed = new Set<string>()

  /** Parts looked at so far. */
  private fitted = 0

  constructor(private readonly root: JsonObject) {}

  fit(schema: unknown, depth: number): JsonObject {
    this.fitted++
    if (!Json.isRecord(schema) || depth > deepest || this.fitted > mostParts || !isTyped(schema) || isOpen(schema)) {
      this.possible = false
      return {}
    }
    const fitted: Record<string, unknown> = {}
    const rules: Array<string> = []
    for (const [key, value] of Object.entries(schema)) {
      if (annotations.has(key) || ("$ref" in schema && !besideReference.has(key))) continue
      const kept = this.member(key, value, depth + 1)
      if (kept === undefined) rules.push(`${key}: ${Json.stringify(value)}`)
      else Object.assign(fitted, kept)
    }
    if (isObject(schema)) fitted["additionalProperties"] = false
    if (rules.length > 0) {
      this.relaxed = true
      fitted["description"] = [Json.text(schema["description"]), `{${rules.join(", ")}}`].filter(Boolean).join("\n\n")
    }
    return fitted
  }

  /** The member as it may be sent, perhaps by another name; `undefined` for a rule that Anthropic refuses. */
  private member(key: string, value: unknown, depth: number): JsonObject | undefined {
    switch (key) {
      case "$ref":
        this.follow(value, depth)
        return { $ref: value }
      case "$defs":
      case "definitions":
      case "properties":
        return {
          [key]: Object.fromEntries(
            Object.entries(Json.record(value)).map(([name, schema]) => [name, this.fit(schema, depth)])
          )
        }
      case "anyOf":
      case "allOf":
        return { [key]: Json.list(value).map((schema) => this.fit(schema, depth)) }
      case "oneOf":
        // One of them is any of them too; that it be no more than one is not enforced.
        this.relaxed = true
        return { anyOf: Json.list(value).map((schema) => this.fit(schema, depth)) }
      case "items":
        return Array.isArray(value) ? undefined : { items: this.fit(value, depth) }
      case "minItems":
        return value === 0 || value === 1 ? { minItems: value } : undefined
      case "format":
        return formats.has(value) ? { format: value } : undefined
      case "enum":
        return Json.list(value).every(isPrimitive) ? { enum: value } : undefined
      case "const":
        return isPrimitive(value) ? { const: value } : undefined
      case "additionalProperties":
        return {}
      default:
        return plain.has(key) ? { [key]: value } : undefined
    }
  }

  /** A reference must be to a part of the schema, and must not lead back to itself. */
  private follow(reference: unknown, depth: number): void {
    const name = Json.text(reference) ?? ""
    if (this.followed.has(name) || !this.possible) return
    if (this.followed.size >= mostReferences) this.possible = false
    const target = find(this.root, name)
    if (target === undefined || this.open.has(name)) {
      this.possible = false
      return
    }
    this.open.add(name)
    this.fit(target, depth)
    this.open.delete(name)
    this.followed.add(name)
  }
}

const isPrimitive = (value: unknown): boolean => !Json.isRecord(value) && !Array.isArray(value)

const isObject = (schema: JsonObject): boolean => schema["type"] === "object" || Json.isRecord(schema["properties"])

const isTyped = (schema: JsonObject): boolean =>
  ["type", "properties", "items", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"].some((key) => key in schema)

const isOpen = (schema: JsonObject): boolean => {
  const { additionalProperties, patternProperties, properties } = schema
  if (additionalProperties === true || Json.isRecord(additionalProperties) || Json.isRecord(patternProperties))
    return true
  return [schema["type"]].flat().includes("object") && !Json.isRecord(properties) && additionalProperties !== false
}

const find = (root: JsonObject, reference: string): JsonObject | undefined => {
  // Each part has one name only, so that it is followed once.
  if (reference !== "#" && !reference.startsWith("#/")) return undefined
  const keys = reference.slice(1).split("/").slice(1)
  const found = keys.reduce<unknown>(
    (value, key) => Json.record(value)[key.replaceAll("~1", "/").replaceAll("~0", "~")],
    root
  )
  return Json.isRecord(found) ? found : undefined
}
