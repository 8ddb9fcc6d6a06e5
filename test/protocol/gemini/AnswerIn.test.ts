import { assert, describe, it } from "@effect/vitest"
import { total } from "../../../src/domain/Usage.js"
import * as Gemini from "../../../src/protocol/gemini/Gemini.js"
import * as Json from "../../../src/protocol/Json.js"
import { answer, candidate, decoded, incoming } from "./answers.js"

describe("An answer of Gemini", () => {
  it("names itself and its model, and counts each token once", () => {
    const usageMetadata = {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      toolUsePromptTokenCount: 7,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      totalTokenCount: 157
    }
    const completion = decoded({
      ...answer([{ text: "Hello" }], "STOP"),
      usageMetadata,
      modelVersion: "gemini-2.5-flash",
      responseId: "r-1"
    })
    assert.deepEqual(completion, {
      id: "r-1",
      model: "gemini-2.5-flash",
      events: [
        { _tag: "Text", index: 0, text: "Hello" },
        { _tag: "Finish", index: 0, reason: "stop" }
      ],
      usage: { input: 47, cacheRead: 60, cacheWrite: 0, output: 20, reasoning: 30 },
      reportedCost: undefined
    })
    assert.strictEqual(completion?.usage && total(completion.usage), usageMetadata.totalTokenCount)
  })

  it("counts no token less than zero where more was cached than asked", () => {
    const usageMetadata = { promptTokenCount: 5, cachedContentTokenCount: 9 }
    assert.deepEqual(decoded({ ...answer([{ text: "a" }]), usageMetadata })?.usage, {
      input: 0,
      cacheRead: 9,
      cacheWrite: 0,
      output: 0,
      reasoning: 0
    })
  })

  it("does not believe a count that no answer can have", () => {
    const usageMetadata = { promptTokenCount: 1e300, candidatesTokenCount: "7", thoughtsTokenCount: 2.5 }
    assert.deepEqual(decoded({ ...answer([{ text: "a" }]), usageMetadata })?.usage, {
      input: 0,
      cacheRead: 0,
      cacheWrite: 0,
      output: 0,
      reasoning: 2
    })
  })

  it("has no usage when nothing was counted", () => {
    assert.isUndefined(decoded({ ...answer([{ text: "a" }]), usageMetadata: { trafficType: "ON_DEMAND" } })?.usage)
  })

  it("thinks, signs, speaks and calls in the order in which it came", () => {
    const completion = decoded(
      answer(
        [
          { text: "Hm.", thought: true, thoughtSignature: "s1" },
          { text: "Let me see.", thoughtSignature: "s2" },
          { inlineData: { mimeType: "image/png", data: "" } },
          { functionCall: { id: "g-1", name: "find", args: { q: "x" } }, thoughtSignature: "s3" },
          { functionCall: { name: "now" } },
          { functionCall: { args: {} } },
          { functionCall: { name: "" } },
          { text: "", thoughtSignature: "s4" }
        ],
        "STOP"
      )
    )
    const seal = (value: string) => ({ origin: "gemini", value })
    assert.deepEqual(completion?.events, [
      { _tag: "Reasoning", index: 0, text: "Hm." },
      { _tag: "Signature", index: 0, seal: seal("s1") },
      { _tag: "Text", index: 0, text: "Let me see." },
      { _tag: "ToolCall", index: 0, call: 0, id: "g-1", name: "find", arguments: '{"q":"x"}', seal: seal("s3") },
      { _tag: "ToolCall", index: 0, call: 1, id: "call_1", name: "now", arguments: "{}" },
      { _tag: "Finish", index: 0, reason: "tool_calls" }
    ])
  })

  it("keeps every digit of a call's arguments", () => {
    const args = '{"id":12345678901234567890}'
    const json = Json.record(
      Json.parsed(`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"find","args":${args}}}]}}]}`)
    )
    const [call] = Gemini.back.decode(json, incoming())?.events ?? []
    assert.strictEqual(call?._tag === "ToolCall" && call.arguments, args)
  })

  it.each([
    ["STOP", "stop"],
    ["MAX_TOKENS", "length"],
    ["SAFETY", "content_filter"],
    ["RECITATION", "content_filter"],
    ["BLOCKLIST", "content_filter"],
    ["PROHIBITED_CONTENT", "content_filter"],
    ["SPII", "content_filter"],
    ["IMAGE_SAFETY", "content_filter"]
  ] as const)("that ended with %s has the reason %s", (word, reason) => {
    assert.deepEqual(decoded(answer([], word))?.events, [{ _tag: "Finish", index: 0, reason }])
  })

  it.each(["LANGUAGE", "OTHER", "constructor"])(
    "that ended with %s has the reason stop, as nobody knows better",
    (word) => {
      assert.deepEqual(decoded(answer([], word))?.events, [{ _tag: "Finish", index: 0, reason: "stop", assumed: true }])
    }
  )

  it("that was cut in the middle of its calls says so", () => {
    const events = decoded(answer([{ functionCall: { name: "now" } }], "MAX_TOKENS"))?.events
    assert.deepEqual(events?.at(-1), { _tag: "Finish", index: 0, reason: "length" })
  })

  it("whose prompt was blocked was filtered, and its prompt was counted", () => {
    assert.deepEqual(
      decoded({ promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata: { promptTokenCount: 9 } }),
      {
        id: undefined,
        model: undefined,
        events: [{ _tag: "Finish", index: 0, reason: "content_filter" }],
        usage: { input: 9, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 },
        reportedCost: undefined
      }
    )
  })

  it("that came in spite of what moderation said is an answer", () => {
    const json = { ...answer([{ text: "a" }], "STOP"), promptFeedback: { blockReason: "OTHER" } }
    assert.deepEqual(decoded(json)?.events, [
      { _tag: "Text", index: 0, text: "a" },
      { _tag: "Finish", index: 0, reason: "stop" }
    ])
  })

  it.each([null, 5, "x", [1]])("calls with an object of arguments, also where Google sent %o", (args) => {
    const [call] = decoded(answer([{ functionCall: { name: "now", args } }]))?.events ?? []
    assert.deepInclude(call, { name: "now", arguments: "{}" })
  })

  it("calls without arguments where those are nested too deeply to be written", () => {
    const depth = 100_000
    const args = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`
    const json = Json.parsed(`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"now","args":${args}}}]}}]}`)
    const [call] = decoded(json)?.events ?? []
    assert.deepInclude(call, { name: "now", arguments: "{}" })
  })

  it("has a choice for each candidate, in whatever way they are numbered", () => {
    const json = {
      candidates: [candidate([{ text: "a" }], "STOP"), candidate([{ functionCall: { name: "b" } }], "STOP", 1)]
    }
    assert.deepEqual(
      decoded(json)?.events.flatMap((event) => (event._tag === "Finish" ? [[event.index, event.reason]] : [])),
      [
        [0, "stop"],
        [1, "tool_calls"]
      ]
    )
  })

  it("ends each candidate, also one that gives no reason", () => {
    assert.deepEqual(decoded(answer([{ functionCall: { name: "now" } }]))?.events.at(-1), {
      _tag: "Finish",
      index: 0,
      reason: "tool_calls",
      assumed: true
    })
  })

  it.each(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])("is none when it ended with %s", (word) => {
    assert.isUndefined(decoded(answer([], word)))
    assert.isUndefined(decoded(answer([{ functionCall: { name: "unknown", args: {} } }], word)))
  })

  it.each([
    {},
    { candidates: [] },
    { candidates: [{}] },
    { candidates: 7 },
    { candidates: [null, [], 5] },
    { promptFeedback: {} },
    { promptFeedback: { blockReason: 3 } }
  ])("is none when nothing was answered: %o", (json) => {
    assert.isUndefined(decoded(json))
  })
})
