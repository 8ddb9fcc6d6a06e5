import { assert, describe, it } from "@effect/vitest"
import * as Models from "../../../src/protocol/openai/Models.js"

const usual = ["low", "medium", "high"]

describe("OpenAI's models", () => {
  const efforts: Readonly<Record<string, ReadonlyArray<string>>> = {
    "gpt-4o": [],
    "gpt-4.1-mini": [],
    "m-1": [],
    "prod-chat": [],
    o1: usual,
    "o3-mini": usual,
    "openai/o4-mini": usual,
    "ft:o4-mini-2025-04-16:org::x": usual,
    "gpt-5": ["minimal", ...usual],
    "gpt-5-mini-2025-08-07": ["minimal", ...usual],
    "gpt-5-codex": usual,
    "gpt-5-pro": ["high"],
    "gpt-5-chat-latest": [],
    "openai/gpt-5.1": ["none", ...usual],
    "gpt-5.1-chat-latest": [],
    "gpt-5.1-codex-max": ["none", ...usual, "xhigh"],
    "gpt-5.2": ["none", ...usual, "xhigh"],
    "gpt-6": ["none", ...usual, "xhigh"]
  }
  for (const [model, words] of Object.entries(efforts)) {
    it(`think as ${words.join(", ") || "nobody"} (${model})`, () => {
      const rules = Models.rulesOf(model)
      assert.deepStrictEqual(rules.efforts, words)
      assert.strictEqual(rules.sampling, words.length === 0)
    })
  }

  it("that think take a temperature only where they can do without, and are not told to think", () => {
    const samples = (model: string, effort: unknown) => Models.samples(Models.rulesOf(model), effort)
    assert.deepStrictEqual(
      ["gpt-4o", "gpt-5-mini", "o3", "gpt-5.2"].map((model) => samples(model, undefined)),
      [true, false, false, true]
    )
    assert.deepStrictEqual(
      ["none", "low", null].map((effort) => samples("gpt-5.1", effort)),
      [true, false, true]
    )
    assert.isTrue(samples("gpt-4o", "low"))
  })

  it("of the o series call one tool at a time only if they like", () => {
    assert.deepStrictEqual(
      ["o3", "gpt-5", "gpt-4o"].map((model) => Models.rulesOf(model).serialTools),
      [false, true, true]
    )
  })
})

describe("an effort", () => {
  const asked: ReadonlyArray<readonly [string, ReadonlyArray<string>, string | undefined]> = [
    ["low", usual, "low"],
    ["minimal", usual, "low"],
    ["max", usual, "high"],
    ["max", ["none", ...usual, "xhigh"], "xhigh"],
    ["minimal", ["none", ...usual], "low"],
    ["low", ["high"], "high"],
    ["odd", usual, undefined],
    ["odd", ["odd"], "odd"]
  ]
  for (const [word, known, nearest] of asked) {
    it(`${word} is told as ${String(nearest)} where ${known.join(", ")} are known`, () => {
      assert.strictEqual(Models.nearestEffort(word, known), nearest)
    })
  }
})
