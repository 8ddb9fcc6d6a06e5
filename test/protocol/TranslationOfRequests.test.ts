import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import type { Dialect, FrontDialect } from "../../src/domain/Dialect.js"
import { fronts } from "../../src/protocol/Fronts.js"
import * as Translation from "../../src/protocol/Translation.js"
import { outbound } from "../support/turns.js"

const chats: ReadonlyArray<Dialect> = ["openai-chat", "anthropic-messages", "gemini", "workers-ai", "ollama"]
const plain: ReadonlyArray<FrontDialect> = ["openai-completions", "openai-embeddings", "anthropic-count-tokens"]

const requestOf = (front: FrontDialect, body: string): ChatRequest =>
  Either.getOrThrow(fronts[front].decodeRequest(Buffer.from(body), JSON.parse(body)))

const question = '"messages":[{"role":"user","content":"Hi"}]'

/** What a provider of this dialect is sent. */
const sent = (request: ChatRequest, back: Dialect) => {
  const { body, lost } = Translation.encodeRequest(request, back, outbound({ model: "m", realm: "anthropic" }))
  return { body, text: Buffer.from(body).toString(), lost: [...lost].toSorted() }
}

describe("who can be asked", () => {
  it("is everybody for a chat, and only who speaks the very same for everything else", () => {
    for (const front of ["openai-chat", "anthropic-messages"] as const) {
      for (const back of chats) assert.isTrue(Translation.possible(front, back), `${front} ${back}`)
      for (const back of plain) assert.isFalse(Translation.possible(front, back), `${front} ${back}`)
    }
    for (const front of plain) {
      for (const back of [...chats, ...plain]) assert.strictEqual(Translation.possible(front, back), front === back)
    }
  })
})

describe("what a provider is asked", () => {
  it("is the caller's own bytes in the caller's own dialect", () => {
    for (const front of ["openai-chat", "anthropic-messages"] as const) {
      const request = requestOf(front, `{"model":"m","max_tokens":5,"n":1e400,${question}}`)
      assert.strictEqual(sent(request, front).body, request.body)
    }
  })

  it("is the same question in another dialect, and what is not in it is named", () => {
    const body = `{"model":"m","max_tokens":5,"container":"c","top_k":3,${question}}`
    const { lost, text } = sent(requestOf("anthropic-messages", body), "openai-chat")
    assert.deepInclude(JSON.parse(text), { model: "m", messages: [{ role: "user", content: "Hi" }] })
    assert.deepStrictEqual(lost, ["foreign:container", "top_k"])
  })

  it("has numbers to the last digit in every dialect", () => {
    const schema = '{"type":"object","properties":{"n":{"type":"integer","const":12345678901234567890}}}'
    const body = `{"model":"m","max_tokens":5,"tools":[{"name":"look","input_schema":${schema}}],${question}}`
    for (const back of ["openai-chat", "anthropic-messages", "ollama"] as const) {
      assert.include(sent(requestOf("anthropic-messages", body), back).text, "12345678901234567890", back)
    }
  })

  it("is passed on where it is never translated", () => {
    const embeddings = requestOf("openai-embeddings", '{"model":"m","input":"a"}')
    assert.strictEqual(sent(embeddings, "openai-embeddings").body, embeddings.body)
    const counted = requestOf("anthropic-count-tokens", `{"model":"m",${question}}`)
    assert.strictEqual(sent(counted, "anthropic-count-tokens").body, counted.body)
  })
})

describe("the headers that go with it", () => {
  const asked = requestOf("anthropic-messages", `{"model":"m","max_tokens":5,${question}}`)
  const request: ChatRequest = { ...asked, headers: { "anthropic-beta": "b", "anthropic-version": "2026-10-21" } }

  it("are the caller's own to a provider of the same dialect, which demands a version", () => {
    assert.deepStrictEqual(Translation.headers(request, "anthropic-messages"), request.headers)
    assert.deepStrictEqual(Translation.headers(asked, "anthropic-messages"), { "anthropic-version": "2023-06-01" })
  })

  it("are none of the caller's to any other", () => {
    for (const back of chats.filter((other) => other !== "anthropic-messages")) {
      assert.deepStrictEqual(Translation.headers(request, back), {})
    }
    const chat = requestOf("openai-chat", `{"model":"m",${question}}`)
    const odd: ChatRequest = { ...chat, headers: { "anthropic-beta": "b" } }
    assert.deepStrictEqual(Translation.headers(odd, "anthropic-messages"), { "anthropic-version": "2023-06-01" })
  })
})

describe("what is lost", () => {
  it("is named in the caller's words, each once, in order", () => {
    const lost = new Set(["stop", "user", "foreign:container", "format", "format_schema"] as const)
    assert.deepStrictEqual(Translation.dropped("anthropic-messages", lost), [
      "container",
      "metadata.user_id",
      "output_config.format",
      "stop_sequences"
    ])
    assert.deepStrictEqual(Translation.dropped("openai-chat", lost), [
      "container",
      "response_format",
      "response_format.json_schema",
      "stop",
      "user"
    ])
  })
})
