import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Fold from "../../../src/protocol/Fold.js"
import * as StreamIn from "../../../src/protocol/openai/StreamIn.js"
import * as Translation from "../../../src/protocol/Translation.js"
import { frame } from "../../support/chunks.js"
import { eventsOf, hostile, incoming, readAll } from "../../support/turns.js"

/** The readings of a stream of one choice's deltas. */
const stream = (...chunks: ReadonlyArray<object>) =>
  readAll(
    StreamIn.reader(incoming()),
    chunks.map((chunk) => JSON.stringify(chunk))
  )

const delta = (said: object, finish: string | null = null, index = 0) => ({
  choices: [{ index, delta: said, finish_reason: finish }]
})

const calls = (...pieces: ReadonlyArray<object>) =>
  Fold.choices(eventsOf(stream(...pieces.map((piece) => delta({ tool_calls: [piece] })), delta({}, "stop"))))[0]

/** What calls these pieces make, in their order. */
const called = (...pieces: ReadonlyArray<object>) =>
  calls(...pieces)?.blocks.map((block) => block._tag === "ToolCall" && [block.id, block.name, block.arguments])

describe("the events of a frame that a caller gets", () => {
  const events = (choice: object, more: object = {}) =>
    Translation.events("openai-chat")(frame({ choices: [choice], ...more }))

  it("come in the order in which a model thinks, speaks and ends", () => {
    const said = { content: "b", reasoning_content: "a", refusal: "c" }
    assert.deepStrictEqual(events({ index: 2, delta: said, finish_reason: "stop" }), [
      { _tag: "Reasoning", index: 2, text: "a" },
      { _tag: "Text", index: 2, text: "b" },
      { _tag: "Refusal", index: 2, text: "c" },
      { _tag: "Finish", index: 2, reason: "stop" }
    ])
  })

  it("hold the pieces of parallel tool calls", () => {
    const tool_calls = [
      { index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } },
      { index: 1, id: "call_2", type: "function", function: { name: "g", arguments: "" } },
      { index: 0, function: { arguments: '{"a"' } }
    ]
    const call = { _tag: "ToolCall", index: 0 } as const
    assert.deepStrictEqual(events({ index: 0, delta: { tool_calls } }), [
      { ...call, call: 0, id: "call_1", name: "f", arguments: "" },
      { ...call, call: 1, id: "call_2", name: "g", arguments: "" },
      { ...call, call: 0, id: undefined, name: undefined, arguments: '{"a"' }
    ])
  })

  it("hold text that comes in parts, as Mistral's", () => {
    assert.deepStrictEqual(events({ index: 0, delta: { content: [{ type: "text", text: "x" }] } }), [
      { _tag: "Text", index: 0, text: "x" }
    ])
  })

  it("hold no usage, which comes with the end", () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const found = events({ index: 0, delta: { content: "x" } }, { usage })
    assert.deepStrictEqual(
      found.map((event) => event._tag),
      ["Text"]
    )
  })

  it("are none where a chunk says nothing or is none", () => {
    const read = Translation.events("openai-chat")
    assert.isEmpty(events({ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }))
    for (const data of ["", "[DONE]", "{", "[]", "5", '{"choices":"?"}', '{"choices":[null, 5]}']) {
      assert.isEmpty(read(Buffer.from(`data: ${data}\n\n`)))
    }
    assert.isEmpty(read(Buffer.from(": ping\n\n")))
  })
})

describe("a frame of a stream", () => {
  it("tells whose answer it is of, and what was used and paid so far", () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, cost: 0.5 }
    const [reading] = stream({ id: "chatcmpl-1", model: "m-1", choices: [], x_groq: { usage } })
    assert.deepInclude(reading, { id: "chatcmpl-1", model: "m-1", choices: [], done: false, failure: undefined })
    assert.deepStrictEqual(reading?.usage, { input: 3, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0 })
    assert.isDefined(reading?.reportedCost)
    const [first] = stream({ id: "", model: "", choices: [{ delta: {} }, { index: 2, delta: {} }] })
    assert.deepInclude(first, { id: undefined, model: undefined, choices: [0, 2], usage: undefined })
  })

  it("speaks when it holds audio, for which there is no event", () => {
    const [spoken, silent] = stream(delta({ audio: { data: "AAAA" } }), delta({ audio: null }))
    assert.deepStrictEqual([spoken?.speaks, spoken?.events, silent?.speaks], [true, [], false])
  })

  it("holds Together's text once, which stands beside the delta that says it", () => {
    const [both, legacy] = stream(
      { choices: [{ index: 0, text: "x", delta: { content: "x" } }] },
      { choices: [{ index: 0, text: "y" }] }
    )
    assert.deepStrictEqual(both?.events, [{ _tag: "Text", index: 0, text: "x" }])
    assert.deepStrictEqual(legacy?.events, [{ _tag: "Text", index: 0, text: "y" }])
  })

  it("ends no choice with an empty reason, and after calls it ends with them", () => {
    assert.isEmpty(eventsOf(stream(delta({}, ""), delta({}))))
    const piece = { index: 0, id: "c", function: { name: "f", arguments: "{}" } }
    const events = eventsOf(stream(delta({ tool_calls: [piece] }, null, 1), delta({}, "stop"), delta({}, "stop", 1)))
    assert.deepStrictEqual(events.slice(1), [
      { _tag: "Finish", index: 0, reason: "stop" },
      { _tag: "Finish", index: 1, reason: "tool_calls" }
    ])
  })

  it("is the end where it says so, whatever the spaces", () => {
    assert.deepInclude(StreamIn.reader(incoming()).read(" [DONE] ", undefined), { done: true, events: [] })
  })

  it.prop(
    "is read or passed over, and never kills the stream",
    [
      FastCheck.array(
        FastCheck.oneof(
          FastCheck.string(),
          hostile(
            (
              "choices index delta content text type thinking tool_calls function function_call name arguments id " +
              "reasoning reasoning_details data signature extra_content google thought_signature finish_reason usage " +
              "prompt_tokens prompt_tokens_details refusal model x_groq __proto__"
            ).split(" ")
          )
        ),
        { maxLength: 5 }
      )
    ],
    ([frames]) => {
      const readings = readAll(StreamIn.reader(incoming()), frames)
      for (const event of eventsOf(readings)) {
        assert.isNumber(event.index)
        if ("text" in event) assert.isNotEmpty(event.text)
        if (event._tag === "ToolCall") assert.isString(event.arguments)
      }
    },
    { fastCheck: { numRuns: 1_000 } }
  )
})

describe("pieces of tool calls", () => {
  const first = (id: string, name: string, more: object = {}) => ({ id, function: { name, arguments: "" }, ...more })
  const more = (args: string, rest: object = {}) => ({ ...rest, function: { arguments: args } })

  it("belong to the call of their index", () => {
    assert.deepStrictEqual(
      called(
        first("a", "f", { index: 0 }),
        first("b", "g", { index: 1 }),
        more('{"x"', { index: 0 }),
        more("{}", { index: 1 }),
        more(":1}", { index: 0 })
      ),
      [
        ["a", "f", '{"x":1}'],
        ["b", "g", "{}"]
      ]
    )
  })

  it("of calls without an index belong to the call before (Mistral)", () => {
    assert.deepStrictEqual(called(first("a", "f"), more('{"x":'), more("1}"), first("b", "g"), more("{}")), [
      ["a", "f", '{"x":1}'],
      ["b", "g", "{}"]
    ])
  })

  it("of two calls with one index belong to the last of them (Gemini's compatible endpoint)", () => {
    assert.deepStrictEqual(
      called(
        first("a", "f", { index: 0 }),
        more("{}", { index: 0 }),
        first("b", "g", { index: 0 }),
        more("[]", { index: 0 })
      ),
      [
        ["a", "f", "{}"],
        ["b", "g", "[]"]
      ]
    )
  })

  it("belong together when indices begin at one and skip places", () => {
    assert.deepStrictEqual(
      called(
        first("a", "f", { index: 1 }),
        more("{", { index: 1 }),
        first("b", "g", { index: 4 }),
        more("}", { index: 1 }),
        more("[]", { index: 4 })
      ),
      [
        ["a", "f", "{}"],
        ["b", "g", "[]"]
      ]
    )
  })

  it("may repeat the id and the name, or give another id each", () => {
    assert.deepStrictEqual(
      called(
        first("a", "f", { index: 0 }),
        { index: 0, id: "a", function: { name: "f", arguments: "{" } },
        { index: 0, id: "made-up", function: { arguments: "}" } }
      ),
      [["a", "f", "{}"]]
    )
  })

  it("without an id begin a call by their name, which gets an id", () => {
    assert.deepStrictEqual(
      called(
        { index: 0, function: { name: "f", arguments: "{" } },
        more("}", { index: 0 }),
        { index: 1, id: "", function: { name: "g", arguments: "{}" } },
        { function: { name: "h", arguments: "[]" } }
      ),
      [
        ["call_1", "f", "{}"],
        ["call_2", "g", "{}"],
        ["call_3", "h", "[]"]
      ]
    )
  })

  it("that name nothing go on with the last call, if there is one", () => {
    assert.deepStrictEqual(called(first("a", "f", { index: 0 }), more("{}", { index: 7 })), [["a", "f", "{}"]])
    assert.deepStrictEqual(called(more("{}")), [["call_1", "", "{}"]])
  })

  it("of one choice have nothing to do with those of another", () => {
    const events = eventsOf(
      stream(
        delta({ tool_calls: [first("a", "f", { index: 0 })] }),
        delta({ tool_calls: [first("b", "g", { index: 0 })] }, null, 1),
        delta({ tool_calls: [more("{}", { index: 0 })] })
      )
    )
    assert.deepStrictEqual(
      Fold.choices(events).map(({ blocks }) => blocks.map((block) => block._tag === "ToolCall" && block.arguments)),
      [["{}"], [""]]
    )
  })

  it("may be an object, or the call of the old kind", () => {
    assert.deepStrictEqual(called({ id: "a", function: { name: "f", arguments: { x: 1 } } }), [["a", "f", '{"x":1}']])
    const old = [{ name: "f", arguments: "{" }, { arguments: "}" }, { name: "", arguments: "" }]
    const events = eventsOf(stream(...old.map((function_call) => delta({ function_call }))))
    assert.deepInclude(Fold.choices(events)[0]?.blocks[0], { name: "f", arguments: "{}" })
  })
})
