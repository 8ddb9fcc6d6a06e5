import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { Usage } from "../../../src/domain/Usage.js"
import type { Reading } from "../../../src/protocol/Dialects.js"
import * as Fold from "../../../src/protocol/Fold.js"
import * as Gemini from "../../../src/protocol/gemini/Gemini.js"
import { answer, candidate, decoded, incoming, readings } from "./answers.js"

const lastUsage = (all: ReadonlyArray<Reading>): Usage | undefined =>
  all.reduce<Usage | undefined>((last, { usage }) => usage ?? last, undefined)

const part = FastCheck.oneof(
  FastCheck.record({ text: FastCheck.string() }),
  FastCheck.record({ text: FastCheck.string(), thought: FastCheck.constant(true) }),
  FastCheck.record(
    { text: FastCheck.string(), thoughtSignature: FastCheck.string(), thought: FastCheck.boolean() },
    { requiredKeys: ["text"] }
  ),
  FastCheck.record(
    {
      functionCall: FastCheck.record(
        {
          id: FastCheck.string(),
          name: FastCheck.string({ minLength: 1 }),
          args: FastCheck.dictionary(FastCheck.string(), FastCheck.jsonValue())
        },
        { requiredKeys: ["name"] }
      ),
      thoughtSignature: FastCheck.string()
    },
    { requiredKeys: ["functionCall"] }
  )
)

const tokens = FastCheck.nat({ max: 1_000_000 })
const usageMetadata = FastCheck.record({
  promptTokenCount: tokens,
  cachedContentTokenCount: tokens,
  toolUsePromptTokenCount: tokens,
  candidatesTokenCount: tokens,
  thoughtsTokenCount: tokens
})

describe("A stream of Gemini", () => {
  it("counts calls up over all frames and remembers them at the end", () => {
    const all = readings([
      answer([{ functionCall: { name: "a" } }]),
      answer([{ functionCall: { name: "b" } }, { functionCall: { name: "c" } }]),
      answer([{ text: "" }], "STOP")
    ])
    assert.deepEqual(
      all.flatMap(({ events }) =>
        events.map((event) => (event._tag === "ToolCall" ? [event.call, event.id, event.name] : event))
      ),
      [[0, "call_1", "a"], [1, "call_2", "b"], [2, "call_3", "c"], { _tag: "Finish", index: 0, reason: "tool_calls" }]
    )
  })

  it("counts the calls of each candidate by themselves", () => {
    const call = (index: number) => ({ candidates: [candidate([{ functionCall: { name: "a" } }], undefined, index)] })
    const all = readings([call(0), call(1), call(1)])
    assert.deepEqual(
      all.flatMap(({ choices, events }) =>
        events.map((event) => [choices, event.index, event._tag === "ToolCall" && event.call])
      ),
      [
        [[0], 0, 0],
        [[1], 1, 0],
        [[1], 1, 1]
      ]
    )
  })

  it("names itself, and has no end mark", () => {
    const [reading] = readings([
      { ...answer([{ text: "a" }], "STOP"), responseId: "r-1", modelVersion: "gemini-3-flash" }
    ])
    assert.deepInclude(reading, { id: "r-1", model: "gemini-3-flash", done: false, failure: undefined })
  })

  it("ends with a filter where the prompt was blocked", () => {
    assert.deepEqual(
      readings([{ promptFeedback: { blockReason: "SAFETY" } }]).map(({ choices, events }) => ({ choices, events })),
      [{ choices: [0], events: [{ _tag: "Finish", index: 0, reason: "content_filter" }] }]
    )
  })

  it("fails on a broken call, which nobody acts upon and which was counted all the same", () => {
    const [reading] = readings([
      {
        ...answer([{ functionCall: { name: "unknown" } }], "UNEXPECTED_TOOL_CALL"),
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2 }
      }
    ])
    assert.deepEqual(reading?.events, [])
    assert.deepEqual(reading?.usage, { input: 5, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0 })
    assert.deepInclude(reading?.failure, { category: "malformed_response", code: "UNEXPECTED_TOOL_CALL" })
  })

  it.each([
    { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } },
    [{ error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } }]
  ])("fails where the provider says so: %o", (frame) => {
    const [reading] = readings([frame])
    assert.deepInclude(reading?.failure, { category: "provider_unavailable", status: 503 })
  })

  it.each(["", "[DONE]", "null", "7", '"text"', "[1]", "{"])("passes over what is no frame: %o", (data) => {
    assert.isUndefined(Gemini.back.reader(incoming()).read(data, undefined))
  })

  it.prop(
    "says and counts the same as the whole answer, however it is cut into frames",
    [FastCheck.array(FastCheck.array(part, { maxLength: 3 }), { maxLength: 5 }), usageMetadata, FastCheck.boolean()],
    ([frames, counted, countsFromTheStart]) => {
      const whole = decoded({ ...answer(frames.flat(), "STOP"), usageMetadata: counted })
      const all = readings([
        ...frames.map((parts) => ({
          ...answer(parts),
          usageMetadata: countsFromTheStart
            ? { promptTokenCount: counted.promptTokenCount }
            : { trafficType: "ON_DEMAND" }
        })),
        { ...answer([{ text: "" }], "STOP"), usageMetadata: counted }
      ])
      assert.deepEqual(Fold.choices(all.flatMap(({ events }) => events)), Fold.choices(whole?.events ?? []))
      assert.deepEqual(lastUsage(all), whole?.usage)
    }
  )
})

// ---------------------------------------------------------------------------------------------- hostile answers

const members = `candidates content parts text thought thoughtSignature functionCall name id args finishReason index
  promptFeedback blockReason usageMetadata promptTokenCount cachedContentTokenCount candidatesTokenCount
  thoughtsTokenCount modelVersion responseId __proto__`.split(/\s+/)

const leaf = FastCheck.oneof(
  FastCheck.constantFrom(null, true, "", "STOP", "SAFETY", "__proto__", "constructor", -1, 0.5, 1e300, 2 ** 53),
  FastCheck.jsonValue({ maxDepth: 1 })
)

/** Google's members at every level, each with anything in it. */
const hostile: FastCheck.Arbitrary<unknown> = FastCheck.letrec((tie) => ({
  value: FastCheck.oneof({ depthSize: "medium", maxDepth: 8 }, leaf, tie("list"), tie("object"), tie("object")),
  list: FastCheck.array(tie("value"), { maxLength: 3 }),
  object: FastCheck.dictionary(FastCheck.constantFrom(...members), tie("value"), { maxKeys: 5 })
})).object

/** The right shape around anything, so that the inner members are reached. */
const nearly = FastCheck.tuple(hostile, FastCheck.array(hostile, { maxLength: 3 }), leaf, leaf).map(
  ([usage, parts, index, finishReason]) => ({
    candidates: [{ content: { parts }, index, finishReason }],
    usageMetadata: usage
  })
)

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0

describe("A hostile answer", () => {
  it.prop(
    "is read without a fault, and what comes out has the right form",
    [FastCheck.oneof(hostile, nearly)],
    ([json]) => {
      const completion = decoded(json)
      const all = readings([json, json])
      for (const event of [...(completion?.events ?? []), ...all.flatMap(({ events }) => events)]) {
        assert.isTrue(isCount(event.index))
        if (event._tag === "Text" || event._tag === "Reasoning") assert.isNotEmpty(event.text)
        if (event._tag === "Finish") assert.include(["stop", "tool_calls", "length", "content_filter"], event.reason)
        if (event._tag === "ToolCall") {
          assert.isString(event.name)
          assert.match(event.arguments, /^\{.*\}$/s)
        }
      }
      for (const usage of [completion?.usage, lastUsage(all)]) {
        if (usage !== undefined) assert.isTrue(Object.values(usage).every(isCount), JSON.stringify(usage))
      }
      for (const { id, model } of all) assert.isTrue([id, model].every((name) => name === undefined || name !== ""))
    }
  )
})
