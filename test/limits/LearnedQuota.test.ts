import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LearnedQuota } from "../../src/limits/LearnedQuota.js"
import type { Limited, RateLimit } from "../../src/protocol/RateLimits.js"
import { request } from "../support/gateway.js"
import { instance } from "../support/settings.js"

const [a, b] = [instance("a"), instance("b")]

const limit = (of: Limited, remaining: number, resetAt: number, more: Partial<RateLimit> = {}): RateLimit => ({
  of,
  remaining,
  limit: undefined,
  resetAt,
  refills: true,
  ...more
})

const quotas = Effect.gen(function* () {
  const service = yield* LearnedQuota
  const start = (model = "m", at = a) => service.start(at, model, request()) ?? assert.fail("not counted")
  return {
    service,
    start,
    /** A call that is answered at once, with this. */
    told: (...limits: ReadonlyArray<RateLimit>) => start()(limits, 0),
    why: (now = 0, fields: object = {}, model = "m", at = a) => service.shortage(at, model, now, request({ ...fields }))
  }
})

type Told = Effect.Effect.Success<typeof quotas>

const check = (name: string, body: (told: Told) => void) =>
  it.effect(name, () => Effect.map(quotas, body).pipe(Effect.provide(LearnedQuota.layer)))

describe("a quota of requests", () => {
  check("is unknown before the first answer", ({ start, why }) => {
    for (let call = 0; call < 100; call++) start()
    assert.isUndefined(why())
  })

  check("that is used up says so until its reset", ({ told, why }) => {
    told(limit("requests", 0, 12_000))
    assert.deepStrictEqual(why(), { detail: "its quota of requests is used up for 12 s", until: 12_000 })
    assert.strictEqual(why(11_500)?.detail, "its quota of requests is used up for 1 s")
    assert.isUndefined(why(12_000))
  })

  check("has room for so many calls as it said, and no more", ({ start, told, why }) => {
    told(limit("requests", 3, 12_000))
    for (let call = 0; call < 3; call++) {
      assert.isUndefined(why(), `before call ${call}`)
      start()
    }
    assert.isDefined(why())
  })

  check(
    "counts the calls that started after the one that told it, also where its answer took long",
    ({ start, told, why }) => {
      told(limit("requests", 9, 12_000))
      const slow = start()
      start()
      start()
      slow([limit("requests", 3, 12_000)], 5_000)
      assert.isUndefined(why(5_000))
      start()
      assert.isDefined(why(5_000))
    }
  )

  check("is what the call says that started last", ({ start, told, why }) => {
    told(limit("requests", 9, 12_000))
    const [early, late] = [start(), start()]
    late([limit("requests", 0, 12_000)], 0)
    early([limit("requests", 5, 12_000)], 0)
    assert.isDefined(why())
  })

  check("that was used up is forgotten at an answer with nothing to wait for", ({ told, why }) => {
    told(limit("requests", 0, 12_000))
    told()
    assert.isUndefined(why())
  })

  check("is one model's of one instance", ({ told, why }) => {
    told(limit("requests", 0, 12_000))
    assert.isUndefined(why(0, {}, "other"))
    assert.isUndefined(why(0, {}, "m", b))
    assert.isDefined(why())
  })

  check("of a day is believed for a minute where it refills, and for an hour where it does not", ({ told, why }) => {
    told(limit("requests", 0, 86_400_000))
    assert.strictEqual(why()?.until, 60_000)
    assert.isUndefined(why(60_000))
    told(limit("requests", 0, 86_400_000, { refills: false }))
    assert.strictEqual(why()?.until, 3_600_000)
  })
})

describe("a quota of tokens", () => {
  check(
    "is too small for a request that probably takes more: its bytes and the answer that it allows",
    ({ told, why }) => {
      told(limit("tokens", 1_000, 12_000))
      assert.isUndefined(why())
      assert.isUndefined(why(0, { max_tokens: 900 }))
      assert.deepStrictEqual(why(0, { max_tokens: 1_000 }), {
        detail: "its quota of tokens is used up for 12 s",
        until: 12_000
      })
      assert.isDefined(why(0, { max_completion_tokens: 1_000 }))
      assert.isDefined(why(0, { messages: [{ role: "user", content: "x".repeat(4_000) }] }))
    }
  )

  check("is not too small for a picture, or for an answer that may be long", ({ told, why }) => {
    told(limit("tokens", 40_000, 12_000))
    const content = [{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(1_000_000)}` } }]
    assert.isUndefined(why(0, { max_tokens: 200_000, messages: [{ role: "user", content }] }))
  })

  check("of the input is not asked for the output's, nor the other way round", ({ told, why }) => {
    const long = { messages: [{ role: "user", content: "x".repeat(8_000) }] }
    told(limit("input_tokens", 1_000, 12_000), limit("output_tokens", 1_000, 9_000))
    assert.strictEqual(why(0, long)?.detail, "its quota of input tokens is used up for 12 s")
    assert.strictEqual(why(0, { max_tokens: 2_000 })?.detail, "its quota of output tokens is used up for 9 s")
    assert.isUndefined(why())
  })

  check("that is whole is never too small: it holds no more", ({ told, why }) => {
    told(limit("tokens", 100, 12_000, { limit: 100 }))
    assert.isUndefined(why(0, { max_tokens: 2_000 }))
    told(limit("tokens", 99, 12_000, { limit: 100 }))
    assert.isDefined(why(0, { max_tokens: 2_000 }))
  })

  check("of nothing is too small for anybody", ({ service, told }) => {
    told(limit("tokens", 0, 12_000))
    assert.isDefined(service.shortage(a, "m", 0))
  })
})

describe("several quotas", () => {
  check("are used up until the last of them is not", ({ told, why }) => {
    told(limit("requests", 0, 5_000), limit("tokens", 0, 12_000))
    assert.strictEqual(why()?.until, 12_000)
    told(limit("requests", 0, 12_000), limit("tokens", 0, 5_000))
    assert.strictEqual(why()?.detail, "its quota of requests is used up for 12 s")
  })
})

describe("counting tokens", () => {
  check("neither uses a quota nor is kept from one", ({ service, told }) => {
    const counting = { ...request(), dialect: "anthropic-count-tokens" } as const
    assert.isUndefined(service.start(a, "m", counting))
    told(limit("requests", 0, 12_000))
    assert.isUndefined(service.shortage(a, "m", 0, counting))
  })
})

describe("what is remembered", () => {
  check("is bounded: of made-up models the first are forgotten", ({ start, why }) => {
    for (let model = 0; model <= 1_000; model++) start(`m${model}`)([limit("requests", 0, 12_000)], 0)
    assert.isUndefined(why(0, {}, "m0"))
    assert.isDefined(why(0, {}, "m1"))
    assert.isDefined(why(0, {}, "m1000"))
  })

  check("knows nothing of the calls before it was forgotten", ({ start, why }) => {
    start()([limit("requests", 50, 12_000)], 0)
    for (let call = 0; call < 20; call++) start()
    const late = start()
    for (let model = 0; model < 1_000; model++) start(`m${model}`)([limit("requests", 9, 12_000)], 0)
    start()([limit("requests", 9, 12_000)], 0)
    late([limit("requests", 1, 12_000)], 0)
    assert.isUndefined(why())
    start()
    assert.isDefined(why())
  })
})
