import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Fold from "../../../src/protocol/Fold.js"
import { LineSplitter } from "../../../src/protocol/Lines.js"
import { back } from "../../../src/protocol/ollama/Ollama.js"
import { eventsOf, hostile, incoming, readAll, usageOf } from "../../support/turns.js"

const read = (...lines: ReadonlyArray<unknown>) =>
  readAll(
    back.reader(incoming()),
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)))
  )

const says = (message: object) => ({ model: "m-1", message: { role: "assistant", ...message }, done: false })
const end = { model: "m-1", done: true, done_reason: "stop", prompt_eval_count: 7, eval_count: 3 }

describe("a stream of Ollama", () => {
  it("ends with the line that says so, its reason and its usage", () => {
    const readings = read(says({ content: "4" }), says({ content: "2" }), end)
    assert.deepStrictEqual(eventsOf(readings), [
      { _tag: "Text", index: 0, text: "4" },
      { _tag: "Text", index: 0, text: "2" },
      { _tag: "Finish", index: 0, reason: "stop" }
    ])
    assert.deepStrictEqual(
      readings.map(({ done }) => done),
      [false, false, true]
    )
    assert.deepStrictEqual(usageOf(readings), { input: 7, cacheRead: 0, cacheWrite: 0, output: 3, reasoning: 0 })
  })

  it("also says what its last line holds", () => {
    assert.deepStrictEqual(eventsOf(read({ ...end, message: { content: "bye" } })), [
      { _tag: "Text", index: 0, text: "bye" },
      { _tag: "Finish", index: 0, reason: "stop" }
    ])
  })

  it("counts its calls over all lines, and finishes for them", () => {
    const call = (name: string) => says({ content: "", tool_calls: [{ function: { index: 0, name, arguments: {} } }] })
    const events = eventsOf(read(call("a"), call("b"), end))
    assert.deepStrictEqual(
      events.map((event) => (event._tag === "ToolCall" ? [event.call, event.id, event.name] : event._tag)),
      [[0, "call_1", "a"], [1, "call_2", "b"], "Finish"]
    )
    assert.deepStrictEqual(events.at(-1), { _tag: "Finish", index: 0, reason: "tool_calls" })
  })

  it("fails on a line that holds an error", () => {
    const [, reading] = read(says({ content: "4" }), { error: "the runner is gone" })
    assert.strictEqual(reading?.failure?.category, "provider_unavailable")
    assert.isFalse(reading?.done)
    assert.strictEqual(read({ error: "model 'tiny' not found" })[0]?.failure?.category, "model_not_found")
  })

  it("goes on over lines that are none of its own", () => {
    assert.lengthOf(
      read("", "hello", "[1]", "null", "3", '{"status":"pulling"}', '{"message":"x"}', '{"done":false}'),
      0
    )
  })

  it("never throws, whatever its lines", () => {
    const members = ["message", "content", "tool_calls", "function", "arguments", "done", "error", "eval_count"]
    FastCheck.assert(
      FastCheck.property(FastCheck.array(hostile(members), { maxLength: 5 }), (lines) => {
        assert.isAtMost(read(...lines).length, lines.length)
      })
    )
  })

  const message = FastCheck.record({
    thinking: FastCheck.string(),
    content: FastCheck.string(),
    tools: FastCheck.array(FastCheck.record({ name: FastCheck.string(), arguments: FastCheck.object() }), {
      maxLength: 3
    })
  })
  const count = FastCheck.nat({ max: 1_000_000 })

  it("means what the same answer means when it comes whole, however it is cut", () => {
    FastCheck.assert(
      FastCheck.property(message, count, count, FastCheck.nat({ max: 40 }), (said, prompt, output, size) => {
        const { content, thinking } = said
        const tool_calls = said.tools.map((each) => ({ function: each }))
        const counts = { ...end, prompt_eval_count: prompt, eval_count: output }
        const whole = back.decode({ ...counts, message: { content, thinking, tool_calls } }, incoming())
        const lines = [
          ...Array.from(thinking, (letter) => says({ thinking: letter })),
          ...Array.from(content, (letter) => says({ content: letter })),
          ...tool_calls.map((each) => says({ tool_calls: [each] })),
          counts
        ]
        const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
        const splitter = new LineSplitter()
        const frames: Array<string> = []
        for (let at = 0; at < bytes.length; at += size + 1) {
          for (const line of splitter.push(bytes.subarray(at, at + size + 1)) ?? []) frames.push(line.toString())
        }
        const readings = read(...frames)
        assert.deepStrictEqual(usageOf(readings), whole?.usage)
        assert.deepStrictEqual(Fold.choices(eventsOf(readings)), Fold.choices(whole?.events ?? []))
      })
    )
  })
})
