import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as OpenAiChat from "../../src/protocol/OpenAiChat.js"

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
    ["model", { model: secret.padEnd(257) }, /expected a string at most 256 character\(s\) long$/],
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
    ["fallback.providers[1].model_name", inEntry({ model_name: "x".repeat(257) }), /at most 256 character\(s\) long$/],
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
    it(`${JSON.stringify(fields).slice(0, 80)} is refused for ${param}, and not echoed`, () => {
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
        temperature: FastCheck.option(FastCheck.double({ min: 0, max: 2, noNaN: true }), { nil: undefined })
      })
    ],
    ([fields, outbound]) => {
      const rest = { model: "m", messages, temperature: 1 }
      const own = { fallback: null, models: [], provider: { only: ["x"] } }
      const extra = Object.fromEntries(Object.entries(fields).map(([key, value]) => [`x-${key}`, value]))
      const expected = JSON.parse(JSON.stringify({ ...extra, ...rest, model: outbound.model }))
      if (outbound.temperature !== undefined) expected.temperature = JSON.parse(String(outbound.temperature))
      if (outbound.stream) Object.assign(expected, { stream: true, stream_options: { include_usage: true } })
      assert.deepStrictEqual(JSON.parse(encode(JSON.stringify({ ...extra, ...rest, ...own }), outbound)), expected)
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
