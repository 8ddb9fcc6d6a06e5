import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import * as Messages from "../../src/protocol/anthropic/RequestIn.js"
import * as RequestSize from "../../src/protocol/RequestSize.js"
import * as Tokenizer from "../../src/protocol/Tokenizer.js"
import { TokenSampler } from "../../src/protocol/TokenSampler.js"
import { request } from "../support/gateway.js"

const message = (...content: ReadonlyArray<unknown>): ChatRequest => holding(content)
const holding = (content: ReadonlyArray<unknown>): ChatRequest =>
  Either.getOrThrow(Messages.makeRequest({ model: "m", max_tokens: 9, messages: [{ role: "user", content }] }))
const chat = (...content: ReadonlyArray<unknown>): ChatRequest => request({ messages: [{ role: "user", content }] })

const data = "QUJD".repeat(25_000)
const source = { type: "base64", media_type: "image/png", data }

const tokenizer = await Tokenizer.load()
/** Rough until the tokenizer is there, as a gateway's is that has just started. */
const loaded = async (): Promise<TokenSampler> => {
  const ready = Promise.resolve(tokenizer)
  const sampler = new TokenSampler(() => ready)
  sampler.count([])
  await ready
  return sampler
}

describe("the size of a request", () => {
  it.each([
    ["a picture", chat({ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } }), 1, 0],
    ["a picture of Anthropic's", message({ type: "image", source }), 1, 0],
    ["a picture that a tool gave", message({ type: "tool_result", content: [{ type: "image", source }] }), 1, 0],
    ["a document", message({ type: "document", source }), 0, 1],
    ["a file", chat({ type: "file", file: { file_data: `data:application/pdf;base64,${data}` } }), 0, 1],
    ["a sound", chat({ type: "input_audio", input_audio: { data, format: "wav" } }), 0, 1],
    ["a film", chat({ type: "video_url", video_url: { url: `data:video/mp4;base64,${data}` } }), 0, 1]
  ])("counts %s once, and not by its bytes", (_, asked, images, documents) => {
    const size = RequestSize.of(asked)
    assert.deepInclude(size, { images, documents, whole: true })
    assert.isBelow(size.bytes, 300)
    assert.isBelow(size.characters, 200)
  })

  it("counts texts wherever they stand", () => {
    const text = "x".repeat(1_000)
    const asked = request({
      messages: [
        { role: "user", content: text },
        { role: "user", content: [{ type: "text", text }] },
        { role: "assistant", tool_calls: [{ function: { name: "f", arguments: text } }] },
        { role: "tool", content: text }
      ],
      tools: [{ function: { name: "f", description: text, parameters: { properties: { [text]: {} } } } }]
    })
    const size = RequestSize.of(asked)
    assert.isAtLeast(size.characters, 6_000)
    assert.isBelow(size.characters, 6_400)
    const plain = message({ type: "document", source: { type: "text", data: text } })
    assert.isAtLeast(RequestSize.of(plain).characters, 1_000)
    assert.strictEqual(RequestSize.of(plain).documents, 0)
  })

  it("is plain where there is nothing but texts, and then it is that of the body", () => {
    const text = { type: "text", text: "hi" }
    const plain = [
      request(),
      chat(text, text),
      message(text),
      request({ messages: [{ role: "assistant", content: null }] })
    ]
    for (const asked of plain) {
      assert.isTrue(RequestSize.isPlain(asked))
      assert.deepInclude(RequestSize.of(asked), { bytes: asked.body.byteLength, images: 0, documents: 0, whole: true })
    }
    const others = [
      message({ type: "tool_result", content: [{ type: "image", source }] }),
      chat(text, { type: "file", file: {} }),
      chat(1),
      request({ messages: [{ role: "system", content: "hi" }], system: [{ type: "document", source }] })
    ]
    for (const asked of others) assert.isFalse(RequestSize.isPlain(asked))
  })

  it("is estimated within a few per cent by a sample of a long text", async () => {
    const prose = "Alice was beginning to get very tired of sitting by her sister on the bank. ".repeat(2_000)
    const numbers = Array.from({ length: 20_000 }, (_, at) => String(at * 7_919)).join(" ")
    const asked = chat({ type: "text", text: prose }, { type: "text", text: numbers })
    const size = RequestSize.of(asked)
    const sampled = size.sample.reduce((sum, { length }) => sum + length, 0)
    assert.isAtMost(sampled, 16_000)
    const estimate = RequestSize.estimate(size, await loaded())
    assert.closeTo(estimate / (tokenizer(prose) + tokenizer(numbers)), 1, 0.05)
    assert.isAtLeast(estimate, RequestSize.leastTokens(size))
    assert.isAtMost(estimate, RequestSize.mostTokens(size))
  })

  it("of an empty request is next to nothing", async () => {
    const size = RequestSize.of(request({ messages: [] }))
    assert.deepStrictEqual([size.characters, RequestSize.estimate(size, await loaded())], [0, 0])
  })

  it("is found soon, also of what is made to take long", async () => {
    const sampler = await loaded()
    let deep: unknown = "deep"
    for (let level = 0; level < 2_000; level++) deep = { type: "tool_result", content: [deep] }
    const hostile = [
      holding(Array.from({ length: 400_000 }, () => 1)),
      message({ type: "tool_use", id: "1", name: "n", input: { list: Array.from({ length: 400_000 }, () => "") } }),
      message(deep)
    ]
    const started = performance.now()
    const sizes = hostile.map(RequestSize.of)
    const estimates = sizes.map((size) => RequestSize.estimate(size, sampler))
    assert.isBelow(performance.now() - started, 500)
    assert.deepStrictEqual(
      sizes.map(({ whole }) => whole),
      [false, false, true]
    )
    for (const estimate of estimates) assert.isAtLeast(estimate, 0)
  })
})
