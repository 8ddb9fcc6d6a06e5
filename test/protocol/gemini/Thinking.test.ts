import { assert, describe, it } from "@effect/vitest"
import type { Thinking } from "../../../src/domain/Prompt.js"
import * as Json from "../../../src/protocol/Json.js"
import { asked } from "./prompts.js"

const thinking = (more: Partial<Thinking>): Thinking => ({
  enabled: true,
  effort: undefined,
  budgetTokens: undefined,
  ...more
})

const told = (model: string, more: Partial<Thinking>) => {
  const { json, lost } = asked(model, { thinking: thinking(more) })
  return [Json.record(json["generationConfig"])["thinkingConfig"], lost]
}

const off = { enabled: false }
const includeThoughts = true

describe("How much to think", () => {
  it.each([
    [{}, { includeThoughts }, []],
    [{ effort: "minimal" }, { includeThoughts, thinkingLevel: "low" }, []],
    [{ effort: "low" }, { includeThoughts, thinkingLevel: "low" }, []],
    [{ effort: "medium" }, { includeThoughts, thinkingLevel: "medium" }, []],
    [{ effort: "high" }, { includeThoughts, thinkingLevel: "high" }, []],
    [{ effort: "xhigh" }, { includeThoughts, thinkingLevel: "high" }, []],
    [{ effort: "constructor" }, { includeThoughts }, ["thinking"]],
    [{ budgetTokens: 1_024 }, { includeThoughts, thinkingLevel: "low" }, ["thinking_budget"]],
    [{ budgetTokens: 4_000 }, { includeThoughts, thinkingLevel: "medium" }, ["thinking_budget"]],
    [{ budgetTokens: 32_000 }, { includeThoughts, thinkingLevel: "high" }, ["thinking_budget"]],
    [{ budgetTokens: 32_000, effort: "low" }, { includeThoughts, thinkingLevel: "low" }, ["thinking_budget"]],
    [off, { thinkingLevel: "low" }, ["thinking"]]
  ] as const)("is a level for Gemini 3: %o", (asks, config, lost) => {
    assert.deepEqual(told("gemini-3-flash-preview", asks), [config, lost])
    assert.deepEqual(told("gemini-pro-latest", asks), [config, lost])
  })

  it.each([
    [{}, { includeThoughts, thinkingBudget: -1 }, []],
    [{ effort: "minimal" }, { includeThoughts, thinkingBudget: 1_024 }, []],
    [{ effort: "medium" }, { includeThoughts, thinkingBudget: 8_192 }, []],
    [{ effort: "max" }, { includeThoughts, thinkingBudget: 24_576 }, []],
    [{ effort: "toString" }, { includeThoughts, thinkingBudget: -1 }, ["thinking"]],
    [{ budgetTokens: 3_000, effort: "high" }, { includeThoughts, thinkingBudget: 3_000 }, []],
    [{ budgetTokens: 30_000 }, { includeThoughts, thinkingBudget: 24_576 }, ["thinking_budget"]],
    [{ budgetTokens: 3_000.5 }, { includeThoughts, thinkingBudget: 3_000 }, ["thinking_budget"]],
    [off, { thinkingBudget: 0 }, []]
  ] as const)("is a budget for Gemini 2.5: %o", (asks, config, lost) => {
    assert.deepEqual(told("gemini-2.5-flash", asks), [config, lost])
  })

  it("stays within the bounds of each model, and Pro cannot stop", () => {
    assert.deepEqual(told("gemini-2.5-pro", { budgetTokens: 30_000 }), [
      { includeThoughts, thinkingBudget: 30_000 },
      []
    ])
    assert.deepEqual(told("gemini-2.5-pro", { budgetTokens: 64 }), [
      { includeThoughts, thinkingBudget: 128 },
      ["thinking_budget"]
    ])
    assert.deepEqual(told("gemini-2.5-pro", off), [{ thinkingBudget: 128 }, ["thinking"]])
    assert.deepEqual(told("gemini-2.5-flash-lite", { budgetTokens: 100 }), [
      { includeThoughts, thinkingBudget: 512 },
      ["thinking_budget"]
    ])
  })

  it("is not told to a model that does not think, or of which nothing is known", () => {
    assert.deepEqual(told("gemini-2.0-flash", { effort: "low" }), [undefined, ["thinking"]])
    assert.deepEqual(told("gemini-2.0-flash", off), [undefined, []])
    assert.deepEqual(told("gemma-3-27b-it", off), [undefined, ["thinking"]])
  })
})
