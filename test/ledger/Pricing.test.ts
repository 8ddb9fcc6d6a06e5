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

  it("what the operator says of its own model, before what is said of all of them", () => {
    const models = { "gpt-4o-mini": { prompt: "0.1", completion: 1 } }
    assert.strictEqual(
      cost({ provider: "openai", pricing: { prompt: 2, completion: 10, models } }, ["gpt-4o-mini"]),
      "0.00083"
    )
    assert.strictEqual(
      cost({ provider: "openai", pricing: { prompt: 2, completion: 10, models } }, ["gpt-4o"]),
      "0.0116"
    )
    // Others have the prices of the list.
    assert.strictEqual(cost({ provider: "openai", pricing: { models } }, ["gpt-4o"]), "0.01075")
    assert.isUndefined(cost({ provider: "openai", pricing: { models } }, ["constructor"]))
    assert.strictEqual(cost({ provider: "azure", pricing: { models } }, ["my-chat", "gpt-4o-mini"]), "0.00083")
  })

  it("what it did when it was called, where prices change", () => {
    const o3 = instance("a", { provider: "openai" })
    const on = (day: string) => pricing.cost(o3, ["o3"], usage, Date.parse(day))
    // 10 in, 0.50 from the cache and 40 out, until all but the cache became a fifth.
    assert.strictEqual(on("2025-06-09T23:59:59Z"), 34_000_000_000n)
    assert.strictEqual(on("2025-06-10T00:00:00Z"), 7_600_000_000n)
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

const none: Usage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 }

/** Each sum is written out by hand, from the prices that the vendor's page has for a million tokens. */
describe("a vendor's own example costs what its page says", () => {
  const on = (fields: Partial<InstanceSettings>, model: string, used: Partial<Usage>, day = "2025-11-01T12:00:00Z") => {
    const money = pricing.cost(instance("a", fields), [model], { ...none, ...used }, Date.parse(day))
    return money === undefined ? undefined : toUsd(money)
  }
  const anthropic = { provider: "anthropic" } as const
  const gemini = { provider: "gemini" } as const

  // https://platform.claude.com/docs/en/build-with-claude/prompt-caching#1-hour-cache-duration
  it("Anthropic: input, cache reads, and cache writes for five minutes and for an hour", () => {
    // 2,048 x 3 + 1,800 x 0.30 + 148 x 3.75 + 100 x 6 + 503 x 15
    const used = { input: 2_048, cacheRead: 1_800, cacheWrite: 148, cacheWrite1h: 100, output: 503 }
    assert.strictEqual(on(anthropic, "claude-sonnet-4-5", used), "0.015384")
    // Where Bedrock's, Vertex's and OpenRouter's lists say nothing of an hour, it is twice the input all the same.
    assert.strictEqual(on({ provider: "openrouter" }, "anthropic/claude-sonnet-4.5", used), "0.015384")
  })

  // https://platform.claude.com/docs/en/about-claude/pricing#long-context-pricing
  it("Anthropic: above 200,000 tokens of input, cached ones among them, every token has the long context's price", () => {
    const long = { input: 150_000, cacheRead: 20_000, cacheWrite: 20_000, cacheWrite1h: 10_000, output: 1_000 }
    // 150,000 x 3 + 20,000 x 0.30 + 20,000 x 3.75 + 10,000 x 6 + 1,000 x 15
    assert.strictEqual(on(anthropic, "claude-sonnet-4-5", long), "0.606")
    // 150,001 x 6 + 20,000 x 0.60 + 20,000 x 7.50 + 10,000 x 12 + 1,000 x 22.50
    assert.strictEqual(on(anthropic, "claude-sonnet-4-5", { ...long, input: 150_001 }), "1.204506")
  })

  // https://platform.openai.com/docs/guides/prompt-caching (the usage) and https://openai.com/api/pricing
  it("OpenAI: cached input of gpt-4o", () => {
    // 86 x 2.50 + 1,920 x 1.25 + 300 x 10
    assert.strictEqual(on({ provider: "openai" }, "gpt-4o", { input: 86, cacheRead: 1_920, output: 300 }), "0.005615")
  })

  // https://platform.openai.com/docs/guides/reasoning (the usage) and https://openai.com/api/pricing
  it("OpenAI: reasoning of gpt-5, which is output", () => {
    // 75 x 1.25 + (162 + 1,024) x 10
    assert.strictEqual(on({ provider: "openai" }, "gpt-5", { input: 75, output: 162, reasoning: 1_024 }), "0.01195375")
  })

  // https://platform.openai.com/docs/pricing#audio-tokens
  it("OpenAI: sound in and out of gpt-audio", () => {
    // 14 x 2.50 + 100 x 32 + 40 x 10 + 84 x 64
    const used = { input: 14, inputAudio: 100, output: 40, outputAudio: 84 }
    assert.strictEqual(on({ provider: "openai" }, "gpt-audio", used), "0.009011")
  })

  // https://ai.google.dev/gemini-api/docs/pricing#gemini-2.5-pro
  it("Gemini: prompts of 2.5 Pro up to 200,000 tokens, and longer ones", () => {
    // 150,000 x 1.25 + 50,000 x 0.125 + (400 + 600) x 10
    const short = { input: 150_000, cacheRead: 50_000, output: 400, reasoning: 600 }
    assert.strictEqual(on(gemini, "gemini-2.5-pro", short), "0.20375")
    // 150,001 x 2.50 + 50,000 x 0.25 + (400 + 600) x 15
    assert.strictEqual(on(gemini, "gemini-2.5-pro", { ...short, input: 150_001 }), "0.4025025")
  })

  // https://ai.google.dev/gemini-api/docs/pricing#gemini-2.5-flash
  it("Gemini: sound that 2.5 Flash hears, also out of a cache", () => {
    // 1,000 x 0.30 + 500 x 1 + 300 x 0.03 + 200 x 0.10 + 100 x 2.50
    const used = { input: 1_000, inputAudio: 500, cacheRead: 300, cacheReadAudio: 200, output: 100 }
    assert.strictEqual(on(gemini, "gemini-2.5-flash", used), "0.001079")
  })

  // https://api-docs.deepseek.com/quick_start/pricing-details-usd
  it("DeepSeek: cache hits and misses, by day and at half the price by night", () => {
    const used = { input: 19, cacheRead: 320, output: 44, reasoning: 39 }
    // 19 x 0.27 + 320 x 0.07 + 83 x 1.10
    assert.strictEqual(on({ provider: "deepseek" }, "deepseek-chat", used, "2025-03-01T16:29:59Z"), "0.00011883")
    // 19 x 0.135 + 320 x 0.035 + 83 x 0.55
    assert.strictEqual(on({ provider: "deepseek" }, "deepseek-chat", used, "2025-03-01T16:30:00Z"), "0.000059415")
  })

  // https://docs.perplexity.ai/getting-started/pricing
  it("Perplexity: a fee for the request besides the tokens", () => {
    // 10 x 1 + 251 x 1 + 12 a thousand requests
    assert.strictEqual(on({ provider: "perplexity" }, "sonar", { input: 10, output: 251 }), "0.012261")
  })
})

/** What the vendors took for calls that were recorded, by their own word. */
describe("a recorded call costs what its vendor took for it", () => {
  const bills: ReadonlyArray<readonly [string, Partial<InstanceSettings>, string, Partial<Usage>, string]> = [
    [
      "Sonnet 4.6 at OpenRouter, with a cache that is read and written",
      { provider: "openrouter" },
      "anthropic/claude-sonnet-4.6",
      { input: 3, cacheRead: 2_240, cacheWrite: 329, output: 100 },
      "0.00341475"
    ],
    [
      "Grok 4 by way of OpenRouter, at xAI's own prices",
      { provider: "xai" },
      "grok-4",
      { input: 8, cacheRead: 679, output: 69, reasoning: 118 },
      "0.00333825"
    ],
    // 1,330,500 and 1,466,250 ticks
    [
      "Grok 3 mini at xAI",
      { provider: "xai" },
      "grok-3-mini",
      { input: 1, cacheRead: 290, output: 26, reasoning: 196 },
      "0.00013305"
    ],
    [
      "Grok 3 mini at xAI, thinking",
      { provider: "xai" },
      "grok-3-mini",
      { input: 1, cacheRead: 11, output: 1, reasoning: 290 },
      "0.000146625"
    ]
  ]
  it.each(bills)("%s", (_, fields, model, used, billed) => {
    assert.strictEqual(cost(fields, [model], { ...none, ...used }), billed)
  })
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

  it("is the price of a model at a vendor whose list tells prices, before the bundled list", () => {
    const own = (row: object, model = "anthropic/claude-sonnet-4.5", used: Partial<Usage> = usage) => {
      const rows = Effect.runSync(
        Effect.provide(
          Pricing,
          Pricing.layerListed(() => row)
        )
      )
      const money = rows.cost(instance("a", { provider: "openrouter" }), [model], { ...none, ...used }, at)
      return money === undefined ? undefined : toUsd(money)
    }
    // As bundled: 3 in, 15 out, 0.30 from the cache and 3.75 into it, and twice the input above 200,000 tokens.
    assert.strictEqual(own({ promptPrice: "3", completionPrice: "15" }), "0.012225")
    // The vendor halves one price and doubles the other: caches and tiers go along.
    const changed = { promptPrice: "1.5", completionPrice: "30" }
    // 1,000 x 1.50 + 2,000 x 0.15 + 300 x 1.875 + 500 x 30
    assert.strictEqual(own(changed), "0.0173625")
    // 200,001 x 3 + 1 x 45
    assert.strictEqual(own(changed, undefined, { input: 200_001, output: 1 }), "0.600048")
    // Half a price is none.
    assert.strictEqual(own({ promptPrice: "1.5" }), "0.012225")
    // What was free is not in proportion to anything.
    const free = "meta-llama/llama-3.3-70b-instruct:free"
    assert.strictEqual(own({ promptPrice: "1", completionPrice: "2" }, free), "0.0043")
    assert.strictEqual(own({ promptPrice: "0", completionPrice: "0" }, free), "0")
  })

  it("is followed when the next list is another", () => {
    let row = { promptPrice: "1", completionPrice: "2" }
    const rows = Effect.runSync(
      Effect.provide(
        Pricing,
        Pricing.layerListed(() => row)
      )
    )
    const openrouter = instance("a", { provider: "openrouter" })
    const of = (made: InstanceSettings, model: string) => toUsd(rows.cost(made, [model], usage, at) ?? assert.fail())
    const both = () => [of(instance("b", compatible), "own/model"), of(openrouter, "openai/gpt-4o-mini")]
    assert.deepStrictEqual(both(), ["0.0043", "0.0033"])
    row = { promptPrice: "2", completionPrice: "4" }
    assert.deepStrictEqual(both(), ["0.0086", "0.0066"])
  })

  it("is unknown where it is only half of a price", () => {
    assert.isUndefined(costOf(compatible, "half"))
  })
})
