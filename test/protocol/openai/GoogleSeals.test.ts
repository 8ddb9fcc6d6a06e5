import { assert, describe, it } from "@effect/vitest"
import * as GoogleSeals from "../../../src/protocol/openai/GoogleSeals.js"
import { outbound } from "../../support/turns.js"

const call = (id: string, extra_content?: object) => ({
  id,
  type: "function",
  function: { name: "f", arguments: "{}" },
  ...(extra_content === undefined ? {} : { extra_content })
})

describe("signed calls", () => {
  it("are demanded by Google's models from the third on, at its own endpoint", () => {
    const demanded = (model: string, realm: string) => GoogleSeals.demanded(outbound({ model, realm }))
    assert.isTrue(demanded("gemini-3-pro-preview", "gemini"))
    assert.isFalse(demanded("gemini-2.5-flash", "gemini"))
    assert.isFalse(demanded("gemini-3-pro-preview", "openrouter"))
  })

  it("are the first of a message, where nobody has signed it", () => {
    const [first, second] = GoogleSeals.signed([call("a", { other: 1 }), call("b")])
    assert.deepStrictEqual<unknown>(
      first,
      call("a", { other: 1, google: { thought_signature: "skip_thought_signature_validator" } })
    )
    assert.deepStrictEqual<unknown>(second, call("b"))
  })

  it("stay as they are", () => {
    const own = [call("a", { google: { thought_signature: "S" } }), call("b")]
    assert.deepStrictEqual<unknown>(GoogleSeals.signed(own), own)
    assert.isEmpty(GoogleSeals.signed([]))
  })
})
