import { assert, describe, it } from "@effect/vitest"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import type { FinishReason } from "../../../src/domain/FinishReason.js"
import * as AnswerOut from "../../../src/protocol/anthropic/AnswerOut.js"
import * as Json from "../../../src/protocol/Json.js"
import { finish, said } from "../../support/turns.js"
import { answering } from "./answering.js"

const nothing = { id: undefined, model: undefined, usage: undefined, reportedCost: undefined }

const encoded = (events: ReadonlyArray<ChatEvent>) => AnswerOut.encode({ ...nothing, events }, answering())

const content = (...events: ReadonlyArray<ChatEvent>) => encoded(events)["content"]

const call = (args: string, seal?: { readonly origin: string; readonly value: string }): ChatEvent => ({
  _tag: "ToolCall",
  index: 0,
  call: 0,
  id: "c1",
  name: "look",
  arguments: args,
  ...(seal === undefined ? {} : { seal })
})

describe("an answer in Anthropic's shape", () => {
  it("has every member that clients demand, also where the provider named nothing and counted nothing", () => {
    assert.deepStrictEqual(encoded([said("Hi"), finish("stop")]), {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m-1",
      content: [{ type: "text", text: "Hi" }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 }
    })
  })

  it("has the provider's own id and model, and counts thoughts inside the output and the cache beside the input", () => {
    const usage = { input: 1, cacheRead: 20, cacheWrite: 300, output: 4_000, reasoning: 50_000 }
    const answer = { ...nothing, id: "x-1", model: "m-2", events: [finish("stop")], usage }
    assert.deepInclude(AnswerOut.encode(answer, answering()), {
      id: "x-1",
      model: "m-2",
      content: [],
      usage: {
        input_tokens: 1,
        cache_creation_input_tokens: 300,
        cache_read_input_tokens: 20,
        output_tokens: 54_000,
        output_tokens_details: { thinking_tokens: 50_000 }
      }
    })
  })

  it("tells what was written for an hour, and counts sounds with the rest", () => {
    const usage = { input: 1, cacheRead: 20, cacheWrite: 300, output: 4, reasoning: 0 }
    const told = (special: object) => {
      const answer = { ...nothing, id: "x", model: "m", events: [finish("stop")], usage: { ...usage, ...special } }
      return AnswerOut.encode(answer, answering())["usage"]
    }
    assert.deepStrictEqual<unknown>(told({ cacheWrite1h: 50, inputAudio: 6, cacheReadAudio: 7, outputAudio: 8 }), {
      input_tokens: 7,
      cache_creation_input_tokens: 350,
      cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 50 },
      cache_read_input_tokens: 27,
      output_tokens: 12
    })
  })

  it("is the first of several choices", () => {
    const other: ChatEvent = { _tag: "Text", index: 1, text: "other" }
    assert.deepStrictEqual(content(other, said("first"), finish("stop")), [{ type: "text", text: "first" }])
  })

  it.each<readonly [FinishReason, string]>([
    ["stop", "end_turn"],
    ["length", "max_tokens"],
    ["tool_calls", "tool_use"],
    ["content_filter", "refusal"],
    ["refusal", "refusal"],
    ["pause", "pause_turn"],
    ["context_length", "model_context_window_exceeded"]
  ])("says of %s that it is %s", (reason, word) => {
    assert.deepInclude(encoded([finish(reason)]), { stop_reason: word, stop_sequence: null })
  })

  it("names the stop sequence that ended it", () => {
    const end: ChatEvent = { _tag: "Finish", index: 0, reason: "stop_sequence", sequence: "END" }
    assert.deepInclude(encoded([end]), { stop_reason: "stop_sequence", stop_sequence: "END" })
  })

  it("shows a refusal as text", () => {
    assert.deepStrictEqual(content({ _tag: "Refusal", index: 0, text: "No." }), [{ type: "text", text: "No." }])
  })

  it("has Anthropic's own seals as they are, others marked with their origin, and unsigned thoughts as nobody's", () => {
    const thought = (text: string): ChatEvent => ({ _tag: "Reasoning", index: 0, text })
    const sealed = (_tag: "Signature" | "Sealed", origin: string): ChatEvent => ({
      _tag,
      index: 0,
      seal: { origin, value: "s~1" }
    })
    assert.deepStrictEqual(
      content(
        thought("a"),
        sealed("Signature", "anthropic"),
        thought("b"),
        sealed("Signature", "gemini"),
        sealed("Sealed", "anthropic"),
        sealed("Sealed", "mine"),
        thought("c")
      ),
      [
        { type: "thinking", thinking: "a", signature: "s~1" },
        { type: "thinking", thinking: "b", signature: "orelse~gemini~s~1" },
        { type: "redacted_thinking", data: "s~1" },
        { type: "redacted_thinking", data: "orelse~mine~s~1" },
        { type: "thinking", thinking: "c", signature: "orelse~nobody~" }
      ]
    )
  })

  it("has the seal of a call as an empty thought before it", () => {
    assert.deepStrictEqual(content(call('{"at":1}', { origin: "gemini", value: "g" })), [
      { type: "thinking", thinking: "", signature: "orelse~gemini~g" },
      { type: "tool_use", id: "c1", name: "look", input: { at: 1 } }
    ])
  })

  it("has arguments as JSON whose big numbers are whole, none as an empty object, and no JSON object as it came", () => {
    const input = (args: string) => Json.record(Json.list(content(call(args)))[0])["input"]
    assert.strictEqual(Json.stringify(input('{"n":12345678901234567890}')), '{"n":12345678901234567890}')
    assert.deepStrictEqual(["", " ", "[1]", '{"half'].map(input), [
      {},
      {},
      { arguments: "[1]" },
      { arguments: '{"half' }
    ])
  })

  it("has ids of calls in Anthropic's alphabet, which is all that Anthropic takes back", () => {
    const odd = { _tag: "ToolCall", index: 0, call: 0, id: "functions.look:0", name: "look", arguments: "" } as const
    const [block] = Json.records(content(odd))
    assert.match(String(block?.["id"]), /^orelse_[\w-]+$/)
  })
})
