import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Json from "../../../src/protocol/Json.js"
import * as AnswerIn from "../../../src/protocol/anthropic/AnswerIn.js"
import * as StreamIn from "../../../src/protocol/anthropic/StreamIn.js"
import { hostile, incoming, readAll, usageOf } from "../../support/turns.js"
import { members, merged, message, spoken } from "./answers.js"

const readings = (...frames: ReadonlyArray<object>) =>
  readAll(
    StreamIn.reader(incoming()),
    frames.map((frame) => JSON.stringify(frame))
  )

const start = (id: string, more: object = {}) => ({ type: "message_start", message: { id, content: [], ...more } })
const begin = (index: number, content_block: object) => ({ type: "content_block_start", index, content_block })
const piece = (index: number, delta: object) => ({ type: "content_block_delta", index, delta })
const end = (index: number) => ({ type: "content_block_stop", index })
const ended = (stop_reason: string | null, usage: object = {}) => ({
  type: "message_delta",
  delta: { stop_reason },
  usage
})
const stop = { type: "message_stop" }

const words = (index: number, text: string) => piece(index, { type: "text_delta", text })
const json = (index: number, partial_json: string) => piece(index, { type: "input_json_delta", partial_json })
const said = (...frames: ReadonlyArray<object>): ReadonlyArray<unknown> => spoken(readings(...frames))
const text = (value: string) => ({ _tag: "Text", index: 0, text: value })
const finish = (reason: string) => ({ _tag: "Finish", index: 0, reason })
const called = (call: number, id: string | undefined, name: string | undefined, args: string) => ({
  _tag: "ToolCall",
  index: 0,
  call,
  id,
  name,
  arguments: args
})

const seal = (value: string) => ({ origin: "here", value })

describe("A stream of Anthropic", () => {
  it("names itself at its start, and is done at its stop", () => {
    const all = readings(start("msg_1", { model: "claude-opus-5" }), { type: "ping" }, ended("end_turn"), stop)
    assert.deepStrictEqual(
      all.map(({ choices, done, id, model }) => [id, model, choices, done]),
      [
        ["msg_1", "claude-opus-5", [0], false],
        [undefined, undefined, [], false],
        [undefined, undefined, [0], false],
        [undefined, undefined, [0], true]
      ]
    )
    assert.deepStrictEqual<unknown>(spoken(all), [finish("stop")])
  })

  it("gives the frame for whoever passes it on", () => {
    const frame = begin(0, { type: "server_tool_use", name: "web_search" })
    assert.deepStrictEqual<unknown>(
      readings(frame, { type: "newer_than_this" }).map((reading) => reading.json),
      [frame, { type: "newer_than_this" }]
    )
  })

  it("says text in pieces, those in the start of a block too", () => {
    assert.deepStrictEqual(
      said(start("a"), begin(0, { type: "text", text: "H" }), words(0, "i"), words(0, ""), end(0), ended("max_tokens")),
      [text("H"), text("i"), finish("length")]
    )
  })

  it("says a thought and then its signature, whenever that came", () => {
    const frames = [
      begin(0, { type: "thinking", thinking: "h", signature: "old" }),
      piece(0, { type: "signature_delta", signature: "s" }),
      piece(0, { type: "thinking_delta", thinking: "m" }),
      end(0),
      begin(1, { type: "redacted_thinking", data: "d" }),
      end(1)
    ]
    assert.deepStrictEqual(said(...frames), [
      { _tag: "Reasoning", index: 0, text: "h" },
      { _tag: "Reasoning", index: 0, text: "m" },
      { _tag: "Signature", index: 0, seal: seal("s") },
      { _tag: "Sealed", index: 0, seal: seal("d") }
    ])
  })

  it("says the calls of tools in pieces, and counts them whatever is between", () => {
    const frames = [
      begin(0, { type: "tool_use", id: "a", name: "f", input: {} }),
      json(0, ""),
      json(0, '{"x"'),
      json(0, ":1}"),
      end(0),
      begin(1, { type: "server_tool_use", id: "b", name: "web_search", input: {} }),
      json(1, '{"query":"x"}'),
      end(1),
      begin(2, { type: "tool_use", id: "c", name: "g", input: {} }),
      end(2),
      ended("tool_use")
    ]
    assert.deepStrictEqual(said(...frames), [
      called(0, "a", "f", ""),
      called(0, undefined, undefined, '{"x"'),
      called(0, undefined, undefined, ":1}"),
      called(1, "c", "g", ""),
      called(1, undefined, undefined, "{}"),
      finish("tool_calls")
    ])
  })

  it("takes the input in the start of a call where no piece comes, also when the call is never closed", () => {
    const call = begin(0, { type: "tool_use", id: "a", name: "f", input: { x: 1 } })
    const whole = [called(0, "a", "f", ""), called(0, undefined, undefined, '{"x":1}')]
    assert.deepStrictEqual(said(call, end(0)), whole)
    assert.deepStrictEqual(said(call, ended("tool_use")), [...whole, finish("tool_calls")])
    assert.deepStrictEqual(said(call, json(0, "{}"), end(0))[1], called(0, undefined, undefined, "{}"))
  })

  it("takes the start of another block as the end of the one in its place", () => {
    const first = begin(0, { type: "tool_use", id: "a", name: "f", input: {} })
    assert.deepStrictEqual(said(first, begin(0, { type: "text", text: "b" })), [
      called(0, "a", "f", ""),
      called(0, undefined, undefined, "{}"),
      text("b")
    ])
  })

  it("reads the blocks that a message begins with", () => {
    const content = [{ type: "tool_use", id: "a", name: "f", input: { x: 1 } }]
    const next = begin(0, { type: "tool_use", id: "b", name: "g", input: {} })
    assert.deepStrictEqual(said(start("m", { content }), next), [
      called(0, "a", "f", '{"x":1}'),
      called(1, "b", "g", "")
    ])
  })

  it("ends once, and with its stop where nobody said why", () => {
    assert.deepStrictEqual(said(start("a"), ended("refusal"), ended("end_turn"), stop), [finish("refusal")])
    assert.deepStrictEqual(said(start("a"), begin(0, { type: "text", text: "a" }), ended(null), stop), [
      text("a"),
      { _tag: "Finish", index: 0, reason: "stop", assumed: true }
    ])
    assert.deepStrictEqual(said(stop), [])
  })

  it("says which stop sequence it was", () => {
    const delta = { stop_reason: "stop_sequence", stop_sequence: "END" }
    assert.deepStrictEqual(said({ type: "message_delta", delta }), [{ ...finish("stop_sequence"), sequence: "END" }])
  })

  it("goes on over what is no frame of it", () => {
    const reader = StreamIn.reader(incoming())
    for (const data of ["", "{", "[1]", "null", "[DONE]", "{}"]) assert.isUndefined(reader.read(data, undefined))
    assert.deepStrictEqual<unknown>(reader.read('{"type":"odd"}', "odd")?.events, [])
  })

  it("is known by its event where the data do not say", () => {
    const reading = StreamIn.reader(incoming()).read(
      '{"index":0,"delta":{"type":"text_delta","text":"a"}}',
      "content_block_delta"
    )
    assert.deepStrictEqual<unknown>(reading?.events, [text("a")])
  })
})

describe("The usage of a stream of Anthropic", () => {
  const usage = { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 7, output_tokens: 1 }

  it("is what was counted last, member by member", () => {
    const all = readings(
      start("a", { usage }),
      ended("end_turn", { input_tokens: 12, cache_read_input_tokens: null, output_tokens: 40 }),
      ended(null, { output_tokens: 50, output_tokens_details: { thinking_tokens: 20 } })
    )
    assert.deepStrictEqual(
      all.map((reading) => reading.usage),
      [
        { input: 10, cacheRead: 5, cacheWrite: 7, output: 1, reasoning: 0 },
        { input: 12, cacheRead: 5, cacheWrite: 7, output: 40, reasoning: 0 },
        { input: 12, cacheRead: 5, cacheWrite: 7, output: 30, reasoning: 20 }
      ]
    )
  })

  it("is not told where nothing was counted", () => {
    const all = readings(start("a"), ended("end_turn"), { type: "message_delta", delta: {} })
    assert.deepStrictEqual(
      all.map((reading) => reading.usage),
      [undefined, undefined, undefined]
    )
  })
})

describe("An error in a stream of Anthropic", () => {
  const failure = (data: string, event?: string) => StreamIn.reader(incoming()).read(data, event)?.failure

  it("is a failure of the kind that it names", () => {
    const frame = (type: string) => JSON.stringify({ type: "error", error: { type, message: "No." } })
    assert.strictEqual(failure(frame("overloaded_error"))?.category, "provider_unavailable")
    assert.strictEqual(failure(frame("rate_limit_error"))?.category, "rate_limit")
    assert.strictEqual(failure(frame("invalid_request_error"))?.category, "invalid_request")
  })

  it("is one whatever it says, by its event or by its members", () => {
    for (const data of ["", "{", "null", '"Overloaded"', '{"message":"Overloaded"}']) {
      assert.strictEqual(failure(data, "error")?.category, "provider_unavailable")
    }
    assert.strictEqual(failure('{"error":{"type":"rate_limit_error"}}')?.category, "rate_limit")
    assert.isUndefined(failure('{"type":"content_block_delta","delta":{},"error":{"type":"x"}}'))
  })
})

describe("A message of Anthropic that begins again", () => {
  it("is the same where it has the same id", () => {
    const call = begin(0, { type: "tool_use", id: "a", name: "f", input: {} })
    const all = readings(start("m"), start("m"), call, start("m"), json(0, "{}"), end(0), ended("tool_use"))
    assert.deepStrictEqual<unknown>(merged(spoken(all)), [called(0, "a", "f", "{}"), finish("tool_calls")])
    assert.isTrue(all.every((reading) => reading.failure === undefined))
  })

  it("is another one otherwise: what was said stays, and calls count on", () => {
    const all = readings(
      start("m", { usage: { input_tokens: 1, output_tokens: 1 } }),
      begin(0, { type: "tool_use", id: "a", name: "f", input: {} }),
      end(0),
      begin(1, { type: "thinking", thinking: "hm", signature: "s" }),
      start("n", { usage: { input_tokens: 2 } }),
      begin(0, { type: "tool_use", id: "b", name: "g", input: {} }),
      end(0),
      ended("tool_use")
    )
    assert.deepStrictEqual<unknown>(merged(spoken(all)), [
      called(0, "a", "f", "{}"),
      { _tag: "Reasoning", index: 0, text: "hm" },
      { _tag: "Signature", index: 0, seal: seal("s") },
      called(1, "b", "g", "{}"),
      finish("tool_calls")
    ])
    assert.deepInclude(usageOf(all), { input: 2, output: 0 })
  })

  it("is a failure inside a call, half of which the caller has", () => {
    const half = [begin(0, { type: "tool_use", id: "a", name: "f", input: {} }), json(0, '{"x')]
    const last = readings(start("m"), ...half, start("n")).at(-1)
    assert.strictEqual(last?.failure?.category, "malformed_response")
  })
})

type Message = typeof message extends FastCheck.Arbitrary<infer A> ? A : never

describe("Every stream of Anthropic", () => {
  /** A message as the frames that would have brought it, its texts cut somewhere. */
  const streamed = ({ content, stop_reason, stop_sequence, usage, ...named }: Message, at: number) => {
    const cut = (value: string) => [value.slice(0, at), value.slice(at)]
    const frames = content.flatMap((block, index) => {
      const member = "text" in block ? "text" : "thinking" in block ? "thinking" : undefined
      if (member === undefined && !("input" in block)) return [begin(index, block), end(index)]
      const empty = { ...block, ...(member === undefined ? { input: {} } : { [member]: "" }), signature: "" }
      const pieces =
        "input" in block
          ? cut(JSON.stringify(block.input)).map((part) => json(index, part))
          : "text" in block
            ? cut(block.text).map((part) => words(index, part))
            : "thinking" in block
              ? [
                  ...cut(block.thinking).map((thinking) => piece(index, { type: "thinking_delta", thinking })),
                  piece(index, { type: "signature_delta", signature: block.signature })
                ]
              : []
      return [begin(index, empty), ...pieces, end(index)]
    })
    return [
      { type: "message_start", message: { ...named, content: [], usage: { ...usage, output_tokens: 1 } } },
      ...frames,
      { type: "message_delta", delta: { stop_reason, stop_sequence }, usage },
      stop
    ]
  }

  it("says and counts what the same message says whole", () => {
    FastCheck.assert(
      FastCheck.property(message, FastCheck.nat({ max: 20 }), (whole, at) => {
        const all = readings(...streamed(whole, at))
        const decoded = AnswerIn.decode(whole, incoming())
        assert.deepStrictEqual(merged(spoken(all)), merged(decoded?.events ?? []))
        assert.deepStrictEqual(usageOf(all), decoded?.usage)
        assert.deepStrictEqual([all[0]?.id, all[0]?.model], [decoded?.id, decoded?.model])
      })
    )
  })

  it("is read whatever is in it", () => {
    const types = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"]
    const frame = FastCheck.tuple(FastCheck.constantFrom(...types, "message_stop", "ping", "odd"), hostile(members))
    FastCheck.assert(
      FastCheck.property(FastCheck.array(frame, { maxLength: 12 }), (frames) => {
        const reader = StreamIn.reader(incoming())
        const all = frames.map(([type, data]) =>
          reader.read(Json.stringify({ ...Json.record(Json.parse(data)), type }), type)
        )
        const finishes = all.flatMap((reading) => reading?.events ?? []).filter(({ _tag }) => _tag === "Finish")
        assert.isAtMost(finishes.length, 1)
      })
    )
  })
})
