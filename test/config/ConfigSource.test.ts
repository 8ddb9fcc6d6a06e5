import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { loading } from "./loading.js"

describe("a file that is not YAML", () => {
  it.effect.each([
    ["log: [", "indentation is wrong, or a bracket is not closed"],
    ["server:\n\tport: 1", "spaces, not tabs"],
    ["log: 'x", "a quote, bracket, comma or colon is missing"],
    ["log: !secret-tag x", "a YAML tag"],
    ["log: *secret-alias", "a YAML alias"],
    ["tasks: &secret\n  a: *secret", "contains itself"],
    ["a: 1\n---\na: 2", "more than one document"],
    ["? [a]\n: 1", "a field's name must be text"],
    ["log: @x", "neither YAML nor JSON"],
    ["- 1", "must be a mapping of fields"],
    ["hello", "must be a mapping of fields"]
  ] as const)("is refused in plain words: %j", ([file, words]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(loading({ file }))
      assert.include(error.message, words)
      assert.notInclude(error.message, "secret")
      assert.lengthOf(error.problems, 1)
    })
  )

  it.effect("is told that a ${VAR} between braces needs quotes", () =>
    Effect.gen(function* () {
      const { problems } = yield* Effect.flip(loading({ file: "instances:\n  - { id: a, apiKey: ${KEY} }\nlog: {}" }))
      assert.lengthOf(problems, 1)
      assert.strictEqual(problems[0]?.line, 2)
      assert.include(problems[0]?.message, "a ${VAR} needs quotes")
    })
  )

  it.effect("hears of a field that is given twice together with everything else", () =>
    Effect.gen(function* () {
      const { problems } = yield* Effect.flip(loading({ file: "server:\n  port: 1\n  port: 2\n  prot: 3" }))
      assert.deepStrictEqual(problems, [
        { path: "", message: "this field is given twice", line: 3 },
        { path: "server.prot", message: "is not a known field; did you mean port?", line: 4 }
      ])
    })
  )
})

describe("a line number", () => {
  it.effect("is that of the value that an alias brings in", () =>
    Effect.gen(function* () {
      const file =
        "instances:\n  - id: a\n    provider: ollama\n    timeouts: &slow\n      idle: 9\n  - id: b\n    provider: ollama\n    timeouts: *slow"
      const { problems } = yield* Effect.flip(loading({ file }))
      assert.deepStrictEqual(
        problems.map(({ line, path }) => [line, path]),
        [
          [5, "instances[0].timeouts.idle"],
          [5, "instances[1].timeouts.idle"]
        ]
      )
    })
  )
})
