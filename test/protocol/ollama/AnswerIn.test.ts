import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { existsSync, readFileSync } from "node:fs"
import * as Json from "../../../src/protocol/Json.js"
import { back } from "../../../src/protocol/ollama/Ollama.js"
import { hostile, incoming } from "../../support/turns.js"

const decode = (json: string) => back.decode(Json.record(Json.parse(json)), incoming())

const answer = (message: object, more: object = {}) =>
  decode(JSON.stringify({ model: "m-1", message: { role: "assistant", ...message }, done: true, ...more }))

describe("an answer of Ollama", () => {
  it("holds what was thought and said, and why it ended", () => {
    const read = answer({ content: "42", thinking: "hm" }, { done_reason: "length" })
    assert.deepStrictEqual(read?.events, [
      { _tag: "Reasoning", index: 0, text: "hm" },
      { _tag: "Text", index: 0, text: "42" },
      { _tag: "Finish", index: 0, reason: "length" }
    ])
    assert.strictEqual(read?.model, "m-1")
  })

  it("holds calls with their arguments as JSON text, big integers too, and gives an id to those without", () => {
    const read = decode(`{"message": {"content": "", "tool_calls": [
      {"id": "call_x", "function": {"index": 0, "name": "look", "arguments": {"at": 12345678901234567890}}},
      {"function": {"index": 0, "name": "wait"}}
    ]}, "done_reason": "stop", "done": true}`)
    assert.deepStrictEqual(read?.events, [
      {
        _tag: "ToolCall",
        index: 0,
        call: 0,
        id: "call_x",
        name: "look",
        arguments: '{"at":12345678901234567890}'
      },
      { _tag: "ToolCall", index: 0, call: 1, id: "call_1", name: "wait", arguments: "{}" },
      { _tag: "Finish", index: 0, reason: "tool_calls" }
    ])
  })

  const usages: ReadonlyArray<readonly [string, object, object | undefined]> = [
    ["prompt and output", { prompt_eval_count: 7, eval_count: 3 }, { input: 7, cacheRead: 0, output: 3 }],
    ["a prompt that was cached whole", { eval_count: 3 }, { input: 0, cacheRead: 0, output: 3 }],
    [
      "a prompt that was cached in part",
      { prompt_eval_count: 7, prompt_eval_cached_count: 5, eval_count: 3 },
      { input: 2, cacheRead: 5, output: 3 }
    ],
    ["nothing, when a model was only loaded", { done_reason: "load" }, undefined]
  ]
  for (const [what, counts, usage] of usages) {
    it(`counts ${what}`, () => {
      const expected = usage === undefined ? undefined : { cacheWrite: 0, reasoning: 0, ...usage }
      assert.deepStrictEqual(answer({ content: "x" }, counts)?.usage, expected)
    })
  }

  it("is none without a message", () => {
    assert.isUndefined(decode("{}"))
    assert.isUndefined(decode('{"message": "hi", "done": true}'))
  })

  it("never throws, whatever its JSON", () => {
    const members = [
      "message",
      "content",
      "thinking",
      "tool_calls",
      "function",
      "arguments",
      "id",
      "name",
      "eval_count"
    ]
    FastCheck.assert(
      FastCheck.property(hostile(members), (message) => {
        const reason = decode(`{"message": ${message}, "done_reason": ${message}}`)?.events.at(-1)?._tag
        assert.include([undefined, "Finish"], reason)
      })
    )
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`
    const read = decode(`{"message": {"tool_calls": [{"function": {"name": "look", "arguments": ${deep}}}]}}`)
    assert.deepStrictEqual(
      read?.events.map(({ _tag }) => _tag),
      ["ToolCall", "Finish"]
    )
  })
})

const recorded = new URL("../../../../shared/wire/ollama/api-chat-chat-with-callable-tool.json", import.meta.url)

describe.skipIf(!existsSync(recorded))("a recorded answer of Ollama (skipped where ../shared/wire is not)", () => {
  it("is a thought, a call of the tool, and its usage", () => {
    const json = Json.record(Json.parse(readFileSync(recorded, "utf8")))
    const [asked] = Json.records(Json.record(json["message"])["tool_calls"])
    const read = back.decode(json, incoming())
    const calls = read?.events.flatMap((event) => (event._tag === "ToolCall" ? [event] : [])) ?? []
    assert.deepStrictEqual(
      read?.events.map(({ _tag }) => _tag),
      ["Reasoning", "ToolCall", "Finish"]
    )
    assert.deepStrictEqual(
      calls.map((call) => [call.id, Json.parse(call.arguments)]),
      [[asked?.["id"], Json.record(asked?.["function"])["arguments"]]]
    )
    assert.strictEqual(read?.usage?.input, json["prompt_eval_count"])
    assert.strictEqual(read?.usage?.output, json["eval_count"])
  })
})
