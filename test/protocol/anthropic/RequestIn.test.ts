import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as RequestIn from "../../../src/protocol/anthropic/RequestIn.js"

const good = { model: "m", max_tokens: 5, messages: [{ role: "user", content: "Hi" }] }

const refusal = (json: unknown, decode = RequestIn.decodeRequest) => {
  const { code, message, param } = Either.getOrThrow(Either.flip(decode(Buffer.from(JSON.stringify(json)), json)))
  return { code, message, param }
}

describe("an Anthropic request", () => {
  it("is its bytes, and what routing has to know of them", () => {
    const json = {
      ...good,
      models: ["n"],
      stream: true,
      require: "lossless",
      mid_stream: "continue",
      metadata: { user_id: "u" },
      fallback: { providers: [{ provider: "openai", model_name: "o" }] }
    }
    const body = Buffer.from(JSON.stringify(json))
    const { fallback, prompt, ...request } = Either.getOrThrow(RequestIn.decodeRequest(body, json))
    assert.deepStrictEqual(request, {
      dialect: "anthropic-messages",
      body,
      view: json,
      headers: {},
      model: "m",
      models: ["n"],
      lossless: true,
      preferences: undefined,
      session: undefined,
      midStream: "continue",
      stream: true,
      includeUsage: true,
      user: "u"
    })
    assert.strictEqual(request.body, body)
    assert.strictEqual(fallback?.providers[0]?.modelName, "o")
    assert.strictEqual(prompt?.().messages.length, 1)
  })

  it("may have members that are null", () => {
    const nulls = { stream: null, temperature: null, metadata: { user_id: null }, models: null, fallback: null }
    const { lossless, stream, user } = Either.getOrThrow(RequestIn.makeRequest({ ...good, ...nulls }))
    assert.deepStrictEqual([lossless, stream, user], [false, false, undefined])
  })

  it.each([
    [{ max_tokens: undefined }, "max_tokens", "missing_required_parameter"],
    [{ max_tokens: "5" }, "max_tokens", undefined],
    [{ max_tokens: 0 }, "max_tokens", undefined],
    [{ messages: undefined }, "messages", "missing_required_parameter"],
    [{ messages: [{ content: "Hi" }] }, "messages[0].role", "missing_required_parameter"],
    [{ stream: "yes" }, "stream", undefined],
    [{ metadata: { user_id: 7 } }, "metadata.user_id", undefined],
    [{ require: "everything" }, "require", undefined],
    [{ mid_stream: "sometimes" }, "mid_stream", undefined],
    [{ model: undefined }, "model", "missing_required_parameter"]
  ])("is refused with the name of the field that is wrong: %j", (wrong, param, code) => {
    assert.deepInclude(refusal(JSON.parse(JSON.stringify({ ...good, ...wrong }))), { param, code })
  })

  it.each([null, [], "words", 7])("is refused where it is no object: %j", (json) => {
    assert.strictEqual(refusal(json).message, "the body must be a JSON object")
    assert.strictEqual(refusal(json, RequestIn.decodeCountRequest).message, "the body must be a JSON object")
  })

  it("never repeats what the caller wrote", () => {
    assert.notInclude(refusal({ ...good, max_tokens: "very secret words" }).message, "secret")
  })

  it("needs no bound of tokens to be counted, and is never a stream then", () => {
    const json = { model: "m", messages: [], stream: true }
    const request = Either.getOrThrow(RequestIn.decodeCountRequest(Buffer.from(JSON.stringify(json)), json))
    assert.deepInclude(request, { dialect: "anthropic-count-tokens", stream: false, includeUsage: false })
    assert.strictEqual(refusal({ model: "m" }, RequestIn.decodeCountRequest).param, "messages")
    assert.strictEqual(refusal({ messages: [] }, RequestIn.decodeCountRequest).param, "model")
  })
})
