import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as CachePolicy from "../../src/cache/CachePolicy.js"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import type { FrontDialect } from "../../src/domain/Dialect.js"
import { fronts } from "../../src/protocol/Fronts.js"
import * as Sse from "../../src/protocol/Sse.js"
import { chunk, says, stop, usageOnly } from "../support/chunks.js"

const asked = (fields: object = {}, dialect: FrontDialect = "openai-chat"): ChatRequest => {
  const json = { model: "m", messages: [], input: "x", prompt: "x", max_tokens: 9, ...fields }
  return Either.getOrThrow(fronts[dialect].decodeRequest(Buffer.from(JSON.stringify(json)), json))
}

const answer = (view: Readonly<Record<string, unknown>>) => ({
  body: Buffer.from("{}"),
  view,
  model: undefined,
  usage: undefined,
  reportedCost: undefined
})

describe("the policy temperature-zero", () => {
  it("covers what says temperature 0 itself, in every dialect, and embeddings", () => {
    const covers = (fields: object, dialect?: FrontDialect) =>
      CachePolicy.covers("temperature-zero", asked(fields, dialect))
    for (const dialect of ["openai-chat", "openai-completions", "anthropic-messages"] as const) {
      assert.isTrue(covers({ temperature: 0 }, dialect), dialect)
      for (const temperature of [undefined, null, 0.01, 1]) assert.isFalse(covers({ temperature }, dialect), dialect)
    }
    assert.isTrue(covers({}, "openai-embeddings"))
  })
})

describe("every policy", () => {
  it("leaves out counting tokens, and what the provider is to store", () => {
    for (const policy of ["all", "temperature-zero"] as const) {
      assert.isFalse(CachePolicy.covers(policy, asked({ temperature: 0 }, "anthropic-count-tokens")))
      assert.isFalse(CachePolicy.covers(policy, asked({ temperature: 0, store: true })))
    }
    assert.isTrue(CachePolicy.covers("all", asked({ store: false })))
  })
})

describe("a whole answer is complete", () => {
  const openai = (...reasons: ReadonlyArray<unknown>) =>
    CachePolicy.isComplete(asked(), answer({ choices: reasons.map((finish_reason) => ({ finish_reason })) }))

  it("when every choice has said why it ended, and none was cut by a filter", () => {
    assert.isTrue(openai("stop"))
    assert.isTrue(openai("stop", "length"))
    assert.isTrue(openai("tool_calls"))
    for (const wrong of [null, undefined, "", 1, "content_filter"]) assert.isFalse(openai("stop", wrong), String(wrong))
    assert.isFalse(openai())
  })

  it("when Anthropic's message has said why it stopped, and neither declined nor paused", () => {
    const message = (stop_reason: unknown) =>
      CachePolicy.isComplete(asked({}, "anthropic-messages"), answer({ stop_reason }))
    for (const right of ["end_turn", "tool_use", "max_tokens", "stop_sequence"]) assert.isTrue(message(right), right)
    for (const wrong of [null, undefined, "refusal", "pause_turn"]) assert.isFalse(message(wrong), String(wrong))
  })

  it("when there are embeddings", () => {
    const embeddings = (data: unknown) => CachePolicy.isComplete(asked({}, "openai-embeddings"), answer({ data }))
    assert.isTrue(embeddings([{ embedding: [1] }]))
    assert.isFalse(embeddings([]))
  })
})

describe("a stream ended well", () => {
  const ended = (frames: ReadonlyArray<Buffer>, fields: object = {}) => CachePolicy.endsWell(asked(fields), frames)

  it("when it says why, whatever comes behind", () => {
    assert.isTrue(ended([says("hi"), stop, usageOnly]))
    assert.isTrue(ended([...Array.from({ length: 100 }, () => says("hi")), chunk({}, "tool_calls"), usageOnly]))
  })

  it("not when it never says, or was cut by a filter in any of its choices", () => {
    assert.isFalse(ended([]))
    assert.isFalse(ended([says("hi"), usageOnly]))
    assert.isFalse(ended([says("hi"), chunk({}, "content_filter"), usageOnly]))
    const far = [chunk({}, "content_filter", {}, 1), ...Array.from({ length: 50 }, () => says("hi")), stop]
    assert.isFalse(ended(far, { n: 2 }))
  })

  it("in Anthropic's words too", () => {
    const event = (type: string, more: object) => Sse.encode(JSON.stringify({ type, ...more }), type)
    const message = (stop_reason: string) => [
      event("content_block_delta", { index: 0, delta: { type: "text_delta", text: "hi" } }),
      event("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } })
    ]
    const request = asked({}, "anthropic-messages")
    assert.isTrue(CachePolicy.endsWell(request, message("end_turn")))
    assert.isFalse(CachePolicy.endsWell(request, message("refusal")))
  })
})
