import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Json from "../../../src/protocol/Json.js"
import * as AnswerIn from "../../../src/protocol/anthropic/AnswerIn.js"
import { hostile, incoming } from "../../support/turns.js"
import { members } from "./answers.js"

const decode = (json: unknown) => AnswerIn.decode(Json.record(json), incoming())
const events = (content: ReadonlyArray<unknown>, more: object = {}) => decode({ content, ...more })?.events
const stop = { _tag: "Finish", index: 0, reason: "stop" }
const seal = (value: string) => ({ origin: "here", value })

describe("A message of Anthropic", () => {
  it("says text, thoughts and calls in their order, and why it ended", () => {
    const content = [
      { type: "thinking", thinking: "hm", signature: "s" },
      { type: "redacted_thinking", data: "d" },
      { type: "text", text: "hi", citations: null },
      { type: "tool_use", id: "toolu_1", name: "look", input: { at: "x" } },
      { type: "tool_use", id: "toolu_2", name: "wait", input: {} }
    ]
    assert.deepStrictEqual<unknown>(events(content, { stop_reason: "tool_use" }), [
      { _tag: "Reasoning", index: 0, text: "hm" },
      { _tag: "Signature", index: 0, seal: seal("s") },
      { _tag: "Sealed", index: 0, seal: seal("d") },
      { _tag: "Text", index: 0, text: "hi" },
      { _tag: "ToolCall", index: 0, call: 0, id: "toolu_1", name: "look", arguments: '{"at":"x"}' },
      { _tag: "ToolCall", index: 0, call: 1, id: "toolu_2", name: "wait", arguments: "{}" },
      { _tag: "Finish", index: 0, reason: "tool_calls" }
    ])
  })

  it("names itself and its model", () => {
    assert.deepInclude(decode({ content: [], id: "msg_1", model: "claude-opus-5" }), {
      id: "msg_1",
      model: "claude-opus-5",
      reportedCost: undefined
    })
  })

  it("keeps big numbers in the input of a tool", () => {
    const text = '{"content":[{"type":"tool_use","id":"a","name":"f","input":{"n":12345678901234567890}}]}'
    const [call] = decode(Json.parse(text))?.events ?? []
    assert.strictEqual(call?._tag === "ToolCall" && call.arguments, '{"n":12345678901234567890}')
  })

  it("gives an id to a call that has none, and has no call of no tool", () => {
    const [call, other, ...rest] =
      events([
        { type: "tool_use", name: "f" },
        { type: "tool_use", id: "", name: "g", input: { x: 1 } },
        { type: "tool_use", id: "a", input: {} },
        { type: "tool_use", id: "b", name: "", input: {} }
      ]) ?? []
    assert.deepInclude(call, { id: "toolu_1", call: 0, arguments: "{}" })
    assert.deepInclude(other, { id: "toolu_2", call: 1, arguments: '{"x":1}' })
    assert.deepStrictEqual<unknown>(rest, [{ ...stop, assumed: true }])
  })

  it("says nothing of what Anthropic's own tools did", () => {
    const content = [
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "x" } },
      { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] },
      { type: "mcp_tool_use", id: "mcptoolu_1", name: "f", server_name: "s", input: {} },
      { type: "mcp_tool_result", tool_use_id: "mcptoolu_1", content: [{ type: "text", text: "x" }] },
      { type: "compaction", content: "x" },
      { type: "fallback", from: { model: "a" }, to: { model: "b" } },
      { type: "thinking", thinking: "", signature: "" },
      { type: "text", text: "" }
    ]
    assert.deepStrictEqual<unknown>(events(content, { stop_reason: "end_turn" }), [stop])
  })

  it.each([
    ["end_turn", "stop"],
    ["max_tokens", "length"],
    ["stop_sequence", "stop_sequence"],
    ["tool_use", "tool_calls"],
    ["pause_turn", "pause"],
    ["compaction", "pause"],
    ["refusal", "refusal"],
    ["model_context_window_exceeded", "context_length"]
  ])("that ended with %s is finished with %s", (stop_reason, reason) => {
    assert.deepStrictEqual<unknown>(events([], { stop_reason }), [{ ...stop, reason }])
  })

  it.each([null, undefined, "constructor"])(
    "that ended with %s is finished as with end_turn, which is told",
    (word) => {
      assert.deepStrictEqual<unknown>(events([], { stop_reason: word }), [{ ...stop, assumed: true }])
    }
  )

  it("says which stop sequence it was", () => {
    const [finish] = events([], { stop_reason: "stop_sequence", stop_sequence: "END" }) ?? []
    assert.deepStrictEqual<unknown>(finish, { ...stop, reason: "stop_sequence", sequence: "END" })
  })

  it("that is refused says what came before, and no more", () => {
    const refused = { stop_reason: "refusal", stop_details: { type: "refusal", explanation: "no" } }
    assert.deepStrictEqual<unknown>(events([{ type: "text", text: "Well" }], refused), [
      { _tag: "Text", index: 0, text: "Well" },
      { ...stop, reason: "refusal" }
    ])
  })

  it("is none without content", () => {
    assert.isUndefined(decode({ type: "message", id: "msg_1" }))
    assert.isUndefined(decode({ content: "hi" }))
  })

  it("is read whatever is in it", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(hostile(members), { maxLength: 4 }), hostile(members), (content, usage) => {
        const json = { content: content.map((block) => JSON.parse(block)), usage: JSON.parse(usage) }
        assert.strictEqual(decode(json)?.events.at(-1)?._tag, "Finish")
      })
    )
    const deep = `{"content":[{"type":"tool_use","name":"f","input":${"[".repeat(50_000)}${"]".repeat(50_000)}}]}`
    assert.isDefined(decode(Json.parsed(deep)))
  })
})

describe("The usage in a message of Anthropic", () => {
  const usage = (counted: object) => decode({ content: [], usage: counted })?.usage

  it("counts every token once: cached ones beside the input, thoughts inside the output", () => {
    const counted = {
      input_tokens: 10,
      cache_read_input_tokens: 20,
      cache_creation_input_tokens: 30,
      output_tokens: 40,
      output_tokens_details: { thinking_tokens: 15 },
      iterations: [{ type: "message", input_tokens: 10, output_tokens: 40 }]
    }
    assert.deepStrictEqual(usage(counted), { input: 10, cacheRead: 20, cacheWrite: 30, output: 25, reasoning: 15 })
  })

  it("counts what is written for an hour apart, inside all that is written", () => {
    const written = (counted: object) => {
      const { cacheWrite, cacheWrite1h } = usage({ input_tokens: 1, output_tokens: 1, ...counted }) ?? {}
      return [cacheWrite, cacheWrite1h]
    }
    const parts = { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 }
    assert.deepStrictEqual(written({ cache_creation_input_tokens: 248, cache_creation: parts }), [148, 100])
    assert.deepStrictEqual(written({ cache_creation: parts }), [148, 100])
    // The sum stands.
    assert.deepStrictEqual(written({ cache_creation_input_tokens: 50, cache_creation: parts }), [0, 50])
    assert.deepStrictEqual(written({ cache_creation_input_tokens: 50, cache_creation: null }), [50, undefined])
  })

  it("counts a compaction too, which Anthropic counts beside the rest, but nothing of another model", () => {
    const counted = {
      input_tokens: 10,
      output_tokens: 4,
      iterations: [
        { type: "compaction", input_tokens: 100, cache_creation_input_tokens: 1_000, output_tokens: 50 },
        { type: "message", input_tokens: 10, output_tokens: 4 },
        { type: "advisor_message", model: "another", input_tokens: 500, output_tokens: 500 }
      ]
    }
    assert.deepStrictEqual(usage(counted), { input: 110, cacheRead: 0, cacheWrite: 1_000, output: 54, reasoning: 0 })
  })

  it("is not known where nothing is counted", () => {
    assert.isUndefined(usage({}))
    assert.isUndefined(usage({ input_tokens: null, service_tier: "standard" }))
    assert.deepStrictEqual(usage({ output_tokens: 3, output_tokens_details: { thinking_tokens: 9 } }), {
      input: 0,
      cacheRead: 0,
      cacheWrite: 0,
      output: 0,
      reasoning: 3
    })
  })
})
