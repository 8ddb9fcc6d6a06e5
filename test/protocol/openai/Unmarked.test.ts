import { assert, describe, it } from "@effect/vitest"
import * as Unmarked from "../../../src/protocol/openai/Unmarked.js"

const cache_control = { type: "ephemeral" }
const text = { type: "text", text: "hi" }

describe("a message without marks for the cache", () => {
  it("has none on itself and on its parts, and everything else", () => {
    const marked = { role: "user", name: "Ann", content: [{ ...text, cache_control }, text, null], cache_control }
    assert.deepStrictEqual(Unmarked.unmarked(marked), { role: "user", name: "Ann", content: [text, text, null] })
    assert.deepStrictEqual(Unmarked.unmarked({ role: "user", content: "hi", cache_control }), {
      role: "user",
      content: "hi"
    })
  })

  it("is the very same one where there are none", () => {
    for (const content of ["hi", [text, text], null]) {
      const message = { role: "user", content }
      assert.strictEqual(Unmarked.unmarked(message), message)
    }
  })

  it("is looked for where the bytes have a mark", () => {
    assert.isTrue(Buffer.from(JSON.stringify({ content: [{ ...text, cache_control }] })).includes(Unmarked.trace))
  })
})
