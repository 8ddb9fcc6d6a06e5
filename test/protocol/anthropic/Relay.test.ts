import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Anthropic from "../../../src/protocol/anthropic/Anthropic.js"
import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Sse from "../../../src/protocol/Sse.js"
import { sizes } from "../../support/chunks.js"
import { passed } from "../../support/passing.js"
import { eventsIn, wrong } from "./order.js"

const frame = (json: JsonObject): Buffer => Sse.encode(JSON.stringify(json), String(json["type"]))

const begin = (id?: string) =>
  frame({
    type: "message_start",
    message: { id, type: "message", role: "assistant", model: "claude-x", content: [], usage: { input_tokens: 3 } }
  })
const start = (index: number, content_block: object) => frame({ type: "content_block_start", index, content_block })
const delta = (index: number, piece: object) => frame({ type: "content_block_delta", index, delta: piece })
const stop = (index: number) => frame({ type: "content_block_stop", index })
const text = (index: number) => start(index, { type: "text", text: "" })
const says = (index: number, words: string) => delta(index, { type: "text_delta", text: words })
const thinks = (index: number) => start(index, { type: "thinking", thinking: "", signature: "" })
const thought = (index: number, thinking: string) => delta(index, { type: "thinking_delta", thinking })
const signed = (index: number, signature: string) => delta(index, { type: "signature_delta", signature })
const sealed = (index: number, data: string) => start(index, { type: "redacted_thinking", data })
const call = (index: number) => start(index, { type: "tool_use", id: "t", name: "look", input: {} })
const args = (index: number, partial_json: string) => delta(index, { type: "input_json_delta", partial_json })
const finish = frame({
  type: "message_delta",
  delta: { stop_reason: "end_turn", stop_sequence: null },
  usage: { output_tokens: 5 }
})
const end = frame({ type: "message_stop" })
const ping = frame({ type: "ping" })

/** A stream of Anthropic's to a caller of Anthropic's. The end itself is the handler's to write. */
const relayed = (frames: ReadonlyArray<Buffer>, realm = "anthropic", cuts?: ReadonlyArray<number>) => {
  const bytes = Buffer.concat(frames)
  const { category, released, verdict } = passed("anthropic-messages", "anthropic-messages", bytes, {
    realm,
    ...(cuts === undefined ? {} : { sizes: cuts })
  })
  return { verdict, category, text: released.toString(), events: eventsIn(released) }
}

const joined = (...frames: ReadonlyArray<Buffer>): string => Buffer.concat(frames).toString()

/** Events without what does not tell them apart. */
const short = (events: ReadonlyArray<JsonObject>) =>
  events.map(({ content_block, delta: piece, index, type }) => [type, index, piece ?? content_block])

const whole = [
  begin("msg_1"),
  thinks(0),
  thought(0, "hm"),
  ping,
  signed(0, "s"),
  stop(0),
  text(1),
  says(1, "Hello"),
  says(1, ' "type": "signature_delta" \u2028}'),
  stop(1),
  sealed(2, "d"),
  stop(2),
  call(3),
  args(3, '{"a":'),
  args(3, "1}"),
  stop(3),
  finish
]

describe("a stream of Anthropic's to a caller of Anthropic's", () => {
  it("passes on byte for byte, but for its end, which is written when the gateway knows that it is one", () => {
    const { text: got, verdict } = relayed([...whole, end])
    assert.strictEqual(got, joined(...whole))
    assert.strictEqual(verdict, "done")
    assert.deepStrictEqual(wrong(eventsIn(Buffer.concat([...whole, Anthropic.front.end]))), [])
  })

  it("does not hold pings back with its beginning, until something is said", () => {
    const alive = Array.from({ length: 200 }, () => ping)
    const [first, ...rest] = whole
    assert.deepInclude(relayed([...alive, ...(first === undefined ? [] : [first]), ...alive, ...rest]), {
      text: joined(...whole),
      verdict: "done"
    })
  })

  it("keeps white space, unknown fields, comments, other line ends and events that nobody knows", () => {
    const odd = [
      Buffer.from(`event: message_start\r\ndata: {"type": "message_start", "message": {"id": "m"}}\r\n\r\n`),
      Buffer.from(
        `id: 7\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n`
      ),
      Buffer.from(
        `event: content_block_delta\ndata: {"index": 0, "type": "content_block_delta", "delta": {"text":"a","type": "text_delta"}, "n": 12345678901234567890}\n\n`
      ),
      Buffer.from(": still here\n\n"),
      Buffer.from(
        `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}}\n\n`
      ),
      Buffer.from(`event: vendor_note\ndata: {"type":"vendor_note","x":1e400}\n\n`),
      stop(0),
      finish
    ]
    assert.strictEqual(relayed([...odd, end]).text, joined(...odd))
  })

  it("is the same however its bytes are cut", () => {
    FastCheck.assert(
      FastCheck.property(sizes, FastCheck.constantFrom("anthropic", "mine"), (cuts, realm) => {
        assert.deepStrictEqual(relayed([...whole, end], realm, cuts), relayed([...whole, end], realm))
      })
    )
  })

  it("ends well without its end mark, once it said why it ended, and not before", () => {
    assert.strictEqual(relayed(whole).verdict, "done")
    assert.deepInclude(relayed(whole.slice(0, -1)), { verdict: "failed", category: "malformed_response" })
  })

  it("loses frames that are no JSON, of which clients die", () => {
    const noise = [
      Buffer.from('event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n'),
      Buffer.from("data: <html>\n\n")
    ]
    assert.strictEqual(relayed(whole.flatMap((each) => [each, ...noise])).text, joined(...whole))
  })
})

describe("a message of Anthropic's that is told twice", () => {
  it("is told once where the very same one begins again, wherever that is", () => {
    for (const at of [1, 4, 8, 14]) {
      const twice = [...whole.slice(0, at), begin("msg_1"), ...whole.slice(at)]
      assert.deepInclude(relayed(twice), { text: joined(...whole), verdict: "done" })
    }
  })

  it("goes on in new blocks where another one begins, when the open one has ended", () => {
    const frames = [
      begin("a"),
      text(0),
      says(0, "He"),
      begin("b"),
      text(0),
      says(0, "Hello"),
      stop(0),
      call(1),
      args(1, "{}"),
      stop(1),
      finish
    ]
    const { events, verdict } = relayed(frames)
    assert.strictEqual(verdict, "done")
    assert.deepStrictEqual(wrong([...events, { type: "message_stop" }]), [])
    assert.deepStrictEqual(short(events.slice(1, -1)), [
      ["content_block_start", 0, { type: "text", text: "" }],
      ["content_block_delta", 0, { type: "text_delta", text: "He" }],
      ["content_block_stop", 0, undefined],
      ["content_block_start", 1, { type: "text", text: "" }],
      ["content_block_delta", 1, { type: "text_delta", text: "Hello" }],
      ["content_block_stop", 1, undefined],
      ["content_block_start", 2, { type: "tool_use", id: "t", name: "look", input: {} }],
      ["content_block_delta", 2, { type: "input_json_delta", partial_json: "{}" }],
      ["content_block_stop", 2, undefined]
    ])
  })

  it("is another one where neither has an id, and may begin anew more than once", () => {
    const part = [text(0), says(0, "a"), stop(0)]
    const { events } = relayed([begin(), ...part, begin(), ...part, begin("c"), ...part, finish])
    assert.deepStrictEqual(wrong([...events, { type: "message_stop" }]), [])
    const indices = events.filter(({ type }) => type === "content_block_start").map(({ index }) => index)
    assert.deepStrictEqual(indices, [0, 1, 2])
  })

  it("fails inside a half tool call, which must not be made and cannot be taken back", () => {
    const half = [begin("a"), call(0), args(0, '{"x":'), begin("b"), text(0), says(0, "b"), stop(0), finish, end]
    const { category, text: got, verdict } = relayed(half)
    assert.deepStrictEqual([verdict, category], ["failed", "malformed_response"])
    assert.strictEqual(got, joined(...half.slice(0, 3)))
  })

  it("goes on behind a tool call that is whole", () => {
    const frames = [begin("a"), call(0), args(0, "{}"), stop(0), begin("b"), text(0), says(0, "b"), stop(0), finish]
    assert.strictEqual(relayed(frames).verdict, "done")
  })
})

describe("the seals in a stream of another endpoint", () => {
  it("are marked with their origin, and unsigned thoughts with nobody", () => {
    const frames = [
      begin("a"),
      thinks(0),
      thought(0, "hm"),
      signed(0, "s"),
      stop(0),
      thinks(1),
      thought(1, "so"),
      stop(1),
      start(2, { type: "thinking", thinking: "", signature: "t" }),
      stop(2),
      sealed(3, "d"),
      stop(3),
      finish
    ]
    const { events } = relayed(frames, "mine")
    assert.deepStrictEqual(wrong([...events, { type: "message_stop" }]), [])
    const marked = [
      begin("a"),
      thinks(0),
      thought(0, "hm"),
      signed(0, "orelse~mine~s"),
      stop(0),
      thinks(1),
      thought(1, "so"),
      signed(1, "orelse~nobody~"),
      stop(1),
      start(2, { type: "thinking", thinking: "", signature: "orelse~mine~t" }),
      stop(2),
      sealed(3, "orelse~mine~d"),
      stop(3),
      finish
    ]
    assert.deepStrictEqual(events, eventsIn(Buffer.concat(marked)))
  })

  it("are in their places too when the message began anew", () => {
    const frames = [
      begin("a"),
      text(0),
      says(0, "a"),
      begin("b"),
      thinks(0),
      signed(0, "s"),
      stop(0),
      sealed(1, "d"),
      stop(1),
      finish
    ]
    const { events } = relayed(frames, "mine")
    assert.deepStrictEqual(short(events.slice(4, -1)), [
      ["content_block_start", 1, { type: "thinking", thinking: "", signature: "" }],
      ["content_block_delta", 1, { type: "signature_delta", signature: "orelse~mine~s" }],
      ["content_block_stop", 1, undefined],
      ["content_block_start", 2, { type: "redacted_thinking", data: "orelse~mine~d" }],
      ["content_block_stop", 2, undefined]
    ])
  })
})
