import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { ModelPrices } from "../../src/config/Settings.js"
import { toUsd } from "../../src/domain/Money.js"
import { inputTotal, outputTotal, plus, type Usage } from "../../src/domain/Usage.js"
import * as Rates from "../../src/ledger/Rates.js"

const nothing: Usage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 }
const million = 1_000_000

/** In USD. */
const cost = (prices: ModelPrices, usage: Partial<Usage>): string =>
  toUsd(Rates.cost(Rates.ofPrices(prices), { ...nothing, ...usage }))

describe("an operator's prices", () => {
  const every = {
    prompt: 1,
    completion: "20",
    cacheRead: "0.1",
    cacheWrite: 1.25,
    cacheWrite1h: 2,
    reasoning: 30,
    audioInput: 4,
    audioOutput: 80
  }

  it("are those of their own buckets", () => {
    const of = (bucket: keyof Usage): string => cost(every, { [bucket]: million })
    assert.deepStrictEqual(
      [of("input"), of("cacheRead"), of("cacheWrite"), of("cacheWrite1h"), of("inputAudio"), of("cacheReadAudio")],
      ["1", "0.1", "1.25", "2", "4", "0.1"]
    )
    assert.deepStrictEqual([of("output"), of("reasoning"), of("outputAudio")], ["20", "30", "80"])
  })

  it("are those of the prompt and the completion where a bucket has none of its own", () => {
    const [pair, written] = [
      { prompt: 1, completion: 20 },
      { prompt: 1, completion: 20, cacheWrite: 3 }
    ]
    for (const bucket of ["cacheRead", "cacheWrite", "cacheWrite1h", "inputAudio", "cacheReadAudio"] as const) {
      assert.strictEqual(cost(pair, { [bucket]: million }), "1")
    }
    for (const bucket of ["reasoning", "outputAudio"] as const)
      assert.strictEqual(cost(pair, { [bucket]: million }), "20")
    assert.strictEqual(cost(written, { cacheWrite1h: million }), "3")
  })

  it("are for the whole request those of the last tier that its input goes above, cached or not", () => {
    const tiered = {
      prompt: 1,
      completion: 10,
      request: "0.005",
      tiers: [
        { above: 1_000, prompt: 3, completion: 30 },
        { above: 100, prompt: 2, completion: 20, cacheRead: 0.5 }
      ]
    }
    const at = (input: number, cacheRead: number): string => cost(tiered, { input, cacheRead, output: 1 })
    assert.strictEqual(at(60, 40), "0.00511")
    assert.strictEqual(at(61, 40), "0.005162")
    assert.strictEqual(at(960, 40), "0.00696")
    assert.strictEqual(at(961, 40), "0.008033")
  })

  it("lose no digit that a double could not hold", () => {
    const prices = { prompt: "0.000001234567890123", completion: "123456.789012345678901234" }
    // Of a million tokens each: pico-dollars are the last that is kept.
    assert.strictEqual(cost(prices, { input: million }), "0.000001234568")
    assert.strictEqual(cost(prices, { output: million }), "123456.789012345679")
    assert.strictEqual(cost({ prompt: 1e-7, completion: "1e-7" }, { input: 3, output: 4 }), "0.000000000001")
  })
})

const price = FastCheck.integer({ min: 0, max: 100_000_000 }).map((micros) => micros / 1e6)
const pair = { prompt: price, completion: price }
const optional = (value: FastCheck.Arbitrary<number>) => FastCheck.option(value, { nil: undefined })
const anyFlat = FastCheck.record(
  {
    ...pair,
    cacheRead: price,
    cacheWrite: price,
    cacheWrite1h: price,
    reasoning: price,
    audioInput: price,
    audioOutput: price
  },
  { requiredKeys: ["prompt", "completion"] }
)
const anyPrices: FastCheck.Arbitrary<ModelPrices> = FastCheck.tuple(
  anyFlat,
  FastCheck.uniqueArray(FastCheck.nat({ max: 1_000_000 }), { maxLength: 3 }),
  FastCheck.array(anyFlat, { minLength: 3, maxLength: 3 }),
  price
).map(([flat, starts, tiers, request]) => ({
  ...flat,
  request,
  tiers: starts.map((above, place) => ({ above, ...(tiers[place] ?? flat) }))
}))

const count = FastCheck.nat({ max: 1_000_000 })
const anyUsage: FastCheck.Arbitrary<Usage> = FastCheck.record(
  {
    input: count,
    cacheRead: count,
    cacheWrite: count,
    output: count,
    reasoning: count,
    cacheWrite1h: count,
    inputAudio: count,
    cacheReadAudio: count,
    outputAudio: count
  },
  { requiredKeys: ["input", "cacheRead", "cacheWrite", "output", "reasoning"] }
)

const buckets: ReadonlyArray<keyof Usage> = [
  ...(["input", "cacheRead", "cacheWrite", "output", "reasoning"] as const),
  ...(["cacheWrite1h", "inputAudio", "cacheReadAudio", "outputAudio"] as const)
]

describe("a cost", () => {
  it.prop("is the sum of what each bucket costs alone, to the last digit", [anyFlat, anyUsage], ([prices, usage]) => {
    const sheet = Rates.ofPrices(prices)
    const alone = buckets.map((bucket) => Rates.cost(sheet, { ...nothing, [bucket]: usage[bucket] ?? 0 }))
    assert.strictEqual(
      alone.reduce((sum: bigint, one) => sum + one, 0n),
      Rates.cost(sheet, usage)
    )
  })

  it.prop(
    "of two answers is what both cost, to the last digit",
    [anyFlat, anyUsage, anyUsage],
    ([prices, one, other]) => {
      const sheet = Rates.ofPrices(prices)
      const both = plus(one, other) ?? assert.fail("both are known")
      assert.deepStrictEqual(
        [inputTotal(both), outputTotal(both)],
        [inputTotal(one) + inputTotal(other), outputTotal(one) + outputTotal(other)]
      )
      assert.strictEqual(Rates.cost(sheet, both), Rates.cost(sheet, one) + Rates.cost(sheet, other))
    }
  )

  it.prop("is never below zero, nor below the fee for the request", [anyPrices, anyUsage], ([prices, usage]) => {
    const sheet = Rates.ofPrices(prices)
    assert.isAtLeast(Number(Rates.cost(sheet, usage)), Number(Rates.cost(sheet, nothing)))
    assert.isAtLeast(Number(Rates.cost(sheet, nothing)), 0)
  })

  it.prop(
    "grows with every token at one tier",
    [anyFlat, anyUsage, FastCheck.constantFrom(...buckets), count],
    ([prices, usage, bucket, more]) => {
      const sheet = Rates.ofPrices(prices)
      assert.isTrue(Rates.cost(sheet, { ...usage, [bucket]: (usage[bucket] ?? 0) + more }) >= Rates.cost(sheet, usage))
    }
  )
})

describe("the most that a call can cost", () => {
  it.prop(
    "is no less than any usage within its bounds",
    [anyPrices, anyUsage, count, count],
    ([prices, usage, in_, out]) => {
      const sheet = Rates.ofPrices(prices)
      const most = Rates.most(sheet, {
        input: inputTotal(usage) + in_,
        output: outputTotal(usage) + out,
        audio: Boolean(usage.inputAudio) || Boolean(usage.cacheReadAudio),
        hour: Boolean(usage.cacheWrite1h)
      })
      assert.isTrue(Rates.cost(sheet, usage) <= most)
    }
  )

  it.prop(
    "grows with its bounds",
    [anyPrices, count, count, count, optional(count)],
    ([prices, input, output, more, cut]) => {
      const sheet = Rates.ofPrices(prices)
      const kinds = { audio: cut !== undefined, hour: cut === undefined }
      assert.isTrue(
        Rates.most(sheet, { input: input + more, output: output + (cut ?? 0), ...kinds }) >=
          Rates.most(sheet, { input, output, ...kinds })
      )
    }
  )

  it("is at no tier that the bound does not reach", () => {
    const sheet = Rates.ofPrices({ prompt: 1, completion: 1, tiers: [{ above: 100, prompt: 2, completion: 2 }] })
    const of = (input: number): bigint => Rates.most(sheet, { input, output: 1, audio: true, hour: true })
    assert.deepStrictEqual([of(100), of(101)], [101_000_000n, 204_000_000n])
  })

  it("has hours and sounds only where there may be some", () => {
    const sheet = Rates.ofPrices({ prompt: 1, completion: 0, cacheWrite1h: 2, audioInput: 3 })
    const of = (audio: boolean, hour: boolean): bigint => Rates.most(sheet, { input: 1, output: 1, audio, hour })
    assert.deepStrictEqual([of(false, false), of(false, true), of(true, true)], [1_000_000n, 2_000_000n, 3_000_000n])
  })
})
