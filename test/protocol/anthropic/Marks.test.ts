import { assert, describe, it } from "@effect/vitest"
import * as Marks from "../../../src/protocol/anthropic/Marks.js"

const said = { type: "text", text: "Hi" }
const sealed = [
  { type: "thinking", thinking: "a", signature: "s" },
  { type: "redacted_thinking", data: "d" },
  { type: "thinking", thinking: "b", signature: "" },
  { type: "thinking", thinking: "c" }
]

describe("the seals in a whole answer of Anthropic's dialect", () => {
  it("are as they came where they are Anthropic's own, and the answer is the very same", () => {
    const answer = { content: [...sealed, said] }
    assert.strictEqual(Marks.answer(answer, "anthropic"), answer)
  })

  it("are marked where another endpoint made them, or nobody did", () => {
    const { content, ...rest } = Marks.answer({ id: "x", content: [...sealed, said, 7] }, "mine")
    assert.deepStrictEqual(rest, { id: "x" })
    assert.deepStrictEqual(content, [
      { type: "thinking", thinking: "a", signature: "orelse~mine~s" },
      { type: "redacted_thinking", data: "orelse~mine~d" },
      { type: "thinking", thinking: "b", signature: "orelse~nobody~" },
      { type: "thinking", thinking: "c", signature: "orelse~nobody~" },
      said,
      7
    ])
  })

  it("are none where nothing is sealed, and the answer is the very same", () => {
    for (const answer of [{ content: [said] }, { content: "Hi" }, {}]) {
      assert.strictEqual(Marks.answer(answer, "mine"), answer)
    }
  })
})
