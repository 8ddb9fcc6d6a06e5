import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { existsSync, readFileSync } from "node:fs"
import * as Json from "../../../src/protocol/Json.js"
import { back } from "../../../src/protocol/workersai/WorkersAi.js"
import { finish, hostile, incoming, said } from "../../support/turns.js"

const decode = (json: string) => back.decode(Json.record(Json.parse(json)), incoming())

const answer = (result: object) => decode(JSON.stringify({ result, success: true, errors: [], messages: [] }))

describe("an answer of Workers AI", () => {
  it("is a text and its usage, in an envelope or without", () => {
    const result = { response: "hi", usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } }
    const usage = { input: 7, cacheRead: 0, cacheWrite: 0, output: 3, reasoning: 0 }
    for (const read of [answer(result), back.decode(result, incoming())]) {
      assert.deepStrictEqual(read?.events, [said("hi"), finish("stop")])
      assert.deepStrictEqual(read?.usage, usage)
    }
  })

  it("counts cached input apart", () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 5 } }
    const { cacheRead, input } = answer({ response: "hi", usage })?.usage ?? {}
    assert.deepStrictEqual({ cacheRead, input }, { cacheRead: 5, input: 2 })
  })

  it("may be a value instead of its JSON text", () => {
    assert.deepStrictEqual(answer({ response: { a: [1] } })?.events[0], said('{"a":[1]}'))
    assert.deepStrictEqual(answer({ response: 42 })?.events[0], said("42"))
    assert.deepStrictEqual(
      decode('{"result":{"response":{"a":12345678901234567890}}}')?.events[0],
      said('{"a":12345678901234567890}')
    )
  })

  it("holds calls in the flat form and in OpenAI's", () => {
    const shaped = { id: "c9", type: "function", function: { name: "look", arguments: '{"at":2}' } }
    const calls = [{ name: "look", arguments: { at: 1 } }, { name: "wait" }, { name: "go", arguments: "{}" }, shaped]
    const read = answer({ response: null, tool_calls: calls })
    const made = read?.events.flatMap((event) => (event._tag === "ToolCall" ? [event] : [])) ?? []
    assert.deepStrictEqual(
      made.map((call) => [call.call, call.id, call.name, call.arguments]),
      [
        [0, "call_1", "look", '{"at":1}'],
        [1, "call_2", "wait", "{}"],
        [2, "call_3", "go", "{}"],
        [3, "c9", "look", '{"at":2}']
      ]
    )
    assert.deepStrictEqual(read?.events.at(-1), finish("tool_calls"))
  })

  it("says why it ended, when it does", () => {
    assert.deepStrictEqual(answer({ response: "", finish_reason: "length" })?.events, [finish("length")])
  })

  it("may be one of OpenAI's", () => {
    const message = { role: "assistant", reasoning_content: "hm", content: "hi" }
    const read = answer({ id: "a-1", model: "m-1", choices: [{ index: 0, message, finish_reason: "length" }] })
    assert.deepStrictEqual(read?.events, [{ _tag: "Reasoning", index: 0, text: "hm" }, said("hi"), finish("length")])
    assert.strictEqual(read?.model, "m-1")
  })

  it("is none when nothing was answered", () => {
    assert.isUndefined(answer({}))
    assert.isUndefined(answer({ response: null, usage: {} }))
    assert.isUndefined(decode("{}"))
  })

  it("never throws, whatever its JSON", () => {
    const members = ["response", "tool_calls", "function", "arguments", "name", "id", "index", "usage", "choices"]
    FastCheck.assert(
      FastCheck.property(hostile(members), (result) => {
        const last = decode(`{"result": ${result}}`)?.events.at(-1)?._tag
        assert.include([undefined, "Finish"], last)
      })
    )
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`
    assert.deepStrictEqual(decode(`{"result": {"response": ${deep}}}`)?.events, [finish("stop")])
    const call = decode(`{"result": {"tool_calls": [{"name": "look", "arguments": ${deep}}]}}`)?.events[0]
    assert.strictEqual(call?._tag === "ToolCall" ? call.arguments : undefined, "{}")
  })
})

const recorded = new URL("../../../../shared/wire/cloudflare-workers-ai/run-native-text.json", import.meta.url)

describe.skipIf(!existsSync(recorded))("a recorded answer of Workers AI (skipped where ../shared/wire is not)", () => {
  it("is its text and its usage", () => {
    const json = readFileSync(recorded, "utf8")
    const { response, usage } = Json.record(Json.record(Json.parse(json))["result"])
    const counts = Json.record(usage)
    const read = decode(json)
    assert.deepStrictEqual(read?.events, [said(Json.text(response) ?? assert.fail("no text")), finish("stop")])
    assert.strictEqual(read?.usage?.input, counts["prompt_tokens"])
    assert.strictEqual(read?.usage?.output, counts["completion_tokens"])
  })
})
