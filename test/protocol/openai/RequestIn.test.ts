import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Json from "../../../src/protocol/Json.js"
import * as RequestIn from "../../../src/protocol/openai/RequestIn.js"

const messages = [{ role: "user", content: "hi" }]

const decode = (text: string) => RequestIn.decodeRequest(Buffer.from(text), JSON.parse(text))
const request = (text: string) => Either.getOrThrow(decode(text))
const made = (fields: object) => Either.getOrThrow(RequestIn.makeRequest({ model: "m", messages, ...fields }))

describe("a request", () => {
  it("is read as far as the gateway needs it", () => {
    const { body, dialect, prompt, view, ...read } = made({
      stream: true,
      stream_options: { include_usage: true },
      user: "u"
    })
    assert.deepStrictEqual(read, {
      model: "m",
      models: [],
      fallback: undefined,
      lossless: false,
      preferences: undefined,
      session: undefined,
      midStream: undefined,
      headers: {},
      stream: true,
      includeUsage: true,
      user: "u"
    })
    assert.deepStrictEqual(
      [dialect, view["model"], JSON.parse(Buffer.from(body).toString())],
      ["openai-chat", "m", view]
    )
    assert.deepStrictEqual(prompt?.().user, "u")
  })

  it("is translated at most once, from its bytes, in which big numbers are whole", () => {
    const { prompt } = request(
      '{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"max":12345678901234567890}}}]}'
    )
    const [tool] = prompt?.().tools ?? []
    assert.strictEqual(Json.stringify(tool?.parameters), '{"max":12345678901234567890}')
    assert.strictEqual(prompt?.(), prompt?.())
  })

  it("may be told to no candidate that would lose a part of it", () => {
    assert.isTrue(made({ require: "lossless" }).lossless)
    assert.isFalse(made({ require: null }).lossless)
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
    assert.isTrue(Either.isRight(RequestIn.makeRequest({ model: "m", ...more })))
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
    ["require", { require: secret }, /expected "lossless"$/],
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
