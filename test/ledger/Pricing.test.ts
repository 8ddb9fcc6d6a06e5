import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import type { InstanceSettings } from "../../src/config/Settings.js"
import { toUsd } from "../../src/domain/Money.js"
import type { Usage } from "../../src/domain/Usage.js"
import { Pricing } from "../../src/ledger/Pricing.js"
import { instance } from "../support/settings.js"

const at = Date.parse("2025-11-01T12:00:00Z")

/** 1000 in, 2000 from the cache, 300 into it, 500 out. */
const usage: Usage = { input: 1_000, cacheRead: 2_000, cacheWrite: 300, output: 400, reasoning: 100 }

const pricing = Effect.runSync(Effect.provide(Pricing, Pricing.layer))

/** In USD; `undefined` is unknown. */
const cost = (
  fields: Partial<InstanceSettings>,
  models: ReadonlyArray<string>,
  used: Usage = usage
): string | undefined => {
  const money = pricing.cost(instance("a", fields), models, used, at)
  return money === undefined ? undefined : toUsd(money)
}

describe("a usage costs", () => {
  const vendors: ReadonlyArray<readonly [string, Partial<InstanceSettings>, string, string]> = [
    ["0.15 in, 0.075 from the cache, 0.60 out", { provider: "openai" }, "gpt-4o-mini", "0.000645"],
    ["the same under its dated name", { provider: "openai" }, "gpt-4o-mini-2024-07-18", "0.000645"],
    ["reasoning as output", { provider: "openai" }, "o3-mini", "0.00473"],
    ["3.75 into the cache", { provider: "openrouter" }, "anthropic/claude-sonnet-4.5", "0.012225"],
    ["nothing where it is free", { provider: "openrouter" }, "meta-llama/llama-3.3-70b-instruct:free", "0"],
    [
      "Azure's price of a deployment that is called like a model",
      { provider: "azure" },
      "gpt-4o|2024-06-01",
      "0.01075"
    ],
    [
      "the price of whoever's endpoint it is",
      { provider: "openai-compatible", baseUrl: "https://api.x.ai/v1" },
      "grok-4",
      "0.0129"
    ]
  ]
  for (const [what, fields, model, expected] of vendors) {
    it(`${what} (${model})`, () => {
      assert.strictEqual(cost(fields, [model]), expected)
    })
  }

  it("more per token in a long context, where the vendor says so", () => {
    const long = { input: 300_000, cacheRead: 0, cacheWrite: 0, output: 1_000, reasoning: 0 }
    assert.strictEqual(cost({ provider: "openrouter" }, ["anthropic/claude-sonnet-4.5"], long), "1.8225")
    assert.strictEqual(cost({ provider: "openrouter" }, ["anthropic/claude-sonnet-4.5"]), "0.012225")
  })

  it("nothing on the operator's own machine", () => {
    for (const provider of ["ollama", "simulated"] as const) assert.strictEqual(cost({ provider }, ["whatever"]), "0")
  })

  it("what the operator says, for every model of the instance", () => {
    const own = { provider: "openai", pricing: { prompt: 2, completion: 10 } } as const
    assert.strictEqual(cost(own, ["gpt-4o-mini"]), "0.0116")
    assert.strictEqual(cost(own, ["my-own-model"]), "0.0116")
    assert.strictEqual(cost({ ...own, provider: "ollama" }, ["llama3:8b"]), "0.0116")
    assert.strictEqual(cost({ ...own, pricing: { prompt: 0, completion: 0 } }, ["gpt-4o-mini"]), "0")
  })

  it("an unknown amount, never zero, where the price is not known", () => {
    const cases: ReadonlyArray<Partial<InstanceSettings>> = [
      { provider: "openai" },
      { provider: "azure" },
      { provider: "openai-compatible" },
      { provider: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" }
    ]
    for (const fields of cases) assert.isUndefined(cost(fields, ["no-such-model"]))
    assert.isUndefined(cost({ provider: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" }, ["gpt-4o"]))
  })

  it("what the answer's model costs where an Azure deployment's name says nothing", () => {
    assert.isUndefined(cost({ provider: "azure" }, ["my-chat"]))
    assert.strictEqual(cost({ provider: "azure" }, ["my-chat|2024-06-01", "gpt-4o-mini-2024-07-18"]), "0.000645")
  })

  it("the same at each time of asking", () => {
    for (const models of [["gpt-4o-mini"], ["no-such-model"], ["no-such-model", "gpt-4o-mini"]]) {
      assert.strictEqual(cost({ provider: "openai" }, models), cost({ provider: "openai" }, models))
    }
  })

  const amount = FastCheck.nat({ max: 10_000_000 })
  it.prop(
    "as much in two calls as in one, to the last digit",
    [FastCheck.array(FastCheck.tuple(amount, amount, amount, amount), { minLength: 1, maxLength: 5 })],
    ([calls]) => {
      const of = (input: number, cacheRead: number, output: number, reasoning: number): bigint =>
        pricing.cost(
          instance("a", { provider: "openai" }),
          ["gpt-4o-mini"],
          { input, cacheRead, cacheWrite: 0, output, reasoning },
          at
        ) ?? assert.fail("no price")
      const sum = (position: 0 | 1 | 2 | 3) => calls.reduce((total, call) => total + call[position], 0)
      assert.strictEqual(
        calls.reduce((total, call) => total + of(...call), 0n),
        of(sum(0), sum(1), sum(2), sum(3))
      )
    }
  )
})

describe("what an instance has listed", () => {
  const listed = Effect.runSync(
    Effect.provide(
      Pricing,
      Pricing.layerListed((_, model) =>
        model === "half" ? { promptPrice: "1" } : { promptPrice: "1", completionPrice: "2" }
      )
    )
  )
  const costOf = (fields: Partial<InstanceSettings>, model: string): string | undefined => {
    const money = listed.cost(instance("a", fields), [model], usage, at)
    return money === undefined ? undefined : toUsd(money)
  }
  const compatible = { provider: "openai-compatible", baseUrl: "http://own.test/v1" } as const

  it("is the price of what no price list knows, and of nothing else", () => {
    assert.strictEqual(costOf(compatible, "own/model"), "0.0043")
    assert.strictEqual(costOf({ provider: "openai" }, "gpt-4o-mini"), "0.000645")
    assert.strictEqual(costOf({ ...compatible, pricing: { prompt: 0, completion: 0 } }, "own/model"), "0")
  })

  it("is unknown where it is only half of a price", () => {
    assert.isUndefined(costOf(compatible, "half"))
  })
})
