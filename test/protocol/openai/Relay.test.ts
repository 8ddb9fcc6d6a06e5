import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Fold from "../../../src/protocol/Fold.js"
import * as Sse from "../../../src/protocol/Sse.js"
import * as Translation from "../../../src/protocol/Translation.js"
import { chunk, comment, done, frame, role, says, sizes, stop, tokens, usageOnly } from "../../support/chunks.js"
import { join, run } from "../../support/machine.js"
import { callingStream, put, stream } from "./answers.js"

const inDelta = "choices.0.delta"
const inPiece = `${inDelta}.tool_calls.0`

const framesIn = (text: string): ReadonlyArray<Buffer> => new Sse.FrameSplitter().push(Buffer.from(text)) ?? []

const jsonIn = (text: string): ReadonlyArray<unknown> => framesIn(text).map((each) => JSON.parse(Sse.data(each) ?? "0"))

/** The choices that a caller of OpenAI's dialect reads. */
const heard = (text: string) => Fold.choices(framesIn(text).flatMap(Translation.events("openai-chat")))

const calls = (text: string) =>
  heard(text).map(({ blocks }) =>
    blocks.map((block) => (block._tag === "ToolCall" ? [block.id, block.name, block.arguments] : block._tag))
  )

const piece = (index: unknown, id: string | undefined, args: string | undefined) =>
  chunk({
    tool_calls: [
      {
        index,
        ...(id === undefined ? {} : { id, type: "function" }),
        function: { ...(id === undefined ? {} : { name: `f_${id}` }), arguments: args }
      }
    ]
  })

const ended = chunk({}, "tool_calls")

describe("a stream that is good", () => {
  it("goes out as the very same bytes", () => {
    for (const chunks of [stream, callingStream]) {
      const frames = chunks.map(frame)
      assert.deepInclude(run([...frames, done]), { verdict: "done", released: join(...frames) })
    }
  })

  it("goes out as the very same bytes, whatever their spelling", () => {
    const odd = [
      'data: {"id":"c","choices":[{"delta":{"role":"assistant","content":""},"index":0,"finish_reason":null}]}\r\n\r\n',
      'id: 7\ndata:{ "choices" : [ { "index" : 0 , "delta" : { "content" : "\\u0068i" } , "finish_reason" : null } ] }\n\n',
      'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x":12345678901234567890,\ndata: "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\n'
    ].map((text) => Buffer.from(text))
    assert.deepInclude(run(odd), { verdict: "done", released: join(...odd) })
  })

  it("begins with the role in its first chunk only, or in every one", () => {
    const frames = [role, chunk({ role: "assistant", content: "a" }), says("b"), stop]
    assert.strictEqual(run([...frames, done]).released, join(...frames))
  })
})

describe("a vendor that leaves something out", () => {
  it("in every chunk has it put in everywhere", () => {
    const bare = (delta: object, finish: string | null = null) => frame({ choices: [{ delta, finish_reason: finish }] })
    const { released } = run([bare({ content: "a" }), bare({ content: "b" }), bare({}, "stop"), done])
    assert.deepStrictEqual(jsonIn(released), [
      { choices: [{ index: 0, delta: { role: "assistant", content: "a" }, finish_reason: null }] },
      { choices: [{ index: 0, delta: { content: "b" }, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }
    ])
  })

  const late: Readonly<Record<string, readonly [path: string, said: unknown]>> = {
    "an empty role": [`${inDelta}.role`, ""],
    "a role that is null": [`${inDelta}.role`, null],
    "annotations that are none": [`${inDelta}.annotations`, [{ type: "file" }]],
    "logprobs of its own": ["choices.0.logprobs", {}],
    "content in parts": [`${inDelta}.content`, [{ type: "text", text: "hi" }]],
    "reasoning that is no text": [`${inDelta}.reasoning`, { text: "hm" }],
    "no delta": [inDelta, null],
    "no choices": ["choices", null],
    "an empty error": ["error", null],
    "a call that is none": [`${inDelta}.tool_calls`, null]
  }
  for (const [what, [path, said]] of Object.entries(late)) {
    it(`has ${what} repaired, though the first chunks were good`, () => {
      const frames = stream.map((each, at) => frame(at === 1 ? put(each, path, said) : each))
      const { released, verdict } = run([frame(stream[0]), says("go"), ...frames.slice(1), done])
      assert.strictEqual(verdict, "done")
      const shown = jsonIn(released)[2]
      assert.notDeepEqual(shown, put(stream[1], path, said))
      assert.notInclude(JSON.stringify(shown), `"role":${JSON.stringify(said)}`)
    })
  }

  it("has a finish put in before [DONE], for each choice that has none", () => {
    const second = chunk({ role: "assistant", content: "b" }, null, {}, 1)
    const { released, verdict } = run([role, says("a"), second, stop, done])
    assert.strictEqual(verdict, "done")
    assert.deepInclude(jsonIn(released).at(-1), {
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1,
      model: "m-1",
      choices: [{ index: 1, delta: {}, finish_reason: "stop" }]
    })
  })

  it("has its calls end in calls, with arguments, where nothing was said before [DONE]", () => {
    const { released } = run([role, piece(0, "a", ""), done])
    assert.deepStrictEqual(calls(released), [[["a", "f_a", "{}"]]])
    assert.deepNestedPropertyVal(jsonIn(released).at(-1), "choices.0.finish_reason", "tool_calls")
  })

  it("has nothing put in where its connection breaks", () => {
    assert.deepInclude(run([role, says("a")]), { verdict: "failed", released: join(role, says("a")) })
  })
})

describe("calls in a stream", () => {
  it("without an index are counted", () => {
    const { released } = run([
      role,
      piece(undefined, "a", "{"),
      piece(undefined, undefined, "}"),
      piece(undefined, "b", "[]"),
      ended
    ])
    assert.deepStrictEqual(calls(released), [
      [
        ["a", "f_a", "{}"],
        ["b", "f_b", "[]"]
      ]
    ])
    const indices = jsonIn(released)
      .slice(1, 4)
      .map((each) => JSON.stringify(each).match(/"tool_calls":\[\{.*?"index":(\d)/)?.[1])
    assert.deepStrictEqual(indices, ["0", "0", "1"])
  })

  it("of which two have one index become two", () => {
    const { released } = run([role, piece(0, "a", "{}"), piece(0, "b", "["), piece(0, undefined, "]"), ended, done])
    assert.deepStrictEqual(calls(released), [
      [
        ["a", "f_a", "{}"],
        ["b", "f_b", "[]"]
      ]
    ])
    assert.include(released, '"index":1')
  })

  it("that get no arguments get empty ones, in front of the end", () => {
    const frames = [role, piece(0, "a", ""), piece(1, "b", "[]"), piece(2, "c", undefined), ended, done]
    const { released } = run(frames)
    assert.deepStrictEqual(calls(released), [
      [
        ["a", "f_a", "{}"],
        ["b", "f_b", "[]"],
        ["c", "f_c", "{}"]
      ]
    ])
    assert.strictEqual(framesIn(released).at(-1)?.toString(), ended.toString())
  })

  it("that come whole with the end and without arguments get them right after", () => {
    const whole = chunk(
      { tool_calls: [{ index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } }] },
      "tool_calls"
    )
    const { released, verdict } = run([role, whole, done])
    assert.deepStrictEqual([verdict, calls(released)], ["done", [[["a", "f", "{}"]]]])
  })

  it("get empty arguments once, however often the end is said", () => {
    assert.deepStrictEqual(calls(run([role, piece(0, "a", ""), ended, ended, done]).released), [[["a", "f_a", "{}"]]])
  })

  it("of one choice get no arguments of another's", () => {
    const second = chunk(
      {
        role: "assistant",
        tool_calls: [{ index: 0, id: "b", type: "function", function: { name: "g", arguments: "" } }]
      },
      null,
      {},
      1
    )
    const { released } = run([role, piece(0, "a", "[]"), second, ended, chunk({}, "tool_calls", {}, 1), done])
    assert.deepStrictEqual(calls(released), [[["a", "f_a", "[]"]], [["b", "g", "{}"]]])
  })
})

describe("usage that only the gateway asked for", () => {
  const nulls = (delta: object, finish: string | null = null) => chunk(delta, finish, { usage: null })

  it("is hidden, and so are the members that stand for none", () => {
    const frames = [
      nulls({ role: "assistant", content: "" }),
      nulls({ content: "a" }),
      nulls({}, "stop"),
      usageOnly,
      done
    ]
    const shown = [chunk({ role: "assistant", content: "" }), says("a"), stop]
    assert.strictEqual(run(frames, { hidesUsage: true }).released, join(...shown))
  })

  it("is hidden also in what is repaired", () => {
    const bare = (delta: object) => frame({ choices: [{ delta }], usage: null })
    const { released } = run([bare({ content: "a" }), piece(0, "a", ""), done], { hidesUsage: true })
    assert.notInclude(released, "usage")
    assert.deepStrictEqual(calls(released), [["Text", ["a", "f_a", "{}"]]])
  })

  it("stays where it came unasked, with something said", () => {
    const last = chunk({}, "stop", { usage: tokens })
    assert.strictEqual(run([role, says("a"), last], { hidesUsage: true }).released, join(role, says("a"), last))
  })
})

describe("however a stream is cut into chunks", () => {
  const bad = [
    frame({ choices: [{ delta: { content: "a" } }] }),
    comment,
    frame({ choices: [{ index: 0, delta: { role: "", content: [{ type: "text", text: "b" }] } }], usage: null }),
    piece(3, "a", ""),
    piece(3, undefined, "{}"),
    piece(undefined, "b", undefined),
    frame({ choices: [{ index: 0, delta: null, finish_reason: "eos" }], usage: {} }),
    done
  ]

  it.prop("the same is repaired", [sizes, FastCheck.boolean()], ([pieces, hidesUsage]) => {
    assert.deepStrictEqual(run(bad, { hidesUsage, sizes: pieces }), run(bad, { hidesUsage }))
    assert.strictEqual(run(bad).verdict, "done")
  })

  it.prop(
    "what is repaired has nothing left to repair, but ids and names that only the vendor knows",
    [FastCheck.shuffledSubarray(bad.slice(0, -1), { minLength: 1 })],
    ([frames]) => {
      const once = run([...frames, done])
      if (once.verdict === "failed") return
      const again = run([Buffer.from(once.released), done])
      assert.strictEqual(again.released, once.released)
    }
  )
})

describe("seals in a stream", () => {
  const details = (signature: string) =>
    chunk({ reasoning_details: [{ type: "reasoning.text", text: "", signature, index: 0 }] })

  it("are marked, also late in a regular stream, where they are not native", () => {
    const frames = [role, says("a"), details("S"), stop]
    assert.strictEqual(
      run(frames, { realm: "minimax" }).released,
      join(role, says("a"), details("orelse~minimax~S"), stop)
    )
    assert.strictEqual(run(frames, { realm: "openrouter" }).released, join(...frames))
  })

  it("are marked on calls too", () => {
    const signed = (thought_signature: string) =>
      frame(put(callingStream[0], `${inPiece}.extra_content`, { google: { thought_signature } }))
    const rest = callingStream.slice(1).map(frame)
    assert.strictEqual(
      run([signed("S"), ...rest], { realm: "vercel" }).released,
      join(signed("orelse~vercel~S"), ...rest)
    )
  })
})
