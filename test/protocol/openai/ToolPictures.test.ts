import { assert, describe, it } from "@effect/vitest"
import * as ToolPictures from "../../../src/protocol/openai/ToolPictures.js"

const text = (words: string) => ({ type: "text", text: words })
const picture = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }
const calls = { role: "assistant", content: null, tool_calls: [{ id: "a" }, { id: "b" }] }
const tool = (id: string, ...content: ReadonlyArray<unknown>) => ({
  role: "tool",
  tool_call_id: id,
  name: "f",
  content
})
const thanks = { role: "user", content: "so?" }

describe("a picture that a tool shows", () => {
  it("is shown by the user behind all results of the turn, and everything else stays", () => {
    const messages = [calls, tool("a", text("1"), picture), tool("b", picture, text("2"), text("3")), thanks]
    assert.isTrue(ToolPictures.someIn(messages))
    assert.deepStrictEqual(ToolPictures.shownByUser(messages), [
      calls,
      tool("a", text("1")),
      tool("b", text("2"), text("3")),
      { role: "user", content: [picture, picture] },
      thanks
    ])
  })

  it("leaves an empty result where it was all", () => {
    assert.deepStrictEqual(ToolPictures.shownByUser([calls, tool("a", picture)]), [
      calls,
      { ...tool("a"), content: "" },
      { role: "user", content: [picture] }
    ])
  })

  it("is none where tools gave texts, and where users show pictures", () => {
    const messages = [
      { role: "user", content: [picture] },
      calls,
      { role: "tool", tool_call_id: "a", content: "1" },
      tool("b", text("2")),
      null
    ]
    assert.isFalse(ToolPictures.someIn(messages))
    assert.deepStrictEqual(ToolPictures.shownByUser(messages), messages)
    assert.isFalse(ToolPictures.someIn("messages"))
  })
})
