import { assert, describe, it } from "@effect/vitest"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import * as StreamOut from "../../../src/protocol/anthropic/StreamOut.js"
import { finish, said } from "../../support/turns.js"
import { answering, streamed } from "./answering.js"
import { reading } from "../../support/turns.js"
import { eventsIn, wrong } from "./order.js"

const events = (...all: ReadonlyArray<ChatEvent>) => eventsIn(streamed(all.map((event) => reading([event]))))

/** Type, index and what is new, of the events between a message's begin and its end. */
const blocks = (...all: ReadonlyArray<ChatEvent>) =>
  events(...all)
    .slice(1, -2)
    .map(({ content_block, delta, index, type }) => [
      String(type).replace("content_block_", ""),
      index,
      content_block ?? delta
    ])

const thought = (text: string): ChatEvent => ({ _tag: "Reasoning", index: 0, text })
const sealedBy = (_tag: "Signature" | "Sealed", origin: string): ChatEvent => ({
  _tag,
  index: 0,
  seal: { origin, value: "s" }
})

const call = (place: number, args: string, more: { readonly id?: string; readonly seal?: string } = {}): ChatEvent => ({
  _tag: "ToolCall",
  index: 0,
  call: place,
  id: more.id,
  name: more.id === undefined ? undefined : `tool-${more.id}`,
  arguments: args,
  ...(more.seal === undefined ? {} : { seal: { origin: "gemini", value: more.seal } })
})

const begun = (index: number, id: string) => ["start", index, { type: "tool_use", id, name: `tool-${id}`, input: {} }]
const piece = (index: number, partial_json: string) => ["delta", index, { type: "input_json_delta", partial_json }]
const stop = (index: number) => ["stop", index, undefined]
const textBegun = (index: number) => ["start", index, { type: "text", text: "" }]
const textPiece = (index: number, text: string) => ["delta", index, { type: "text_delta", text }]
const thoughtBegun = (index: number) => ["start", index, { type: "thinking", thinking: "", signature: "" }]
const thoughtPiece = (index: number, thinking: string) => ["delta", index, { type: "thinking_delta", thinking }]
const signed = (index: number, signature: string) => ["delta", index, { type: "signature_delta", signature }]

describe("a stream in Anthropic's shape", () => {
  it("begins with the message, and ends with why and what was used", () => {
    const usage = { input: 9, cacheRead: 1, cacheWrite: 2, output: 3, reasoning: 4 }
    const counted = {
      input_tokens: 9,
      cache_creation_input_tokens: 2,
      cache_read_input_tokens: 1,
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 4 }
    }
    const first = reading([said("Hi")], { id: "x-1", model: "m-2", usage: { ...usage, output: 0, reasoning: 0 } })
    assert.deepStrictEqual(eventsIn(streamed([first, reading([finish("length")])], usage)), [
      {
        type: "message_start",
        message: {
          id: "x-1",
          type: "message",
          role: "assistant",
          model: "m-2",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: {
            input_tokens: 9,
            cache_creation_input_tokens: 2,
            cache_read_input_tokens: 1,
            output_tokens: 0
          }
        }
      },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "max_tokens", stop_sequence: null }, usage: counted },
      { type: "message_stop" }
    ])
  })

  it("names each event as its data do, which is what clients go by", () => {
    const bytes = streamed([reading([said("Hi"), finish("stop")])]).toString()
    const named = [...bytes.matchAll(/^event: (\w+)\ndata: \{"type":"(\w+)"/gm)].map(([, event, type]) => [event, type])
    assert.strictEqual(named.length, bytes.split("\n\n").length - 1)
    for (const [event, type] of named) assert.strictEqual(event, type)
  })

  it("has an id and a model where the provider gives none, and says nothing before the model does", () => {
    const writer = StreamOut.writer(answering())
    assert.deepStrictEqual(writer.write(reading([])), [])
    const [begin] = eventsIn(Buffer.concat([...writer.write(reading([said("Hi")]))]))
    assert.deepInclude(begin?.["message"], { id: "msg_1", model: "m-1" })
  })

  it("begins and ends the message also where the model said nothing that the dialect has a word for", () => {
    assert.deepStrictEqual(wrong(eventsIn(streamed([]))), [])
    assert.deepStrictEqual(wrong(events({ _tag: "Text", index: 1, text: "another choice" })), [])
  })

  it("is the first of several choices", () => {
    const other: ChatEvent = { _tag: "Text", index: 1, text: "other" }
    const end: ChatEvent = { _tag: "Finish", index: 1, reason: "length" }
    assert.deepStrictEqual(events(said("a"), other, end, finish("stop")), events(said("a"), finish("stop")))
  })

  it("has a block for what is said in a row, and one after the other", () => {
    assert.deepStrictEqual(blocks(said("a"), said("b"), thought("c"), { _tag: "Refusal", index: 0, text: "d" }), [
      textBegun(0),
      textPiece(0, "a"),
      textPiece(0, "b"),
      stop(0),
      thoughtBegun(1),
      thoughtPiece(1, "c"),
      signed(1, "orelse~nobody~"),
      stop(1),
      textBegun(2),
      textPiece(2, "d"),
      stop(2)
    ])
  })

  it("ends a thought with its signature: Anthropic's own as it is, another's marked, nobody's as such", () => {
    assert.deepStrictEqual(
      blocks(
        thought("a"),
        sealedBy("Signature", "anthropic"),
        thought("b"),
        sealedBy("Signature", "mine"),
        sealedBy("Signature", "mine")
      ),
      [
        thoughtBegun(0),
        thoughtPiece(0, "a"),
        signed(0, "s"),
        stop(0),
        thoughtBegun(1),
        thoughtPiece(1, "b"),
        signed(1, "orelse~mine~s"),
        stop(1),
        thoughtBegun(2),
        signed(2, "orelse~mine~s"),
        stop(2)
      ]
    )
  })

  it("has a sealed thought as one block", () => {
    assert.deepStrictEqual(blocks(said("a"), sealedBy("Sealed", "mine"), sealedBy("Sealed", "anthropic")), [
      textBegun(0),
      textPiece(0, "a"),
      stop(0),
      ["start", 1, { type: "redacted_thinking", data: "orelse~mine~s" }],
      stop(1),
      ["start", 2, { type: "redacted_thinking", data: "s" }],
      stop(2)
    ])
  })

  it("has the seal of a call as an empty thought before it", () => {
    assert.deepStrictEqual(blocks(call(0, "{}", { id: "a", seal: "g" })), [
      thoughtBegun(0),
      signed(0, "orelse~gemini~g"),
      stop(0),
      begun(1, "a"),
      piece(1, "{}"),
      stop(1)
    ])
  })

  it("does not sign the thought before a call with the seal of the call", () => {
    assert.deepStrictEqual(blocks(thought("hm"), call(0, "{}", { id: "a", seal: "g" })), [
      thoughtBegun(0),
      thoughtPiece(0, "hm"),
      signed(0, "orelse~nobody~"),
      stop(0),
      thoughtBegun(1),
      signed(1, "orelse~gemini~g"),
      stop(1),
      begun(2, "a"),
      piece(2, "{}"),
      stop(2)
    ])
  })

  it("ends a call that is whole before the next one begins", () => {
    assert.deepStrictEqual(
      blocks(
        said("a"),
        call(0, "", { id: "a" }),
        call(0, '{"x":'),
        call(0, "1}"),
        call(1, "{}", { id: "b" }),
        said("b")
      ),
      [
        textBegun(0),
        textPiece(0, "a"),
        stop(0),
        begun(1, "a"),
        piece(1, '{"x":'),
        piece(1, "1}"),
        stop(1),
        begun(2, "b"),
        piece(2, "{}"),
        stop(2),
        textBegun(3),
        textPiece(3, "b"),
        stop(3)
      ]
    )
  })

  it("keeps a call open of which only a half was said, and loses nothing of it", () => {
    assert.deepStrictEqual(
      blocks(call(0, '{"x":', { id: "a" }), call(1, "{}", { id: "b" }), said("b"), call(0, "1}"), said("c")),
      [
        begun(0, "a"),
        piece(0, '{"x":'),
        begun(1, "b"),
        piece(1, "{}"),
        stop(1),
        textBegun(2),
        textPiece(2, "b"),
        piece(0, "1}"),
        textPiece(2, "c"),
        stop(2),
        stop(0)
      ]
    )
  })

  it("has ids of calls in Anthropic's alphabet, which is all that Anthropic takes back", () => {
    const [start] = blocks(call(0, "{}", { id: "functions.look:0" }))
    assert.match(JSON.stringify(start), /"id":"orelse_[\w-]+"/)
  })

  it("ends for its calls where the provider does not say why it ended", () => {
    const reason = (...all: ReadonlyArray<ChatEvent>) => events(...all).at(-2)?.["delta"]
    assert.deepStrictEqual(reason(call(0, "{}", { id: "a" })), { stop_reason: "tool_use", stop_sequence: null })
    assert.deepStrictEqual(reason(said("a")), { stop_reason: "end_turn", stop_sequence: null })
    assert.deepStrictEqual(reason({ _tag: "Finish", index: 0, reason: "stop_sequence", sequence: "END" }), {
      stop_reason: "stop_sequence",
      stop_sequence: "END"
    })
  })

  it("shows other values in a ping, and says that it is alive by one", () => {
    const shown = eventsIn(StreamOut.memberFrame("orelse", { attempts: [] }))
    assert.deepStrictEqual(shown, [{ type: "ping", orelse: { attempts: [] } }])
    assert.deepStrictEqual(eventsIn(Buffer.concat([...StreamOut.writer(answering()).ping])), [{ type: "ping" }])
  })
})
