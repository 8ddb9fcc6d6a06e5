import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as PlainIn from "../../../src/protocol/openai/PlainIn.js"

type Decode = typeof PlainIn.decodeEmbeddings

const decode = (read: Decode, text: string) => read(Buffer.from(text), JSON.parse(text))
const refused = (read: Decode, json: unknown) => Either.getOrThrow(Either.flip(decode(read, JSON.stringify(json))))

const embeddings = PlainIn.decodeEmbeddings
const completions = PlainIn.decodeCompletions

describe("a request for embeddings", () => {
  it("is read as far as the gateway needs it, and has no prompt to translate", () => {
    const text = '{"model":"m","input":["a",[1,2]],"models":["b"],"user":"u","dimensions":12345678901234567890}'
    const { body, view: _, ...read } = Either.getOrThrow(decode(embeddings, text))
    assert.strictEqual(Buffer.from(body).toString(), text)
    assert.deepStrictEqual(read, {
      dialect: "openai-embeddings",
      prompt: undefined,
      headers: {},
      model: "m",
      models: ["b"],
      fallback: undefined,
      lossless: false,
      preferences: undefined,
      session: undefined,
      midStream: undefined,
      stream: false,
      includeUsage: false,
      user: "u"
    })
  })

  it("is never a stream, whatever it says", () => {
    assert.isFalse(Either.getOrThrow(decode(embeddings, '{"model":"m","input":"a","stream":true}')).stream)
  })

  it("is refused without input, or with what is none", () => {
    assert.deepInclude(refused(embeddings, { model: "m" }), { param: "input", code: "missing_required_parameter" })
    const wrong = refused(embeddings, { model: "m", input: { secret: "tell nobody" } })
    assert.match(wrong.message, /^'input' .*expected a string or an array$/)
  })
})

describe("a request of the API before chats", () => {
  it("may be a stream, with usage", () => {
    const text = '{"model":"m","prompt":"p","stream":true,"stream_options":{"include_usage":true}}'
    const read = Either.getOrThrow(decode(completions, text))
    assert.deepInclude(read, { dialect: "openai-completions", stream: true, includeUsage: true, prompt: undefined })
  })

  it("may leave out whatever it can do without", () => {
    const read = Either.getOrThrow(decode(completions, '{"model":"m","stream":null,"stream_options":null}'))
    assert.deepInclude(read, { stream: false, includeUsage: false, user: undefined })
  })

  it("is refused with members of a wrong type", () => {
    assert.strictEqual(refused(completions, { model: "m", prompt: 5 }).param, "prompt")
    assert.strictEqual(refused(completions, { model: "m", max_tokens: "5" }).param, "max_tokens")
  })
})

describe("either", () => {
  it("is refused when it names no model or is no object", () => {
    for (const read of [embeddings, completions]) {
      assert.strictEqual(refused(read, { input: "a", prompt: "a" }).param, "model")
      assert.strictEqual(refused(read, ["tell nobody"]).message, "the body must be a JSON object")
    }
  })
})
