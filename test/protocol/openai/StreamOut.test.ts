import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import type { Usage } from "../../../src/domain/Usage.js"
import type { AnswerContext, JsonObject, Reading } from "../../../src/protocol/Dialects.js"
import * as Fold from "../../../src/protocol/Fold.js"
import { fronts } from "../../../src/protocol/Fronts.js"
import * as Json from "../../../src/protocol/Json.js"
import * as PromptIn from "../../../src/protocol/openai/PromptIn.js"
import * as StreamIn from "../../../src/protocol/openai/StreamIn.js"
import * as Sse from "../../../src/protocol/Sse.js"
import { answering } from "../../support/machine.js"
import { eventsOf, incoming, readAll, usageOf } from "../../support/turns.js"
import { repairedAll } from "./answers.js"
import { anyEvents, anyUsage, heard, told } from "./anyEvents.js"
import { reading } from "../../support/turns.js"

const context = (set: Partial<AnswerContext> = {}): AnswerContext => ({ ...answering(), includeUsage: true, ...set })

/** The chunks of a whole stream. */
const written = (
  readings: ReadonlyArray<Reading>,
  usage?: Usage,
  set: Partial<AnswerContext> = {}
): ReadonlyArray<JsonObject> => {
  const writer = fronts["openai-chat"].writer(context(set))
  const frames = [...readings.flatMap(writer.write), ...writer.close(usage)]
  return frames.map((frame) => Json.record(Json.parse(Sse.data(frame) ?? "")))
}

/** Deltas and reasons of the chunks of one choice. */
const said = (...events: ReadonlyArray<ChatEvent>): ReadonlyArray<unknown> =>
  written([reading(events)])
    .flatMap(({ choices }) => Json.records(choices))
    .map(({ delta, finish_reason }) => (finish_reason === null ? delta : [delta, finish_reason]))

const role = { role: "assistant", content: "" }
const text = (words: string, index = 0): ChatEvent => ({ _tag: "Text", index, text: words })
const thought = (words: string): ChatEvent => ({ _tag: "Reasoning", index: 0, text: words })
const seal = (origin: string) => ({ origin, value: "S" })
const stop: ChatEvent = { _tag: "Finish", index: 0, reason: "stop" }
const call = (at: number, id: string | undefined, args: string): ChatEvent => ({
  _tag: "ToolCall",
  index: 0,
  call: at,
  id,
  name: id === undefined ? undefined : "f",
  arguments: args
})

describe("a stream of another dialect", () => {
  it("is told in chunks of one answer, which the first frame names", () => {
    const chunks = written([reading([], { id: "msg_1", model: "claude" }), reading([text("a"), stop])])
    const base = { id: "msg_1", object: "chat.completion.chunk", created: 7, model: "claude" }
    const of = (delta: object, finish_reason: string | null) => ({
      ...base,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }]
    })
    assert.deepStrictEqual<unknown>(chunks, [of(role, null), of({ content: "a" }, null), of({}, "stop")])
  })

  it("is given a name where it has none", () => {
    const [first, second] = written([reading([text("a")])])
    assert.deepInclude(first, { id: "chatcmpl-1", model: "m-asked" })
    assert.deepInclude(second, { id: "chatcmpl-1", model: "m-asked" })
  })

  it("begins each choice with its role", () => {
    const chunks = written([reading([text("a", 1), text("b", 0), text("c", 1)])])
    const deltas = chunks.flatMap(({ choices }) => Json.records(choices)).map(({ delta, index }) => [index, delta])
    assert.deepStrictEqual(deltas.slice(0, 5), [
      [1, role],
      [1, { content: "a" }],
      [0, role],
      [0, { content: "b" }],
      [1, { content: "c" }]
    ])
  })

  it("shows that its provider is alive in a comment", () => {
    const { ping } = fronts["openai-chat"].writer(context())
    assert.deepStrictEqual(ping.map(Sse.data), [undefined])
  })
})

describe("thoughts in a stream", () => {
  const detail = (members: object, index: number) => ({ reasoning_details: [{ ...members, index }] })
  const words = (each: string, index: number) => ({
    reasoning_content: each,
    ...detail({ type: "reasoning.text", text: each }, index)
  })
  const signed = (signature: string, index: number) => detail({ type: "reasoning.text", text: "", signature }, index)
  const signature = (origin: string): ChatEvent => ({ _tag: "Signature", index: 0, seal: seal(origin) })

  it("are plain, and in pieces of details", () => {
    assert.deepStrictEqual(said(thought("a"), thought("b"), stop), [role, words("a", 0), words("b", 0), [{}, "stop"]])
  })

  it("end with their seal, which is marked where it is foreign", () => {
    assert.deepStrictEqual(said(thought("a"), signature("openrouter"), thought("b")).slice(1, -1), [
      words("a", 0),
      signed("S", 0),
      words("b", 1)
    ])
    const encrypted = (origin: string): ChatEvent => ({ _tag: "Sealed", index: 0, seal: seal(origin) })
    assert.deepStrictEqual(said(encrypted("anthropic"), encrypted("openrouter")).slice(1, -1), [
      detail({ type: "reasoning.encrypted", data: "orelse~anthropic~S" }, 0),
      detail({ type: "reasoning.encrypted", data: "S" }, 1)
    ])
    const [, , foreign] = said(thought("a"), signature("anthropic"))
    assert.match(JSON.stringify(foreign), /"signature":"orelse~anthropic~.*S"/)
  })

  it("end where something else is said, so that a later seal is not theirs", () => {
    assert.deepStrictEqual(said(thought("a"), text("t"), thought("b"), signature("openrouter")).slice(1, -1), [
      words("a", 0),
      { content: "t" },
      words("b", 1),
      signed("S", 1)
    ])
  })
})

describe("what a choice says besides", () => {
  it("is a refusal", () => {
    assert.deepStrictEqual(said({ _tag: "Refusal", index: 0, text: "no" }, stop), [
      role,
      { refusal: "no" },
      [{}, "stop"]
    ])
  })

  it("is calls, named in their first piece", () => {
    assert.deepStrictEqual(said(call(0, "c1", ""), call(0, undefined, "{}"), { ...stop, reason: "tool_calls" }), [
      role,
      { tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "f", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: "{}" } }] },
      [{}, "tool_calls"]
    ])
  })

  it("is calls with Google's seals, marked where they are another's", () => {
    const sealed = (origin: string) => ({ ...call(0, "c1", "{}"), seal: seal(origin) })
    const signatures = ["gemini", "anthropic"].map((origin) => JSON.stringify(said(sealed(origin))[1]))
    assert.include(signatures[0], '"extra_content":{"google":{"thought_signature":"S"}}')
    assert.include(signatures[1], '"extra_content":{"google":{"thought_signature":"orelse~anthropic~S"}}')
  })

  it("is empty arguments for calls that got none, before the end", () => {
    const calls = [call(0, "c1", ""), call(1, "c2", "[]"), call(2, "c3", "")]
    assert.deepStrictEqual(said(...calls, { ...stop, reason: "tool_calls" }).slice(4), [
      {
        tool_calls: [
          { index: 0, function: { arguments: "{}" } },
          { index: 2, function: { arguments: "{}" } }
        ]
      },
      [{}, "tool_calls"]
    ])
  })

  it("is one reason why it ended, also where none or two were given", () => {
    assert.deepStrictEqual(said(text("a")).at(-1), [{}, "stop"])
    assert.deepStrictEqual(said(call(0, "c1", "{}")).at(-1), [{}, "tool_calls"])
    assert.deepStrictEqual(said(text("a"), { ...stop, reason: "length" }, stop).slice(2), [[{}, "length"]])
  })

  const reasons = [
    ["stop_sequence", "stop"],
    ["pause", "stop"],
    ["context_length", "length"],
    ["refusal", "content_filter"]
  ] as const
  for (const [reason, word] of reasons) {
    it(`ends with ${word} for ${reason}`, () => {
      assert.deepStrictEqual(said(text("a"), { ...stop, reason }).at(-1), [{}, word])
    })
  }
})

describe("usage of a stream of another dialect", () => {
  const usage = { input: 1, cacheRead: 2, cacheWrite: 0, output: 4, reasoning: 8 }

  it("is in the last chunk, beside no choices, if the caller asked for it", () => {
    const last = written([reading([text("a"), stop])], usage).at(-1)
    assert.deepInclude(last, { id: "chatcmpl-1", choices: [] })
    assert.deepInclude(last?.["usage"], { prompt_tokens: 3, completion_tokens: 12, total_tokens: 15 })
  })

  it("is not shown to who did not ask, or where it is not known", () => {
    const shown = (used: Usage | undefined, includeUsage: boolean) =>
      written([reading([text("a"), stop])], used, { includeUsage }).some((chunk) => "usage" in chunk)
    assert.deepStrictEqual([shown(usage, false), shown(undefined, true), shown(usage, true)], [false, false, true])
  })
})

/** The events in readings of any length. */
const cut = (events: ReadonlyArray<ChatEvent>, lengths: ReadonlyArray<number>): ReadonlyArray<Reading> => {
  const readings: Array<Reading> = []
  for (let at = 0; at < events.length;) {
    const length = lengths[readings.length % lengths.length] ?? 1
    readings.push(reading(events.slice(at, at + length)))
    at += length
  }
  return readings
}

const lengths = FastCheck.array(FastCheck.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })

describe("any answer", () => {
  it.prop(
    "that is streamed says the same to its reader, with the same usage",
    [anyEvents, anyUsage, lengths],
    ([events, usage, pieces]) => {
      const chunks = written(cut(events, pieces), usage)
      const readings = readAll(
        StreamIn.reader(incoming()),
        chunks.map((chunk) => JSON.stringify(chunk))
      )
      assert.deepStrictEqual(heard(eventsOf(readings)), told(events))
      assert.deepStrictEqual(usageOf(readings), usage)
    },
    { fastCheck: { numRuns: 500 } }
  )

  it.prop(
    "that is streamed needs no repair",
    [anyEvents, anyUsage, lengths],
    ([events, usage, pieces]) => {
      const chunks = written(cut(events, pieces), usage)
      repairedAll(chunks, "openrouter").forEach((chunk, at) => {
        const before = JSON.stringify(chunks[at])
        // Whoever is not Google has its seals of calls marked.
        if (!before.includes("extra_content")) assert.strictEqual(JSON.stringify(chunk), before)
      })
    },
    { fastCheck: { numRuns: 300 } }
  )

  it.prop(
    "that is streamed has the same thoughts when a caller sends back the pieces that came",
    [anyEvents, lengths],
    ([events, pieces]) => {
      const own = events.filter(({ index }) => index === 0)
      const deltas = written(cut(own, pieces))
        .flatMap(({ choices }) => Json.records(choices))
        .map(({ delta }) => Json.record(delta))
      const collected = {
        role: "assistant",
        content: "x",
        reasoning_content: deltas.map((delta) => delta["reasoning_content"] ?? "").join(""),
        reasoning_details: deltas.flatMap((delta) => Json.records(delta["reasoning_details"]))
      }
      const [message] = PromptIn.prompt({ messages: [collected] }).messages
      const thoughts = Fold.choices(own)[0]?.blocks.filter(({ _tag }) => _tag === "Reasoning" || _tag === "Sealed")
      assert.deepStrictEqual<unknown>(message?.parts.slice(0, -1), thoughts)
    },
    { fastCheck: { numRuns: 500 } }
  )
})
