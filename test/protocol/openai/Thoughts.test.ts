import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Thoughts from "../../../src/protocol/openai/Thoughts.js"

const value = FastCheck.stringMatching(/^[A-Za-z0-9+/]{1,12}={0,2}$/)
const seal = FastCheck.record({ origin: FastCheck.constantFrom("openrouter", "anthropic", "an-instance"), value })

describe("the seal of a thought", () => {
  it.prop("comes back with the text that it seals", [seal, FastCheck.string()], ([given, text]) => {
    assert.deepStrictEqual(Thoughts.read(Thoughts.mark(given, text), text), given)
  })

  it("of another maker is none without that text", () => {
    const marked = Thoughts.mark({ origin: "anthropic", value: "S" }, "hm")
    for (const text of ["", "h", "hmm"]) assert.isUndefined(Thoughts.read(marked, text))
  })

  it("of the native maker is as it came, so it stands for any text", () => {
    const native = { origin: "openrouter", value: "S" }
    assert.strictEqual(Thoughts.mark(native, "hm"), "S")
    assert.deepStrictEqual(Thoughts.read("S", ""), native)
  })

  it("that was marked without its text is believed", () => {
    const given = { origin: "minimax", value: "S" }
    assert.deepStrictEqual(Thoughts.read("orelse~minimax~S", "hm"), given)
  })
})

describe("the details of a message", () => {
  const detail = (members: object) => ({ type: "reasoning.text", index: 0, ...members })
  const whole = [detail({ text: "hm" }), detail({ signature: "S" })]
  const marked = detail({ index: 1, data: "orelse~anthropic~D" })

  it("are the tail of a stream where a signature has no text, or thoughts are missing before the first", () => {
    assert.isTrue(Thoughts.isTail(whole.slice(1)))
    assert.isTrue(Thoughts.isTail([marked]))
  })

  it("are whole where they begin with a text, and where a vendor counts in its own way", () => {
    assert.isFalse(Thoughts.isTail(whole))
    assert.isFalse(Thoughts.isTail([detail({ text: "", signature: "S" })]))
    assert.isFalse(Thoughts.isTail([{ ...marked, data: "D" }]))
    assert.isFalse(Thoughts.isTail([{ ...marked, index: 0 }]))
    assert.isFalse(Thoughts.isTail([]))
  })
})
