import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import type { FinishReason } from "../../../src/domain/FinishReason.js"
import * as AnswerIn from "../../../src/protocol/openai/AnswerIn.js"
import * as Translation from "../../../src/protocol/Translation.js"
import { answering, streamRequest } from "../../support/machine.js"
import { incoming } from "../../support/turns.js"

const decodeAnswer = (bytes: Buffer) =>
  Translation.decodeAnswer(streamRequest({ stream: false }), "openai-chat", bytes, () => answering())

const good = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }]
}

describe("an answer to a caller of the same dialect", () => {
  it("keeps its bytes, and shows its model and what it used", () => {
    const text = JSON.stringify({ ...good, usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } })
    const bytes = Buffer.from(text.replace('"created":1', '"created": 1, "seed":18446744073709551615'))
    const read = Either.getOrThrow(decodeAnswer(bytes))
    assert.strictEqual(read.body, bytes)
    assert.deepStrictEqual([read.model, read.reportedCost], ["m-1", undefined])
    assert.deepStrictEqual(read.usage, { input: 3, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0 })
  })

  it("keeps its big numbers where something else is repaired", () => {
    const bytes = Buffer.from(JSON.stringify({ ...good, error: null, seed: 5 }).replace("5", "18446744073709551615"))
    const { body } = Either.getOrThrow(decodeAnswer(bytes))
    assert.strictEqual(
      Buffer.from(body).toString(),
      JSON.stringify({ ...good, seed: 5 }).replace("5", "18446744073709551615")
    )
  })

  const failures: Readonly<Record<string, readonly [string, string]>> = {
    "that is no JSON": ["malformed_response", "<html>Bad gateway</html>"],
    "that is empty": ["malformed_response", ""],
    "without choices": ["malformed_response", '{"id":"x"}'],
    "with no choice at all": ["malformed_response", '{"choices":[]}'],
    "whose only choice is none": ["malformed_response", '{"choices":[null]}'],
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
      const read = decodeAnswer(Buffer.from(text))
      assert.strictEqual(Either.isLeft(read) ? read.left.category : "none", category)
    })
  }

  it("is good when its error member is empty", () => {
    for (const error of [null, "", {}, false]) {
      assert.isTrue(Either.isRight(decodeAnswer(Buffer.from(JSON.stringify({ ...good, error })))))
    }
  })
})

describe("what an answer says", () => {
  const decode = (...choices: ReadonlyArray<unknown>) => AnswerIn.decode({ ...good, choices }, incoming())
  const said = (message: object, finish: unknown = "stop"): ReadonlyArray<ChatEvent> =>
    decode({ index: 0, message, finish_reason: finish })?.events ?? []
  const stop: ChatEvent = { _tag: "Finish", index: 0, reason: "stop" }

  it("is told with who says it", () => {
    assert.deepInclude(AnswerIn.decode(good, incoming()), { id: "chatcmpl-1", model: "m-1", usage: undefined })
    assert.deepInclude(AnswerIn.decode({ ...good, id: "", model: "" }, incoming()), { id: undefined, model: undefined })
  })

  it("comes in the order in which a model thinks, speaks, declines, calls and ends", () => {
    const tool_calls = [{ id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } }]
    const message = { tool_calls, refusal: "c", content: "b", reasoning_content: "a" }
    assert.deepStrictEqual(said(message, "tool_calls"), [
      { _tag: "Reasoning", index: 0, text: "a" },
      { _tag: "Text", index: 0, text: "b" },
      { _tag: "Refusal", index: 0, text: "c" },
      { _tag: "ToolCall", index: 0, call: 0, id: "c1", name: "f", arguments: '{"a":1}' },
      { _tag: "Finish", index: 0, reason: "tool_calls" }
    ])
  })

  it("holds every choice, by its index or else its place", () => {
    const spoken = decode({ index: 4, message: { content: "a" } }, null, { message: { content: "b" } }, "?")
    assert.deepStrictEqual(
      spoken?.events.map((event) => [event.index, event._tag === "Text" ? event.text : event._tag]),
      [
        [4, "a"],
        [4, "Finish"],
        [1, "b"],
        [1, "Finish"]
      ]
    )
  })

  it("holds the thoughts between the texts of Mistral's parts", () => {
    const content = [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }, "?", { type: "text", text: "hi" }]
    assert.deepStrictEqual(said({ content }), [
      { _tag: "Reasoning", index: 0, text: "hm" },
      { _tag: "Text", index: 0, text: "hi" },
      stop
    ])
  })

  it("holds each thought once, with its seal, whose maker is the one who answers", () => {
    const seal = (value: string) => ({ origin: "here", value })
    const reasoning_details = [
      { type: "reasoning.text", text: "a", signature: "S" },
      { type: "reasoning.summary", summary: "b" },
      { type: "reasoning.encrypted", data: "D" },
      { type: "reasoning.text", text: "", signature: null }
    ]
    assert.deepStrictEqual(said({ reasoning: "ab", reasoning_details }), [
      { _tag: "Reasoning", index: 0, text: "a" },
      { _tag: "Signature", index: 0, seal: seal("S") },
      { _tag: "Reasoning", index: 0, text: "b" },
      { _tag: "Sealed", index: 0, seal: seal("D") },
      stop
    ])
    assert.deepStrictEqual(said({ reasoning: "plain", reasoning_details: [{ data: "D" }] }), [
      { _tag: "Reasoning", index: 0, text: "plain" },
      { _tag: "Sealed", index: 0, seal: seal("D") },
      stop
    ])
  })

  it("holds calls in the old form, without ids, with arguments that are no text, and Google's seals", () => {
    const call = { _tag: "ToolCall", index: 0 } as const
    const tool_calls = [
      { id: "", function: { name: "f", arguments: { a: 1 } } },
      {
        id: "c2",
        function: { name: "g", arguments: null },
        extra_content: { google: { thought_signature: "S" } }
      },
      { id: "c3", function: { name: "h" }, extra_content: { google: { thought_signature: "" } } }
    ]
    assert.deepStrictEqual(said({ tool_calls, function_call: { name: "old", arguments: "{}" } }), [
      { ...call, call: 0, id: "call_1", name: "f", arguments: '{"a":1}' },
      { ...call, call: 1, id: "c2", name: "g", arguments: "", seal: { origin: "here", value: "S" } },
      { ...call, call: 2, id: "c3", name: "h", arguments: "" },
      { ...call, call: 3, id: "call_2", name: "old", arguments: "{}" },
      { _tag: "Finish", index: 0, reason: "tool_calls" }
    ])
    assert.deepStrictEqual(said({ content: "x", function_call: { name: "", arguments: "" } }).slice(1), [stop])
  })

  it("is no call for arguments that nobody could write down", () => {
    const deep = Array.from({ length: 20_000 }).reduce<unknown>((inner) => [inner], 1)
    const tool_calls = [{ id: "c1", function: { name: "f", arguments: deep } }]
    assert.deepInclude(said({ tool_calls })[0], { name: "f", arguments: "" })
  })

  const endings: ReadonlyArray<readonly [unknown, FinishReason, FinishReason]> = [
    ["stop", "stop", "tool_calls"],
    ["eos", "stop", "tool_calls"],
    ["length", "length", "length"],
    ["MAX_TOKENS", "length", "length"],
    ["model_length", "context_length", "context_length"],
    ["function_call", "tool_calls", "tool_calls"],
    ["tool_use", "tool_calls", "tool_calls"],
    ["content_filter", "content_filter", "content_filter"],
    ["sensitive", "content_filter", "content_filter"],
    ["refusal", "refusal", "refusal"]
  ]
  for (const word of ["", null, 1, "constructor", "of_old_age"]) {
    it(`ends with ${JSON.stringify(word)} as if it said \`stop\`, which is told`, () => {
      const tool_calls = [{ id: "c", function: { name: "f", arguments: "{}" } }]
      const finish = { _tag: "Finish", index: 0, assumed: true } as const
      assert.deepStrictEqual(said({}, word).at(-1), { ...finish, reason: "stop" })
      assert.deepStrictEqual(said({ tool_calls }, word).at(-1), { ...finish, reason: "tool_calls" })
    })
  }

  for (const [word, plain, calling] of endings) {
    it(`ends with ${JSON.stringify(word)} for ${plain}, or ${calling} after a call`, () => {
      const tool_calls = [{ id: "c", function: { name: "f", arguments: "{}" } }]
      assert.deepStrictEqual(said({}, word).at(-1), { _tag: "Finish", index: 0, reason: plain })
      assert.deepStrictEqual(said({ tool_calls }, word).at(-1), { _tag: "Finish", index: 0, reason: calling })
    })
  }
})
