import { assert, describe, it } from "@effect/vitest"
import * as Strict from "../../../src/protocol/openai/Strict.js"

const closed = (properties: object, more: object = {}) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more
})

const string = { type: "string" }

describe("OpenAI takes a schema strictly that", () => {
  const taken: Readonly<Record<string, unknown>> = {
    "is closed and requires every member": closed({ a: string, b: { type: ["integer", "null"] } }),
    "is closed all the way down": closed({ a: { type: "array", items: closed({ b: string }) } }),
    "has alternatives": closed({ a: { anyOf: [string, closed({ b: string })] } }),
    "has definitions": closed({ a: { $ref: "#/$defs/b" } }, { $defs: { b: closed({ c: string }) } }),
    "has no members": closed({})
  }
  for (const [what, schema] of Object.entries(taken)) {
    it(`${what}`, () => assert.isTrue(Strict.takes(schema)))
  }
})

describe("OpenAI takes a schema only unstrictly that", () => {
  const deep = (levels: number): object => (levels === 0 ? string : closed({ a: deep(levels - 1) }))
  const refused: Readonly<Record<string, unknown>> = {
    "is open": { type: "object", properties: { a: string }, required: ["a"] },
    "has a member that is not required": closed({ a: string, b: string }, { required: ["a"] }),
    "requires nothing": closed({ a: string }, { required: undefined }),
    "is open inside": closed({ a: { type: "object", properties: {} } }),
    "is open in an item": closed({ a: { type: "array", items: { type: "object" } } }),
    "is open in an alternative": closed({ a: { anyOf: [string, { type: "object" }] } }),
    "is open in a definition": closed({}, { $defs: { b: { type: "object" } } }),
    "has keywords beyond its subset": closed({ a: { allOf: [string] } }),
    "is deeper than ten levels": deep(12),
    "is anything": true
  }
  for (const [what, schema] of Object.entries(refused)) {
    it(`${what}`, () => assert.isFalse(Strict.takes(schema)))
  }
})
