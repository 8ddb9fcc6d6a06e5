import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { transformJSONSchema } from "@anthropic-ai/sdk/lib/transform-json-schema"
import * as Schema from "../../../src/protocol/anthropic/Schema.js"

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more })
const closed = (properties: object, more: object = {}) => object(properties, { ...more, additionalProperties: false })

/** A schema that the SDK takes too. */
const { anySchema } = FastCheck.letrec<{ readonly anySchema: Readonly<Record<string, unknown>> }>((tie) => ({
  anySchema: FastCheck.oneof(
    { maxDepth: 4, withCrossShrink: true },
    FastCheck.record(
      {
        type: FastCheck.constant("string"),
        format: FastCheck.constantFrom("uuid", "date", "odd"),
        pattern: FastCheck.string(),
        description: FastCheck.string({ minLength: 1 })
      },
      { requiredKeys: ["type"] }
    ),
    FastCheck.record(
      { type: FastCheck.constantFrom("integer", "number"), minimum: FastCheck.integer(), title: FastCheck.string() },
      { requiredKeys: ["type"] }
    ),
    FastCheck.record({
      enum: FastCheck.array(FastCheck.oneof(FastCheck.string(), FastCheck.integer()), { minLength: 1 })
    }),
    FastCheck.record({ anyOf: FastCheck.array(tie("anySchema"), { minLength: 1, maxLength: 3 }) }),
    FastCheck.record(
      { type: FastCheck.constant("array"), items: tie("anySchema"), minItems: FastCheck.nat({ max: 3 }) },
      { requiredKeys: ["type", "items"] }
    ),
    FastCheck.record(
      {
        type: FastCheck.constant("object"),
        properties: FastCheck.dictionary(FastCheck.string(), tie("anySchema"), { maxKeys: 3 }),
        required: FastCheck.array(FastCheck.string(), { maxLength: 2 }),
        additionalProperties: FastCheck.boolean(),
        maxProperties: FastCheck.nat()
      },
      { requiredKeys: ["type", "properties"] }
    )
  )
}))

describe("A schema for Anthropic", () => {
  it("is the very same when it is within what Anthropic enforces", () => {
    const schema = closed(
      {
        kind: { type: "string", enum: ["a", "b"], description: "Which." },
        at: { anyOf: [{ type: "string", format: "date-time" }, { type: "null" }] },
        items: { type: "array", minItems: 1, items: { $ref: "#/$defs/item" } }
      },
      { required: ["kind"], $defs: { item: closed({ n: { type: ["integer", "null"] }, one: { const: 1 } }) } }
    )
    assert.deepStrictEqual(Schema.enforceable(schema), { schema, relaxed: false })
  })

  it("closes every object, which takes nothing from it", () => {
    const nested = object({ list: { type: "array", items: object({ a: { type: "string" } }) } })
    assert.deepStrictEqual(Schema.enforceable(nested), {
      schema: closed({ list: { type: "array", items: closed({ a: { type: "string" } }) } }),
      relaxed: false
    })
  })

  it("tells in words the rules that Anthropic refuses", () => {
    const schema = object({ n: { type: "integer", description: "A number.", minimum: 1, maximum: 12345678901234 } })
    assert.deepStrictEqual(Schema.enforceable(schema), {
      schema: closed({ n: { type: "integer", description: "A number.\n\n{minimum: 1, maximum: 12345678901234}" } }),
      relaxed: true
    })
  })

  it.each([
    { type: "string", pattern: "^a" },
    { type: "string", format: "ipv7" },
    { type: "array", items: { type: "string" }, minItems: 2 },
    { type: "array", items: [{ type: "string" }] },
    { enum: [{ a: 1 }] },
    { const: [1] },
    { oneOf: [{ type: "string" }, { type: "integer" }] }
  ])("says of %j that it is relaxed", (schema) => {
    assert.isTrue(Schema.enforceable(object({ a: schema }))?.relaxed)
  })

  it("does without what says nothing about the value", () => {
    const schema = object({ a: { type: "string", examples: ["x"], $comment: "y" } }, { $schema: "http://z" })
    assert.deepStrictEqual(Schema.enforceable(schema), { schema: closed({ a: { type: "string" } }), relaxed: false })
  })

  it.each([
    [{ type: "object" }],
    [{ type: "object", additionalProperties: true, properties: {} }],
    [{ type: "object", additionalProperties: { type: "string" } }],
    [{ type: ["object", "null"] }],
    [{ type: "object", patternProperties: { "^a": { type: "string" } }, properties: {} }],
    [{ description: "anything" }],
    [true]
  ])("is none where %j would be of no use", (schema) => {
    assert.isUndefined(Schema.enforceable(object({ a: schema })))
  })

  it("is none where it leads back to itself or to what is not there", () => {
    const node = object({ next: { $ref: "#/$defs/node" } })
    assert.isUndefined(Schema.enforceable(object({ a: { $ref: "#/$defs/node" } }, { $defs: { node } })))
    assert.isUndefined(Schema.enforceable(object({ a: { $ref: "#" } })))
    assert.isUndefined(Schema.enforceable(object({ a: { $ref: "#/$defs/none" } })))
    assert.isUndefined(Schema.enforceable(object({ a: { $ref: "https://a.test/schema" } })))
    const other = object(
      { a: { $ref: "#/$defs/a~1b" }, b: { $ref: "#/$defs/a~1b" } },
      { $defs: { "a/b": { const: 1 } } }
    )
    assert.isDefined(Schema.enforceable(other))
  })

  it("is what Anthropic's own SDK makes of it, of which there is nothing left to change", () => {
    FastCheck.assert(
      FastCheck.property(anySchema, (schema) => {
        const theirs = transformJSONSchema(schema)
        assert.deepStrictEqual(Schema.enforceable(theirs), { schema: theirs, relaxed: false })
        const ours = Schema.enforceable(schema)
        if (ours !== undefined) assert.deepStrictEqual(Schema.enforceable(ours.schema), { ...ours, relaxed: false })
      })
    )
  })

  it("has nothing beside a reference but definitions", () => {
    const $defs = { a: { type: "string" } }
    assert.deepStrictEqual(Schema.enforceable({ $ref: "#/$defs/a", description: "x", minLength: 1, $defs }), {
      schema: { $ref: "#/$defs/a", $defs },
      relaxed: false
    })
  })

  it("is looked through once, however often its parts refer to each other", () => {
    const pair = (name: string) => object({ left: { $ref: `#/$defs/${name}` }, right: { $ref: `#/$defs/${name}` } })
    const levels = Array.from({ length: 25 }, (_, level) => [`l${level}`, pair(`l${level + 1}`)])
    const $defs = Object.fromEntries([...levels, ["l25", { type: "string" }]])
    assert.isDefined(Schema.enforceable({ $ref: "#/$defs/l0", $defs }))
    assert.isUndefined(Schema.enforceable({ $ref: "#/$defs/tree", $defs: { tree: pair("tree") } }))
  })

  it("is none where it is nested more deeply than anybody's", () => {
    const deep = Array.from({ length: 10_000 }).reduce<object>((items) => ({ type: "array", items }), { type: "null" })
    assert.isUndefined(Schema.enforceable({ anyOf: [deep] }))
  })
})
