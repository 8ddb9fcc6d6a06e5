import { assert, describe, it } from "@effect/vitest"
import * as Reasoned from "../../../src/protocol/openai/Reasoned.js"

const asked = { role: "user", content: "hi" }
const calls = { role: "assistant", content: null, tool_calls: [{ id: "a" }] }
const result = { role: "tool", tool_call_id: "a", content: "r" }
const answers = { role: "assistant", content: "so" }

/** The reasoning of the first message, which is shown. */
const shown = (members: object): unknown => {
  const [first] = Reasoned.shown([{ ...calls, ...members }])
  return first
}

describe("a history without reasoning", () => {
  it("lacks it in every turn once a tool is called", () => {
    const thought = { ...calls, reasoning_content: "hm" }
    assert.isTrue(Reasoned.lacksIn([asked, calls, result]))
    assert.isTrue(Reasoned.lacksIn([asked, { ...calls, reasoning_content: "" }, result]))
    assert.isTrue(Reasoned.lacksIn([asked, thought, result, answers]))
    assert.isFalse(Reasoned.lacksIn([asked, thought, result]))
    assert.isFalse(Reasoned.lacksIn([asked, answers, asked]))
    assert.isFalse(Reasoned.lacksIn([asked, { ...answers, tool_calls: [] }]))
    assert.isFalse(Reasoned.lacksIn(undefined))
  })

  it("shows what the caller kept of it under another name, or none", () => {
    const details = [{ text: "h" }, { summary: "m" }, { data: "D" }]
    assert.deepInclude(shown({ reasoning: "hm" }), { reasoning_content: "hm" })
    assert.deepInclude(shown({ reasoning_details: details }), { reasoning_content: "hm" })
    assert.deepInclude(shown({}), { reasoning_content: Reasoned.none })
    assert.deepInclude(shown({ reasoning_content: null }), { reasoning_content: Reasoned.none })
    assert.isNotEmpty(Reasoned.none)
  })

  it("keeps what is there, and what others say", () => {
    const messages = [asked, { ...calls, reasoning_content: "hm" }, result, null]
    assert.deepStrictEqual(Reasoned.shown(messages), messages)
  })
})
