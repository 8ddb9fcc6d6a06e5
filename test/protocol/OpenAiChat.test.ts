import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { toUsd } from "../../src/domain/Money.js"
import { inputTotal, outputTotal, total, type Usage } from "../../src/domain/Usage.js"
import * as OpenAiChat from "../../src/protocol/OpenAiChat.js"
import * as Sse from "../../src/protocol/Sse.js"

const messages = [{ role: "user", content: "hi" }]

const decode = (text: string) => OpenAiChat.decodeRequest(Buffer.from(text), JSON.parse(text))
const request = (text: string) => Either.getOrThrow(decode(text))
const made = (fields: object) => Either.getOrThrow(OpenAiChat.makeRequest({ model: "m", messages, ...fields }))

const same: OpenAiChat.Outbound = {
  model: "m",
  stream: false,
  asksForUsage: true,
  keepsPreferences: false,
  maxTokens: undefined,
  temperature: undefined
}

const encode = (text: string, outbound: Partial<OpenAiChat.Outbound> = {}): string =>
  Buffer.from(OpenAiChat.encodeRequest(request(text), { ...same, ...outbound })).toString()

/** The body that a provider would parse. */
const sent = (fields: object, outbound: Partial<OpenAiChat.Outbound> = {}): unknown =>
  JSON.parse(encode(JSON.stringify({ model: "m", messages, ...fields }), outbound))

describe("a request", () => {
  it("is read as far as the gateway needs it", () => {
    const { body, dialect, view, ...read } = made({ stream: true, stream_options: { include_usage: true }, user: "u" })
    assert.deepStrictEqual(read, {
      model: "m",
      models: [],
      fallback: undefined,
      stream: true,
      includeUsage: true,
      user: "u"
    })
    assert.deepStrictEqual(
      [dialect, view["model"], JSON.parse(Buffer.from(body).toString())],
      ["openai-chat", "m", view]
    )
  })

  it("may leave out, or set to null, whatever it can do without", () => {
    const nothing = { stream: null, stream_options: null, max_tokens: null, user: null, models: null, fallback: null }
    for (const fields of [{}, nothing]) {
      const { fallback, includeUsage, models, stream, user } = made(fields)
      assert.deepStrictEqual([fallback, includeUsage, models, stream, user], [undefined, false, [], false, undefined])
    }
  })

  it("names its model first and the ones to try after it in `models`", () => {
    assert.deepInclude(made({ models: ["b", "c"] }), { model: "m", models: ["b", "c"] })
    assert.deepInclude(made({ model: undefined, models: ["a", "b"] }), { model: "a", models: ["b"] })
  })

  it("brings its own fallback chain", () => {
    const entry = { provider: "openrouter", model_name: "openai/gpt-4", base_url: null, max_tokens: null }
    const full = { ...entry, base_url: "https://x.example/v1", max_tokens: 9, temperature: 0, catch_errors: ["all"] }
    const { fallback } = made({ fallback: { max_retries_per_provider: 0, providers: [entry, full] } })
    const named = { provider: "openrouter", modelName: "openai/gpt-4" }
    const plain = { baseUrl: undefined, maxTokens: undefined, temperature: undefined, catchErrors: undefined }
    assert.deepStrictEqual(fallback, {
      enabled: true,
      maxRetriesPerProvider: 0,
      providers: [
        { ...named, ...plain },
        { ...named, baseUrl: "https://x.example/v1", maxTokens: 9, temperature: 0, catchErrors: ["all"] }
      ]
    })
  })

  it("may hold anything beside that", () => {
    const more = { tools: "?", messages: [{ role: "critic", content: 5, name: {} }], logit_bias: [], max_tokens: 0.5 }
    assert.isTrue(Either.isRight(OpenAiChat.makeRequest({ model: "m", ...more })))
  })
})

describe("a request that is wrong", () => {
  const secret = "tell nobody"
  const entry = { provider: "a", model_name: "x" }
  const inEntry = (fields: object) => ({ fallback: { providers: [entry, { ...entry, ...fields }] } })
  const wrong: ReadonlyArray<readonly [string, object, RegExp]> = [
    ["model", { model: 5 }, /expected string$/],
    ["model", { model: "" }, /^you must name a model$/],
    ["model", { model: undefined }, /^you must name a model$/],
    ["model", { model: undefined, models: [] }, /^you must name a model$/],
    ["messages", { messages: undefined }, /^'messages' is required$/],
    ["messages", { messages: secret }, /expected an array$/],
    ["messages[1]", { messages: [...messages, secret] }, /expected an object$/],
    ["messages[1].role", { messages: [...messages, { content: secret }] }, /is required$/],
    ["messages[0].role", { messages: [{ role: { secret } }] }, /expected string$/],
    ["stream", { stream: secret }, /expected boolean$/],
    ["stream_options", { stream_options: secret }, /expected an object$/],
    ["stream_options.include_usage", { stream_options: { include_usage: secret } }, /expected boolean$/],
    ["max_tokens", { max_tokens: secret }, /expected number$/],
    ["max_completion_tokens", { max_completion_tokens: [secret] }, /expected number$/],
    ["temperature", { temperature: secret }, /expected number$/],
    ["user", { user: { secret } }, /expected string$/],
    ["models", { models: secret }, /expected an array$/],
    ["models[1]", { models: ["a", ""] }, /expected a non empty string$/],
    ["fallback", { fallback: secret }, /expected an object$/],
    ["fallback.enabled", { fallback: { enabled: secret } }, /expected boolean$/],
    ["fallback.max_retries_per_provider", { fallback: { max_retries_per_provider: -1 } }, /a non-negative number$/],
    ["fallback.max_retries_per_provider", { fallback: { max_retries_per_provider: 1.5 } }, /an integer$/],
    ["fallback.providers", { fallback: { providers: { secret } } }, /expected an array$/],
    ["fallback.providers[0].provider", { fallback: { providers: [{ model_name: secret }] } }, /is required$/],
    ["fallback.providers[1].model_name", inEntry({ model_name: "" }), /a non empty string$/],
    ["fallback.providers[1].base_url", inEntry({ base_url: { secret } }), /expected string$/],
    ["fallback.providers[1].max_tokens", inEntry({ max_tokens: 0 }), /a positive number$/],
    ["fallback.providers[1].temperature", inEntry({ temperature: secret }), /expected number$/],
    ["fallback.providers[1].catch_errors", inEntry({ catch_errors: secret }), /expected an array$/],
    [
      "fallback.providers[1].catch_errors[1]",
      inEntry({ catch_errors: ["all", secret] }),
      /one of rate_limit, auth, .*all$/
    ]
  ]
  for (const [param, fields, message] of wrong) {
    it(`${JSON.stringify(fields)} is refused for ${param}, and not echoed`, () => {
      const refusal = Either.getOrThrow(Either.flip(decode(JSON.stringify({ model: "m", messages, ...fields }))))
      assert.strictEqual(refusal.param, param)
      assert.match(refusal.message, message)
      assert.notInclude(refusal.message, secret)
    })
  }

  it("says by its code when something is missing", () => {
    for (const text of ['{"model": "m"}', '{"messages": []}']) {
      assert.strictEqual(Either.getOrThrow(Either.flip(decode(text))).code, "missing_required_parameter")
    }
  })

  it("is refused when it is no object", () => {
    for (const text of ["[]", "null", '"tell nobody"', "5"]) {
      const { message, param } = Either.getOrThrow(Either.flip(decode(text)))
      assert.deepStrictEqual([message, param], ["the body must be a JSON object", undefined])
    }
  })
})

describe("what goes to a provider", () => {
  const odd = '{ "seed": 12345678901234567890, "x": [1.0, {"y": 1e2}], "messages": [ ] , "model" : "m" }'

  it("is the very same array where nothing has to change", () => {
    const plain = request(odd)
    assert.strictEqual(OpenAiChat.encodeRequest(plain, same), plain.body)
    const streamed = made({ stream: true, stream_options: { include_usage: true } })
    assert.strictEqual(OpenAiChat.encodeRequest(streamed, { ...same, stream: true }), streamed.body)
  })

  it("keeps big integers, the spelling of numbers, spaces and unknown fields when its model changes", () => {
    assert.strictEqual(encode(odd, { model: 'n"1' }), odd.replace('"m"', String.raw`"n\"1"`))
  })

  it.prop(
    "holds everything else that the caller sent, whatever changes",
    [
      FastCheck.dictionary(FastCheck.string(), FastCheck.jsonValue()),
      FastCheck.record({
        model: FastCheck.string({ minLength: 1 }),
        stream: FastCheck.boolean(),
        temperature: FastCheck.option(FastCheck.double({ min: 0, max: 2 }), { nil: undefined })
      })
    ],
    ([fields, outbound]) => {
      const known = { model: "m", messages, temperature: 1, fallback: null, provider: { only: ["x"] } }
      const { fallback, provider, ...rest } = known
      const extra = Object.fromEntries(Object.entries(fields).map(([key, value]) => [`x-${key}`, value]))
      const expected = JSON.parse(JSON.stringify({ ...extra, ...rest, model: outbound.model }))
      if (outbound.temperature !== undefined) expected.temperature = JSON.parse(String(outbound.temperature))
      if (outbound.stream) Object.assign(expected, { stream: true, stream_options: { include_usage: true } })
      assert.deepStrictEqual(JSON.parse(encode(JSON.stringify({ ...extra, ...known }), outbound)), expected)
    }
  )

  it("holds none of the gateway's own fields", () => {
    const own = { fallback: { providers: [] }, models: ["b"], provider: { order: ["openai"] } }
    assert.deepStrictEqual(sent({ ...own, seed: 1 }), { model: "m", messages, seed: 1 })
    assert.deepStrictEqual(sent({ fallback: null, models: null, provider: null }), { model: "m", messages })
  })

  it("keeps the preferences among providers for OpenRouter, whose own they are", () => {
    const own = { fallback: { providers: [] }, models: ["b"], provider: { order: ["openai"] } }
    assert.deepStrictEqual(sent(own, { keepsPreferences: true }), { model: "m", messages, provider: own.provider })
  })

  it("asks for the usage of a stream, and keeps the caller's other options", () => {
    const asked = { model: "m", messages, stream: true, stream_options: { include_usage: true } }
    assert.deepStrictEqual(sent({ stream: true }, { stream: true }), asked)
    assert.deepStrictEqual(sent({ stream: true, stream_options: null }, { stream: true }), asked)
    assert.deepStrictEqual(sent({ stream: true, stream_options: { include_usage: false } }, { stream: true }), asked)
    assert.deepStrictEqual(sent({ stream: true, stream_options: { include_obfuscation: false } }, { stream: true }), {
      ...asked,
      stream_options: { include_obfuscation: false, include_usage: true }
    })
  })

  it("asks no vendor for usage that does not know the question", () => {
    const outbound = { stream: true, asksForUsage: false }
    assert.deepStrictEqual(sent({ stream: true }, outbound), { model: "m", messages, stream: true })
  })

  it("turns streaming off, with its options, and on", () => {
    const streamed = { stream: true, stream_options: { include_usage: true } }
    assert.deepStrictEqual(sent(streamed), { model: "m", messages, stream: false })
    assert.deepStrictEqual(sent({}, { stream: true }), { model: "m", messages, ...streamed })
  })

  const limits: ReadonlyArray<readonly [string, string, object, object]> = [
    ["max_tokens", "m", {}, { max_tokens: 9 }],
    ["max_tokens", "m", { max_tokens: 5 }, { max_tokens: 9 }],
    ["max_completion_tokens where the caller uses it", "m", { max_completion_tokens: 5 }, { max_completion_tokens: 9 }],
    ["one of the two", "m", { max_completion_tokens: 5, max_tokens: 5 }, { max_completion_tokens: 9 }],
    ["max_completion_tokens for o3", "o3-mini", { max_tokens: 5 }, { max_completion_tokens: 9 }],
    ["max_completion_tokens for gpt-5", "gpt-5", {}, { max_completion_tokens: 9 }]
  ]
  for (const [what, model, fields, expected] of limits) {
    it(`has an overridden limit in ${what} (${JSON.stringify(fields)})`, () => {
      assert.deepStrictEqual(sent(fields, { model, maxTokens: 9 }), { model, messages, ...expected })
    })
  }

  it("has an overridden temperature, also when that is zero", () => {
    assert.deepStrictEqual(sent({ temperature: 1 }, { temperature: 0 }), { model: "m", messages, temperature: 0 })
  })
})

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

  it("hold usage last", () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const found = events({ index: 0, delta: { content: "x" } }, { usage })
    assert.deepStrictEqual(
      found.map((event) => event._tag),
      ["Text", "Usage"]
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
