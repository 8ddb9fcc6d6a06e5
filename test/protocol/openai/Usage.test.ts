import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { toUsd } from "../../../src/domain/Money.js"
import { inputTotal, outputTotal, total, type Usage as Buckets } from "../../../src/domain/Usage.js"
import * as Usage from "../../../src/protocol/openai/Usage.js"

describe("usage", () => {
  const read = (usage: object) => Usage.read({ ...usage })

  const shapes: Readonly<
    Record<string, readonly [{ readonly total_tokens: number; readonly [part: string]: unknown }, Buckets]>
  > = {
    "without details": [
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
      { input: 10, cacheRead: 0, cacheWrite: 0, output: 5, reasoning: 0 }
    ],
    "of OpenAI, whose details are parts of the sums": [
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 60, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 30, accepted_prediction_tokens: 0 }
      },
      { input: 40, cacheRead: 60, cacheWrite: 0, output: 20, reasoning: 30 }
    ],
    "of DeepSeek, which tells hits from misses": [
      {
        prompt_tokens: 339,
        completion_tokens: 83,
        total_tokens: 422,
        prompt_cache_hit_tokens: 320,
        prompt_cache_miss_tokens: 19,
        completion_tokens_details: { reasoning_tokens: 39 }
      },
      { input: 19, cacheRead: 320, cacheWrite: 0, output: 44, reasoning: 39 }
    ],
    "of xAI, whose reasoning is beside the completion": [
      {
        prompt_tokens: 291,
        completion_tokens: 26,
        total_tokens: 513,
        prompt_tokens_details: { cached_tokens: 290 },
        completion_tokens_details: { reasoning_tokens: 196 }
      },
      { input: 1, cacheRead: 290, cacheWrite: 0, output: 26, reasoning: 196 }
    ],
    "of Gemini, whose thoughts are only in the total": [
      { prompt_tokens: 35, completion_tokens: 12, total_tokens: 109 },
      { input: 35, cacheRead: 0, cacheWrite: 0, output: 12, reasoning: 62 }
    ],
    "of OpenAI, with sound of which some was cached": [
      {
        prompt_tokens: 100,
        completion_tokens: 60,
        total_tokens: 160,
        prompt_tokens_details: {
          cached_tokens: 30,
          audio_tokens: 50,
          cached_tokens_details: { text_tokens: 20, audio_tokens: 10 }
        },
        completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 45 }
      },
      {
        input: 30,
        cacheRead: 20,
        cacheWrite: 0,
        output: 15,
        reasoning: 0,
        inputAudio: 40,
        cacheReadAudio: 10,
        outputAudio: 45
      }
    ],
    "of Mistral, which has another word for a cache": [
      { prompt_tokens: 86, completion_tokens: 703, total_tokens: 789, num_cached_tokens: 85 },
      { input: 1, cacheRead: 85, cacheWrite: 0, output: 703, reasoning: 0 }
    ],
    "of Moonshot and Together, which have theirs beside the prompt": [
      { prompt_tokens: 86, completion_tokens: 3, total_tokens: 89, cached_tokens: 85 },
      { input: 1, cacheRead: 85, cacheWrite: 0, output: 3, reasoning: 0 }
    ],
    "of OpenRouter, with cache writes": [
      {
        prompt_tokens: 2572,
        completion_tokens: 100,
        total_tokens: 2672,
        prompt_tokens_details: { cached_tokens: 2240, cache_write_tokens: 329 }
      },
      { input: 3, cacheRead: 2240, cacheWrite: 329, output: 100, reasoning: 0 }
    ]
  }
  for (const [whose, [usage, expected]] of Object.entries(shapes)) {
    it(`${whose} is taken apart into disjoint buckets`, () => {
      assert.deepStrictEqual(read(usage), expected)
      assert.strictEqual(total(expected), usage.total_tokens)
    })
  }

  const amount = FastCheck.nat({ max: 1_000_000 })
  it.prop(
    "is never negative and sums to what the vendor counted, however its details contradict it",
    [
      FastCheck.tuple(amount, amount, amount, amount, amount),
      FastCheck.tuple(amount, amount, amount),
      FastCheck.boolean()
    ],
    ([[prompt, completion, cached, written, reasoning], [heard, heardBefore, spoken], beside]) => {
      const usage = read({
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion + (beside ? reasoning : 0),
        prompt_tokens_details: {
          cached_tokens: cached,
          cache_write_tokens: written,
          audio_tokens: heard,
          cached_tokens_details: { audio_tokens: heardBefore }
        },
        completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: spoken }
      })
      assert.isAtLeast(Math.min(...Object.values(usage)), 0)
      assert.deepStrictEqual([inputTotal(usage), outputTotal(usage)], [prompt, completion + (beside ? reasoning : 0)])
    }
  )

  it("of nonsense is zero", () => {
    const nonsense = { prompt_tokens: "10", completion_tokens: -3, total_tokens: null, prompt_tokens_details: [] }
    assert.strictEqual(total(read(nonsense)), 0)
    assert.isUndefined(Usage.find({ usage: null }))
  })

  it("is looked for in Groq's own member too", () => {
    const usage = { prompt_tokens: 1 }
    assert.strictEqual(Usage.find({ usage: null, x_groq: { usage } }), usage)
    assert.strictEqual(Usage.find({ usage }), usage)
  })

  it("brings OpenRouter's price, when it is one", () => {
    const cost = (value: unknown) => Usage.costIn({ cost: value })
    assert.strictEqual(toUsd(cost(0.0076509169) ?? assert.fail()), "0.0076509169")
    for (const value of [undefined, null, "1", -1]) assert.isUndefined(cost(value))
    assert.strictEqual(toUsd(cost(0) ?? assert.fail()), "0")
  })

  it("brings what both take who serve a key of the operator's own, and nothing where one of them is not told", () => {
    const cost = (details: object) => Usage.costIn({ cost: 0.05, is_byok: true, cost_details: details })
    assert.strictEqual(toUsd(cost({ upstream_inference_cost: 1 }) ?? assert.fail()), "1.05")
    assert.isUndefined(cost({ upstream_inference_cost: null }))
    assert.strictEqual(
      toUsd(
        Usage.costIn({ cost: 0.05, is_byok: false, cost_details: { upstream_inference_cost: 0.05 } }) ?? assert.fail()
      ),
      "0.05"
    )
  })

  it("brings xAI's price, which is in ticks", () => {
    const cost = (ticks: unknown) => Usage.costIn({ cost_in_usd_ticks: ticks })
    assert.strictEqual(toUsd(cost(37_756_001) ?? assert.fail()), "0.0037756001")
    assert.strictEqual(cost(0), 0n)
    for (const ticks of [undefined, null, "1", -1, 0.5]) assert.isUndefined(cost(ticks))
  })

  const some = FastCheck.integer({ min: 1, max: 1_000_000 })
  const buckets = FastCheck.record(
    {
      input: amount,
      cacheRead: amount,
      cacheWrite: amount,
      output: amount,
      reasoning: amount,
      inputAudio: some,
      cacheReadAudio: some,
      outputAudio: some
    },
    { requiredKeys: ["input", "cacheRead", "cacheWrite", "output", "reasoning"] }
  )
  it.prop("that is written is read as the same", [buckets], ([usage]) => {
    assert.deepStrictEqual(Usage.read(Usage.write(usage)), usage)
  })

  it("is written in OpenAI's words, which tell of cache writes only where there are any", () => {
    const usage = { input: 1, cacheRead: 2, cacheWrite: 0, output: 4, reasoning: 8 }
    const written = {
      prompt_tokens: 3,
      completion_tokens: 12,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 8 }
    }
    assert.deepStrictEqual<object>(Usage.write(usage), written)
    // There is no word for an hour.
    assert.deepStrictEqual(
      Usage.write({ ...usage, cacheWrite: 3, cacheWrite1h: 2 }),
      Usage.write({ ...usage, cacheWrite: 5 })
    )
    assert.deepInclude(Usage.write({ ...usage, cacheWrite: 5 }), {
      prompt_tokens: 8,
      prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 5 }
    })
  })
})
