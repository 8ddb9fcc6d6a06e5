import { assert, describe, it } from "@effect/vitest"
import * as Schema from "../../../src/protocol/gemini/Schema.js"

describe("A schema for Gemini", () => {
  it("says `const` as an enum of one value, wherever a schema can stand", () => {
    const kind = (value: string) => ({ type: "object", properties: { kind: { const: value } } })
    const adapted = (value: string) => ({ type: "object", properties: { kind: { type: "string", enum: [value] } } })
    assert.deepEqual(
      Schema.adapt({
        anyOf: [kind("a"), kind("b")],
        items: kind("c"),
        $defs: { d: kind("d") },
        additionalProperties: { type: "integer", const: 5 }
      }),
      {
        anyOf: [adapted("a"), adapted("b")],
        items: adapted("c"),
        $defs: { d: adapted("d") },
        additionalProperties: { type: "integer", enum: [5] }
      }
    )
  })

  it("leaves alone what only looks like one", () => {
    const schema = {
      type: "object",
      properties: { const: { type: "string" }, flag: { const: true }, either: { const: "a", enum: ["a", "b"] } },
      default: { const: "x" },
      enum: [{ const: "x" }],
      additionalProperties: false,
      items: null,
      $defs: 7
    }
    assert.deepEqual(Schema.adapt(schema), schema)
  })
})
