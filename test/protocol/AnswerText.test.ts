import { assert, describe, it } from "@effect/vitest"
import type { ChatAnswer } from "../../src/domain/ChatAnswer.js"
import * as AnswerText from "../../src/protocol/AnswerText.js"

const textOf = (view: ChatAnswer["view"]): string =>
  AnswerText.textOf({
    body: Buffer.from("{}"),
    view,
    model: undefined,
    complete: true,
    usage: undefined,
    reportedCost: undefined
  })

const parts = [{ type: "thinking", thinking: [] }, { type: "text", text: "a" }, "?", { type: "text", text: "b" }]

describe("the text of an answer", () => {
  it("is that of OpenAI's first choice, in one piece, in parts, or none", () => {
    const said = (message: unknown) => textOf({ choices: [{ index: 0, message }, { message: { content: "later" } }] })
    assert.deepStrictEqual(
      [said({ content: "hello" }), said({ content: parts }), said({ content: null }), said(null)],
      ["hello", "ab", "", ""]
    )
  })

  it("is that of all text blocks of Anthropic's message", () => {
    assert.strictEqual(textOf({ type: "message", content: parts }), "ab")
  })

  it("is empty where there is none", () => {
    assert.deepStrictEqual([textOf({}), textOf({ choices: [] }), textOf({ content: 5 })], ["", "", ""])
  })
})
