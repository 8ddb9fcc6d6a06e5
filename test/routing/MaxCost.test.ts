import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import type { InstanceSettings } from "../../src/config/Settings.js"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import * as Money from "../../src/domain/Money.js"
import { Pricing } from "../../src/ledger/Pricing.js"
import * as Messages from "../../src/protocol/anthropic/RequestIn.js"
import * as PlainIn from "../../src/protocol/openai/PlainIn.js"
import type { Candidate } from "../../src/routing/Candidate.js"
import * as MaxCost from "../../src/routing/MaxCost.js"
import { request } from "../support/gateway.js"
import { instance } from "../support/settings.js"

const pricing = Effect.runSync(Effect.provide(Pricing, Pricing.layer))
const now = Date.UTC(2026, 0, 1)

interface Given extends Partial<Omit<Candidate, "instance">> {
  readonly instance?: Partial<InstanceSettings>
}

/** A dollar for a million tokens in and ten for a million out, in a window of 100,000. */
const candidate = ({ instance: fields, ...given }: Given = {}): Candidate => ({
  instance: instance("a", { provider: "openai-compatible", pricing: { prompt: 1, completion: 10 }, ...fields }),
  model: "x",
  catch: undefined,
  contextWindow: 100_000,
  peer: true,
  stage: 0,
  baseUrl: undefined,
  maxTokens: undefined,
  temperature: undefined,
  maxCalls: 1,
  ...given
})

/** In USD; `undefined` is unknown. */
const most = (candidates: ReadonlyArray<Candidate>, maxAttempts: number, asked?: ChatRequest): string | undefined => {
  const cost = MaxCost.of({ candidates, maxAttempts }, pricing, now, asked)
  return cost === undefined ? undefined : Money.toUsd(cost)
}

const plain = (decode: typeof PlainIn.decodeEmbeddings, json: object): ChatRequest =>
  Either.getOrThrow(decode(Buffer.from(JSON.stringify(json)), json))

describe("the most that a model's request can cost", () => {
  it("is that of a full window in and a full one out, for each call", () => {
    assert.strictEqual(most([candidate()], 6), "1.1")
    assert.strictEqual(most([candidate({ maxCalls: 3 })], 6), "3.3")
    assert.strictEqual(most([candidate({ maxCalls: 9 })], 6), "6.6")
  })

  it("is that of the dearest calls which the cap of attempts allows", () => {
    const cheap = candidate({ maxCalls: 3 })
    const dear = candidate({ maxCalls: 2, contextWindow: 1_000_000 })
    assert.strictEqual(most([cheap, dear], 4), "24.2")
    assert.strictEqual(most([dear, cheap], 4), "24.2")
    assert.strictEqual(most([cheap, dear], 1), "11")
  })

  it("is unknown where one price or one window is", () => {
    const unpriced = instance("b", { provider: "openai-compatible", baseUrl: "http://127.0.0.1:1" })
    assert.isUndefined(most([candidate(), { ...candidate(), instance: unpriced }], 6))
    assert.isUndefined(most([candidate(), candidate({ contextWindow: undefined })], 6))
  })

  it("is nothing where nothing is charged, whatever is not known besides", () => {
    const free = candidate({ instance: { provider: "ollama", pricing: undefined }, contextWindow: undefined })
    assert.strictEqual(most([free, free], 6), "0")
    assert.strictEqual(most([], 6), "0")
  })

  it("takes the dearest way to be charged for the same tokens", () => {
    const claude = { provider: "anthropic", pricing: undefined } as const
    // 6 a million into the cache for an hour instead of 3, and 15 out.
    assert.strictEqual(
      most([candidate({ instance: claude, model: "claude-3-7-sonnet-latest", contextWindow: 100_000 })], 1),
      "2.1"
    )
  })
})

describe("the most that one request can cost", () => {
  const short = request({ max_tokens: 1_000 })

  it("is that of its bytes, of what is put around them and of the answer that it asks for", () => {
    const input = short.body.byteLength + 1_000
    assert.strictEqual(
      most([candidate()], 1, short),
      Money.toUsd(Money.sum([Money.ofTokens(input, 1), Money.ofTokens(1_000, 10)]))
    )
  })

  it("has the whole window for an answer without a bound, or is unknown", () => {
    const input = request().body.byteLength + 1_000
    assert.strictEqual(
      most([candidate()], 1, request()),
      Money.toUsd(Money.sum([Money.ofTokens(input, 1), Money.fromUsd(1)]))
    )
    assert.isUndefined(most([candidate({ contextWindow: undefined })], 1, request()))
    assert.isDefined(most([candidate({ contextWindow: undefined })], 1, short))
  })

  it("has no longer answer than a window holds, and all of its bytes whatever is said of the window", () => {
    const long = request({ max_tokens: 1e300, messages: [{ role: "user", content: "x".repeat(200_000) }] })
    const input = long.body.byteLength + 1_000
    assert.strictEqual(
      most([candidate()], 1, long),
      Money.toUsd(Money.sum([Money.ofTokens(input, 1), Money.fromUsd(1)]))
    )
  })

  it("has a candidate's own bound of the answer before the caller's", () => {
    const free = { pricing: { prompt: 0, completion: 10 } }
    assert.strictEqual(most([candidate({ instance: free, maxTokens: 50 })], 1, short), "0.0005")
    assert.strictEqual(most([candidate({ instance: free, maxTokens: 50 })], 1, request()), "0.0005")
  })

  it("has as many answers as are asked for", () => {
    const free = { pricing: { prompt: 0, completion: 10 } }
    assert.strictEqual(most([candidate({ instance: free })], 1, request({ max_tokens: 1_000, n: 3 })), "0.03")
    const prompts = plain(PlainIn.decodeCompletions, { model: "m", prompt: ["a", "b"], max_tokens: 1_000 })
    assert.strictEqual(most([candidate({ instance: free })], 1, prompts), "0.02")
  })

  it("has no answer where numbers are asked for, and a document's length only by the window", () => {
    const embedding = plain(PlainIn.decodeEmbeddings, { model: "m", input: "x" })
    const expensive = { pricing: { prompt: 0, completion: 1_000 } }
    assert.strictEqual(most([candidate({ instance: expensive, contextWindow: undefined })], 1, embedding), "0")
    const source = { type: "url", url: "https://example.com/a.pdf" }
    const reading = Either.getOrThrow(
      Messages.makeRequest({
        model: "m",
        max_tokens: 1,
        messages: [{ role: "user", content: [{ type: "document", source }] }]
      })
    )
    assert.strictEqual(most([candidate()], 1, reading), "0.10001")
    assert.isUndefined(most([candidate({ contextWindow: undefined })], 1, reading))
  })

  it("has a long context's price where its bytes reach it, and not before", () => {
    const sonnet = candidate({
      instance: { provider: "anthropic", pricing: undefined },
      model: "claude-sonnet-4-5",
      contextWindow: undefined
    })
    const of = (bytes: number): string | undefined => {
      const empty = request({ max_tokens: 1_000, messages: [{ role: "user", content: "" }] }).body.byteLength
      const content = "x".repeat(bytes - empty)
      return most([sonnet], 1, request({ max_tokens: 1_000, messages: [{ role: "user", content }] }))
    }
    // 200,000 x 3.75 + 1,000 x 15
    assert.strictEqual(of(199_000), "0.765")
    // 200,001 x 7.50 + 1,000 x 22.50
    assert.strictEqual(of(199_001), "1.5225075")
  })

  it("has the price of a cache of an hour where the request may ask for one", () => {
    const prices = { pricing: { prompt: 1, completion: 0, cacheWrite: "1.25", cacheWrite1h: 2 } }
    const of = (ttl: string, escape: (json: string) => string = (json) => json): bigint => {
      const mark = { type: "text", text: "hi", cache_control: { type: "ephemeral", ttl } }
      const asked = request({ max_tokens: 1, messages: [{ role: "user", content: [mark] }] })
      const body = Buffer.from(escape(Buffer.from(asked.body).toString()))
      const cost = MaxCost.of({ candidates: [candidate({ instance: prices })], maxAttempts: 1 }, pricing, now, {
        ...asked,
        body
      })
      return (cost ?? assert.fail("no bound")) / BigInt(body.byteLength + 1_000)
    }
    assert.deepStrictEqual([of("5m"), of("1h")], [1_250_000n, 2_000_000n])
    assert.strictEqual(
      of("1h", (json) => json.replace('"1h"', '"\\u0031h"')),
      2_000_000n
    )
  })

  it("has the price of thoughts and of sounds where they are dearer", () => {
    const dear = { pricing: { prompt: 0, completion: 10, reasoning: 20, audioOutput: 30 } }
    assert.strictEqual(most([candidate({ instance: dear })], 1, short), "0.03")
    const hearing = { pricing: { prompt: 1, completion: 0, audioInput: 5 } }
    const sound = { type: "input_audio", input_audio: { data: "QUJD", format: "wav" } }
    const heard = request({ max_tokens: 1, messages: [{ role: "user", content: [sound] }] })
    assert.strictEqual(most([candidate({ instance: hearing })], 1, heard), "0.5")
    assert.strictEqual(
      most([candidate({ instance: hearing })], 1, short),
      Money.toUsd(Money.ofTokens(short.body.byteLength + 1_000, 1))
    )
  })

  it("has the fee for each call", () => {
    const fee = { pricing: { prompt: 0, completion: 0, request: "0.005" } }
    assert.strictEqual(most([candidate({ instance: fee, maxCalls: 3, contextWindow: undefined })], 6, short), "0.015")
    assert.strictEqual(most([candidate({ instance: fee, contextWindow: undefined })], 1, request()), "0.005")
  })

  it("has the longer of two bounds of an answer, since a provider may go by either", () => {
    const free = { pricing: { prompt: 0, completion: 10 } }
    assert.strictEqual(
      most([candidate({ instance: free })], 1, request({ max_tokens: 5_000, max_completion_tokens: 10 })),
      "0.05"
    )
  })

  it("is unknown where the provider reads what is not in the request, but for what is free", () => {
    const tools = [{ type: "web_search_20250305", name: "web_search" }]
    const searching = Either.getOrThrow(
      Messages.makeRequest({ model: "m", max_tokens: 1, messages: [{ role: "user", content: "hi" }], tools })
    )
    assert.isUndefined(most([candidate()], 1, searching))
    assert.isUndefined(most([candidate()], 1, request({ max_tokens: 1, web_search_options: {} })))
    assert.isUndefined(most([candidate()], 1, request({ max_tokens: 1, enable_search: true })))
    assert.isUndefined(most([candidate({ model: "maker/m:online" })], 1, request({ max_tokens: 1 })))
    const free = candidate({ instance: { provider: "ollama", pricing: undefined } })
    assert.strictEqual(most([free], 1, searching), "0")
  })

  it("is unknown where the caller wants to be served before others, at prices that no list has", () => {
    for (const fields of [{ service_tier: "priority" }, { speed: "fast" }, { inference_geo: "us" }]) {
      assert.isUndefined(most([candidate()], 1, request({ max_tokens: 1, ...fields })), JSON.stringify(fields))
    }
    for (const fields of [{ service_tier: "auto" }, { service_tier: "flex" }, { service_tier: null }]) {
      assert.isDefined(most([candidate()], 1, request({ max_tokens: 1, ...fields })), JSON.stringify(fields))
    }
  })

  it("is nothing for a count of tokens, even where no price is known", () => {
    const json = { model: "m", messages: [] }
    const counting = Either.getOrThrow(Messages.decodeCountRequest(Buffer.from(JSON.stringify(json)), json))
    const unpriced = candidate({ instance: { pricing: undefined, baseUrl: "http://127.0.0.1:1" } })
    assert.strictEqual(MaxCost.ofCall(unpriced, MaxCost.boundsOf(counting), pricing, now), Money.zero)
  })

  it("is nothing for a count of tokens", () => {
    const json = { model: "m", messages: [] }
    const counting = Messages.decodeCountRequest(Buffer.from(JSON.stringify(json)), json)
    assert.strictEqual(most([candidate()], 6, Either.getOrThrow(counting)), "0")
  })

  it.prop(
    "is at least what any calls within the plan cost together",
    [
      FastCheck.array(
        FastCheck.record({
          prompt: FastCheck.integer({ min: 0, max: 99 }),
          maxCalls: FastCheck.integer({ min: 1, max: 4 })
        }),
        { minLength: 1, maxLength: 4 }
      ),
      FastCheck.integer({ min: 1, max: 8 }),
      FastCheck.array(FastCheck.nat(3), { maxLength: 8 })
    ],
    ([steps, maxAttempts, picks]) => {
      const candidates = steps.map(({ maxCalls, prompt }) =>
        candidate({ maxCalls, instance: { pricing: { prompt, completion: 1 } } })
      )
      const made = candidates.map(() => 0)
      const costs: Array<Money.Money> = []
      for (const pick of picks.slice(0, maxAttempts)) {
        const at = pick % candidates.length
        const one = candidates[at]
        if (one === undefined || (made[at] ?? 0) >= one.maxCalls) continue
        made[at] = (made[at] ?? 0) + 1
        const usage = { input: short.body.byteLength, cacheRead: 0, cacheWrite: 0, output: 900, reasoning: 100 }
        costs.push(pricing.cost(one.instance, ["x"], usage, now) ?? assert.fail("a price is missing"))
      }
      const bound = MaxCost.of({ candidates, maxAttempts }, pricing, now, short) ?? assert.fail("no bound")
      assert.isTrue(Money.sum(costs) <= bound)
    }
  )
})
