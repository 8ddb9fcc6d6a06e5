import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { toUsd } from "../../src/domain/Money.js"
import { inputTotal, outputTotal, total, type Usage } from "../../src/domain/Usage.js"
import * as OpenAiChat from "../../src/protocol/OpenAiChat.js"
import * as Sse from "../../src/protocol/Sse.js"

const answer = (fields: object) =>
  OpenAiChat.decodeAnswer(
    Buffer.from(JSON.stringify({ model: "m-1", choices: [{ index: 0, message: { content: "hello" } }], ...fields }))
  )

describe("an answer", () => {
  it("keeps its bytes, and shows its model and its text", () => {
    const bytes = Buffer.from('{"model":"m-1", "id":18446744073709551615, "choices":[{"message":{"content":"hello"}}]}')
    const read = Either.getOrThrow(OpenAiChat.decodeAnswer(bytes))
    assert.strictEqual(read.body, bytes)
    assert.deepStrictEqual(
      [read.model, read.usage, read.reportedCost, OpenAiChat.textOf(read)],
      ["m-1", undefined, undefined, "hello"]
    )
  })

  it("may give its text in parts, or none", () => {
    const text = (message: unknown) =>
      OpenAiChat.textOf(Either.getOrThrow(answer({ choices: [{ index: 0, message }] })))
    const parts = [{ type: "thinking", thinking: [] }, { type: "text", text: "a" }, "?", { type: "text", text: "b" }]
    assert.deepStrictEqual([text({ content: parts }), text({ content: null }), text(null)], ["ab", "", ""])
  })

  const failures: Readonly<Record<string, readonly [string, string]>> = {
    "that is no JSON": ["malformed_response", "<html>Bad gateway</html>"],
    "that is empty": ["malformed_response", ""],
    "without choices": ["malformed_response", '{"id":"x"}'],
    "with no choice at all": ["malformed_response", '{"choices":[]}'],
    "that is no object": ["malformed_response", '"hello"'],
    "that holds an error": ["rate_limit", '{"error":{"message":"slow down","code":429}}'],
    "that holds an error beside its choices": [
      "provider_unavailable",
      '{"error":{"code":502},"choices":[{"message":{}}]}'
    ],
    "that says it is no success": ["provider_unavailable", '{"success":false,"errors":[{"code":5023,"message":"no"}]}']
  }
  for (const [what, [category, text]] of Object.entries(failures)) {
    it(`${what} is ${category}`, () => {
      const read = OpenAiChat.decodeAnswer(Buffer.from(text))
      assert.strictEqual(Either.isLeft(read) ? read.left.category : "none", category)
    })
  }

  it("is good when its error member is empty", () => {
    for (const error of [null, "", {}, false]) assert.isTrue(Either.isRight(answer({ error })))
  })

  it("takes one more member at its end", () => {
    const bytes = OpenAiChat.withMember(Buffer.from('{"id":18446744073709551615 }'), "orelse", { attempts: [] })
    assert.strictEqual(Buffer.from(bytes).toString(), '{"id":18446744073709551615,"orelse":{"attempts":[]} }')
  })
})

describe("usage", () => {
  const read = (usage: object) => Either.getOrThrow(answer({ usage })).usage ?? assert.fail("no usage was read")

  const shapes: Readonly<
    Record<string, readonly [{ readonly total_tokens: number; readonly [part: string]: unknown }, Usage]>
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
    [FastCheck.tuple(amount, amount, amount, amount, amount), FastCheck.boolean()],
    ([[prompt, completion, cached, written, reasoning], beside]) => {
      const usage = read({
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion + (beside ? reasoning : 0),
        prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
        completion_tokens_details: { reasoning_tokens: reasoning }
      })
      assert.isAtLeast(Math.min(...Object.values(usage)), 0)
      assert.deepStrictEqual([inputTotal(usage), outputTotal(usage)], [prompt, completion + (beside ? reasoning : 0)])
    }
  )

  it("of nonsense is zero", () => {
    const nonsense = { prompt_tokens: "10", completion_tokens: -3, total_tokens: null, prompt_tokens_details: [] }
    assert.strictEqual(total(read(nonsense)), 0)
    assert.isUndefined(Either.getOrThrow(answer({ usage: null })).usage)
  })

  it("brings OpenRouter's price, when it is one", () => {
    const cost = (value: unknown) => Either.getOrThrow(answer({ usage: { cost: value } })).reportedCost
    assert.strictEqual(toUsd(cost(0.0076509169) ?? assert.fail()), "0.0076509169")
    for (const value of [undefined, null, "1", -1]) assert.isUndefined(cost(value))
    assert.strictEqual(toUsd(cost(0) ?? assert.fail()), "0")
  })
})

describe("the events of a chunk", () => {
  const events = (choice: object, more: object = {}) =>
    OpenAiChat.events(JSON.stringify({ choices: [choice], ...more }))

  it("come in the order in which a model thinks, speaks and ends", () => {
    const delta = { content: "b", reasoning_content: "a", refusal: "c" }
    assert.deepStrictEqual(events({ index: 2, delta, finish_reason: "stop" }), [
      { _tag: "Reasoning", index: 2, text: "a" },
      { _tag: "Text", index: 2, text: "b" },
      { _tag: "Refusal", index: 2, text: "c" },
      { _tag: "Finish", index: 2, reason: "stop" }
    ])
  })

  it("hold the pieces of parallel tool calls", () => {
    const tool_calls = [
      { index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } },
      { index: 1, function: { arguments: '{"a"' } }
    ]
    const call = { _tag: "ToolCall", index: 0 } as const
    assert.deepStrictEqual(events({ index: 0, delta: { tool_calls } }), [
      { ...call, call: 0, id: "call_1", name: "f", arguments: "" },
      { ...call, call: 1, id: undefined, name: undefined, arguments: '{"a"' }
    ])
  })

  it("hold text that comes in parts, as Mistral's", () => {
    assert.deepStrictEqual(events({ index: 0, delta: { content: [{ type: "text", text: "x" }] } }), [
      { _tag: "Text", index: 0, text: "x" }
    ])
  })

  it("hold no usage, which comes with the end", () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const found = events({ index: 0, delta: { content: "x" } }, { usage })
    assert.deepStrictEqual(
      found.map((event) => event._tag),
      ["Text"]
    )
  })

  it("are none where a chunk says nothing or is none", () => {
    assert.isEmpty(events({ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }))
    for (const data of ["", "[DONE]", "{", "[]", "5", '{"choices":"?"}', '{"choices":[null, 5]}']) {
      assert.isEmpty(OpenAiChat.events(data))
    }
  })
})

describe("frames of the gateway's own", () => {
  it("are chunks without choices, errors and the end mark", () => {
    const error = { message: "m", type: "t", param: null, code: "c" }
    assert.deepStrictEqual(JSON.parse(Sse.data(OpenAiChat.errorFrame(error)) ?? ""), { error })
    assert.deepStrictEqual(JSON.parse(OpenAiChat.errorBody(error).toString()), { error })
    const member = JSON.parse(Sse.data(OpenAiChat.memberFrame("orelse", { attempts: [] }, "m", 7)) ?? "")
    assert.deepInclude(member, { object: "chat.completion.chunk", model: "m", created: 7, choices: [] })
    assert.deepStrictEqual(member.orelse, { attempts: [] })
    assert.isTrue(OpenAiChat.isDone(Sse.data(OpenAiChat.done) ?? ""))
  })
})
