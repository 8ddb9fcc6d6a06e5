import { assert, describe, it } from "@effect/vitest"
import { calcPrice, findProvider, type ModelInfo } from "@pydantic/genai-prices"
import * as FastCheck from "effect/FastCheck"
import { inputTotal, outputTotal, type Usage } from "../../src/domain/Usage.js"
import * as ListedRates from "../../src/ledger/ListedRates.js"
import * as Rates from "../../src/ledger/Rates.js"

/** Everybody in the price list. */
const providers =
  `anthropic arcee avian aws azure baseten cerebras cloudflare cohere cursor deepseek doubleword fireworks
  github-copilot google groq huggingface_nebius huggingface_novita huggingface_together minimax mistral moonshotai novita
  openai openrouter ovhcloud perplexity quicksilverpro together voyageai x-ai zai zhipuai`.split(/\s+/)

const models = providers.flatMap((id) => {
  const { models: listed = [] } = findProvider({ providerId: id }) ?? {}
  return listed.map((model) => [id, model] as const)
})

/** Before and after the dates and hours on which prices change, and on them. */
const times = [
  "2025-06-09T23:59:59.999Z",
  "2025-06-10T00:00:00Z",
  "2025-11-01T00:29:59Z",
  "2025-11-01T00:30:00Z",
  "2025-11-01T16:30:00Z",
  "2026-08-17T01:00:00Z",
  "2026-09-30T04:00:00Z",
  "2027-01-01T09:59:59.999Z"
].map((text) => Date.parse(text))

const nothing = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 }

/** Around the tiers, and odd enough that a price's last digit shows. */
const usages: ReadonlyArray<Usage> = [
  nothing,
  { ...nothing, input: 1 },
  { input: 199_999, cacheRead: 1, cacheWrite: 0, output: 1_234_567, reasoning: 7 },
  { input: 199_999, cacheRead: 1, cacheWrite: 1, output: 3, reasoning: 0 },
  { input: 0, cacheRead: 271_999, cacheWrite: 0, output: 12_345, reasoning: 54_321 },
  { input: 0, cacheRead: 0, cacheWrite: 272_000, output: 11, reasoning: 13 },
  { input: 31_999, cacheRead: 1, cacheWrite: 7, output: 0, reasoning: 99_991 },
  {
    ...nothing,
    input: 127,
    inputAudio: 131_071,
    cacheRead: 17,
    cacheReadAudio: 8_191,
    output: 19,
    outputAudio: 524_287
  },
  { ...nothing, input: 11, cacheWrite: 13, cacheWrite1h: 65_537, output: 17 }
]

const units = (usage: Usage): Readonly<Record<string, number>> => ({
  input_tokens: inputTotal(usage),
  cache_read_tokens: usage.cacheRead + (usage.cacheReadAudio ?? 0),
  cache_write_tokens: usage.cacheWrite + (usage.cacheWrite1h ?? 0),
  cache_write_1h_tokens: usage.cacheWrite1h ?? 0,
  input_audio_tokens: (usage.inputAudio ?? 0) + (usage.cacheReadAudio ?? 0),
  cache_audio_read_tokens: usage.cacheReadAudio ?? 0,
  output_tokens: outputTotal(usage),
  output_reasoning_tokens: usage.reasoning,
  output_audio_tokens: usage.outputAudio ?? 0
})

/** What the price list's own program says of a model's prices, in USD as a float. */
const oracle = (prices: ModelInfo["prices"], usage: Usage, at: number) =>
  calcPrice(units(usage), "m", {
    provider: { id: "p", name: "p", api_pattern: "p", models: [{ id: "m", match: { equals: "m" }, prices }] },
    timestamp: new Date(at)
  }) ?? assert.fail("it knows the model")

/** To a pico-dollar, and to the last digit of a double. */
const agree = (cost: bigint, usd: number): boolean =>
  Math.abs(Number(cost) - usd * 1e12) <= Math.max(1, usd * 1e12 * 1e-15 * 4)

describe("what a price list says", () => {
  it("is most of what there is to know", () => {
    assert.isAbove(models.length, 1_200)
  })

  it.each(providers)("costs what the list's own program says it costs, to a pico-dollar, at %s", (provider) => {
    const different: Array<unknown> = []
    for (const [id, model] of models.filter(([whose]) => whose === provider)) {
      for (const [turn, usage] of usages.entries()) {
        for (const at of Array.isArray(model.prices) ? times : times.slice(turn % times.length).slice(0, 1)) {
          const expected = oracle(model.prices, usage, at)
          const sheet = ListedRates.of(model).at(at)
          const prices = expected.model_price
          if (sheet === undefined) {
            // It has no price for a token, and nothing is known where the program says zero.
            assert.notProperty(prices, "input_mtok")
            continue
          }
          // It knows no hour there, which does cost more than five minutes.
          if (usage.cacheWrite1h && !("cache_write_1h_mtok" in prices) && "cache_write_mtok" in prices) continue
          const cost = Rates.cost(sheet, usage)
          if (!agree(cost, expected.total_price)) different.push([id, model.id, at, usage, cost, expected.total_price])
        }
      }
    }
    assert.deepStrictEqual(different, [])
  })

  const sonnet = { input_mtok: 3, cache_write_mtok: 3.75, cache_read_mtok: 0.3, output_mtok: 15 }
  const million = 1_000_000
  const costOf = (prices: ModelInfo["prices"], usage: Partial<Usage>, at = 0): bigint | undefined => {
    const sheet = ListedRates.of({ prices }).at(at)
    return sheet && Rates.cost(sheet, { ...nothing, ...usage })
  }
  const usd = 10n ** 12n

  it("is twice the fresh price for what is kept an hour, where only five minutes are listed", () => {
    assert.strictEqual(costOf(sonnet, { cacheWrite1h: million }), 6n * usd)
    assert.strictEqual(costOf({ ...sonnet, cache_write_1h_mtok: 5 }, { cacheWrite1h: million }), 5n * usd)
    // Who takes less for writing than for reading is not Anthropic.
    assert.strictEqual(costOf({ ...sonnet, cache_write_mtok: 1 }, { cacheWrite1h: million }), 1n * usd)
    assert.strictEqual(costOf({ input_mtok: 3, output_mtok: 15 }, { cacheWrite1h: million }), 3n * usd)
  })

  it("is exact where a float is not", () => {
    assert.strictEqual(costOf({ input_mtok: 0.08333333333333334, output_mtok: 0 }, { input: 3 * million }), usd / 4n)
    assert.strictEqual(costOf({ input_mtok: 0.1, output_mtok: 0.2 }, { input: 3, output: 3 }), 900_000n)
  })

  it("is unknown where there is no price for tokens, and zero where there is no price at all", () => {
    assert.isUndefined(costOf({ audio_hours: 1 }, { input: 1 }))
    assert.strictEqual(costOf({}, { input: 1 }), 0n)
  })

  it("has a fee by the request besides the tokens", () => {
    assert.strictEqual(
      costOf({ input_mtok: 1, output_mtok: 1, requests_kcount: 12 }, { input: million }),
      usd + 12n * 10n ** 9n
    )
  })

  it("changes at its hours across midnight and in any zone", () => {
    const prices = [
      { prices: { input_mtok: 1, output_mtok: 1 } },
      {
        constraint: { type: "time_of_date" as const, start_time: "23:00:00Z", end_time: "06:00:00+02:00" },
        prices: { input_mtok: 2, output_mtok: 2 }
      }
    ]
    const at = (time: string) => costOf(prices, { input: million }, Date.parse(`2026-05-05T${time}Z`))
    for (const time of ["23:00:00", "00:00:00", "03:59:59.999"]) assert.strictEqual(at(time), 2n * usd)
    for (const time of ["22:59:59.999", "04:00:00", "12:00:00"]) assert.strictEqual(at(time), usd)
  })

  const amount = FastCheck.double({ min: 0, max: 1_000, noNaN: true, noDefaultInfinity: true })
  const price = FastCheck.oneof(
    amount,
    FastCheck.record({
      base: amount,
      tiers: FastCheck.array(FastCheck.record({ start: FastCheck.nat({ max: 300_000 }), price: amount }), {
        maxLength: 3
      })
    })
  )
  const count = FastCheck.nat({ max: 500_000 })
  const anyUsage = FastCheck.record({
    input: count,
    cacheRead: count,
    cacheWrite: count,
    output: count,
    reasoning: count
  })
  it.prop(
    "is what the list's own program makes of any tiers",
    [
      FastCheck.record({ input_mtok: price, cache_read_mtok: price, cache_write_mtok: price, output_mtok: price }),
      anyUsage
    ],
    ([prices, usage]) => {
      const expected = oracle(prices, usage, 0)
      assert.isTrue(agree(costOf(prices, usage) ?? assert.fail(), expected.total_price))
    }
  )
})
