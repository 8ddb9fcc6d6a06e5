import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { Headers } from "../../src/protocol/HeaderTimes.js"
import * as RateLimits from "../../src/protocol/RateLimits.js"

const now = Date.UTC(2026, 1, 9, 22, 9, 20)

/** Each limit as it is told: what, how much remains of how much, and in how many ms it is whole again. */
const told = (headers: Headers, status = 200) =>
  RateLimits.read(status, headers, now)?.map(({ limit, of, remaining, resetAt }) => [
    of,
    remaining,
    limit,
    resetAt - now
  ])

const reset = (headers: Headers): number | undefined => {
  const [limit] = RateLimits.read(200, headers, now) ?? []
  return limit === undefined ? undefined : limit.resetAt - now
}

describe("what an answer says of limits, as recorded", () => {
  it("OpenAI and Groq: durations", () => {
    const headers = {
      "x-ratelimit-limit-requests": "14400",
      "x-ratelimit-limit-tokens": "30000",
      "x-ratelimit-remaining-requests": "14398",
      "x-ratelimit-remaining-tokens": "29987",
      "x-ratelimit-reset-requests": "11.486s",
      "x-ratelimit-reset-tokens": "26ms"
    }
    assert.deepStrictEqual(told(headers), [
      ["requests", 14_398, 14_400, 11_486],
      ["tokens", 29_987, 30_000, 26]
    ])
    assert.strictEqual(reset({ ...headers, "x-ratelimit-reset-requests": "6m0s" }), 360_000)
  })

  it("Anthropic: dates, and tokens of the input and the output apart", () => {
    const at = "2026-02-09T22:09:24Z"
    const headers = {
      "anthropic-ratelimit-input-tokens-limit": "2000000",
      "anthropic-ratelimit-input-tokens-remaining": "1999000",
      "anthropic-ratelimit-input-tokens-reset": at,
      "anthropic-ratelimit-output-tokens-limit": "400000",
      "anthropic-ratelimit-output-tokens-remaining": "400000",
      "anthropic-ratelimit-output-tokens-reset": at,
      "anthropic-ratelimit-requests-limit": "4000",
      "anthropic-ratelimit-requests-remaining": "3999",
      "anthropic-ratelimit-requests-reset": at,
      "anthropic-ratelimit-tokens-limit": "2400000",
      "anthropic-ratelimit-tokens-remaining": "2399000",
      "anthropic-ratelimit-tokens-reset": at
    }
    assert.deepStrictEqual(told(headers), [
      ["requests", 3_999, 4_000, 4_000],
      ["tokens", 2_399_000, 2_400_000, 4_000],
      ["input_tokens", 1_999_000, 2_000_000, 4_000],
      ["output_tokens", 400_000, 400_000, 4_000]
    ])
  })

  it("Azure: no reset at all, or one in ms", () => {
    assert.deepStrictEqual(
      told({ "x-ratelimit-remaining-requests": "119", "x-ratelimit-remaining-tokens": "119984" }),
      [
        ["requests", 119, undefined, 60_000],
        ["tokens", 119_984, undefined, 60_000]
      ]
    )
    const headers = {
      "x-ratelimit-limit-requests": "120",
      "x-ratelimit-remaining-requests": "119",
      "x-ratelimit-renewalperiod-requests": "60",
      "x-ratelimit-reset-requests": "500"
    }
    assert.deepStrictEqual(told(headers), [["requests", 119, 120, 500]])
  })

  it("Mistral: limits of ten seconds, a minute and a month, without a reset", () => {
    const headers = {
      "x-ratelimit-limit-req-10-second": "60",
      "x-ratelimit-limit-tokens-minute": "20000000",
      "x-ratelimit-limit-tokens-month": "200000000000",
      "x-ratelimit-remaining-req-10-second": "50",
      "x-ratelimit-remaining-tokens-minute": "19999990",
      "x-ratelimit-remaining-tokens-month": "199999999990",
      "x-ratelimit-tokens-query-cost": "10"
    }
    assert.deepStrictEqual(told(headers), [
      ["requests", 50, 60, 10_000],
      ["tokens", 19_999_990, 20_000_000, 60_000]
    ])
  })

  it("Cerebras: seconds", () => {
    const headers = {
      "x-ratelimit-remaining-requests-day": "14399",
      "x-ratelimit-reset-requests-day": "33011.382867097855",
      "x-ratelimit-remaining-tokens-minute": "59000",
      "x-ratelimit-reset-tokens-minute": "33.01"
    }
    assert.deepStrictEqual(told(headers), [
      ["requests", 14_399, undefined, 33_011_383],
      ["tokens", 59_000, undefined, 33_010]
    ])
  })

  it("Together, OpenRouter and GitHub: one limit, whose reset is seconds, or Unix time in ms or in seconds", () => {
    const plain = { "x-ratelimit-limit": "20", "x-ratelimit-remaining": "1" }
    assert.deepStrictEqual(told({ ...plain, "x-ratelimit-reset": "2" }), [["requests", 1, 20, 2_000]])
    assert.strictEqual(reset({ ...plain, "x-ratelimit-reset": String(now + 5_000) }), 5_000)
    assert.strictEqual(reset({ ...plain, "x-ratelimit-reset": String(now / 1000 + 5) }), 5_000)
    assert.strictEqual(reset({ ...plain, "x-ratelimit-reset": String(now - 5_000) }), 0)
  })

  it("only the plain one comes back all at once", () => {
    const refilling = (headers: Headers) => RateLimits.read(200, headers, now)?.map(({ refills }) => refills)
    assert.deepStrictEqual(refilling({ "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining": "0" }), [
      true,
      false
    ])
  })
})

describe("an answer that says nothing of limits", () => {
  it("is one without such headers, or with ones that cannot be read", () => {
    for (const headers of [
      {},
      { "x-ratelimit-limit-requests": "10", "x-ratelimit-reset-requests": "1s" },
      { "x-ratelimit-remaining-requests": "many" },
      { "x-ratelimit-remaining-requests": "" },
      { "x-ratelimit": "false", "ratelimit-remaining": "0" }
    ]) {
      assert.isUndefined(told(headers), JSON.stringify(headers))
    }
  })

  it("and a reset that cannot be read is as good as none", () => {
    assert.strictEqual(reset({ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon" }), 60_000)
  })
})

describe("a 429", () => {
  const spent = { "x-ratelimit-remaining-requests": "3" }

  it("that says when to come again says nothing else, so that nobody waits for longer", () => {
    assert.deepStrictEqual(told({ ...spent, "retry-after": "2" }, 429), [])
    assert.deepStrictEqual(told({ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s" }, 429), [])
  })

  it("that does not is read as any other answer", () => {
    assert.deepStrictEqual(told(spent, 429), [["requests", 3, undefined, 60_000]])
    // Together sends it with good answers too.
    assert.deepStrictEqual(told({ ...spent, "retry-after": "2" }), [["requests", 3, undefined, 60_000]])
  })
})

it("whatever the headers are, what is read is a number that is not negative", () => {
  const value = FastCheck.oneof(FastCheck.string(), FastCheck.array(FastCheck.string()), FastCheck.nat().map(String))
  const names = [
    "x-ratelimit-remaining-requests",
    "x-ratelimit-limit-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-renewalperiod-requests",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
    "x-ratelimit-remaining",
    "x-ratelimit-reset"
  ]
  FastCheck.assert(
    FastCheck.property(FastCheck.dictionary(FastCheck.constantFrom(...names), value), (headers) => {
      for (const { limit = 0, remaining, resetAt } of RateLimits.read(200, headers, now) ?? []) {
        assert.isTrue(remaining >= 0 && limit >= 0 && resetAt >= now && Number.isFinite(resetAt))
      }
    })
  )
})
