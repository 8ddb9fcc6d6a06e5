import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Seals from "../../src/protocol/Seals.js"

const origin = FastCheck.stringMatching(/^[a-z0-9._-]{1,12}$/)

describe("a seal", () => {
  it("is marked with its origin where that is not the dialect's own vendor", () => {
    assert.strictEqual(Seals.mark({ origin: "gemini", value: "S" }, "gemini"), "S")
    assert.strictEqual(Seals.mark({ origin: "anthropic", value: "S" }, "gemini"), "orelse~anthropic~S")
  })

  it("without a mark is of the dialect's own vendor", () => {
    for (const value of ["S", "", "orelse", "orelse~S", "~a~b"]) {
      assert.deepStrictEqual(Seals.read(value, "gemini"), { origin: "gemini", value })
    }
  })

  it.prop(
    "comes back as it went, whatever it holds",
    [FastCheck.record({ origin, value: FastCheck.string() }), origin],
    ([seal, native]) => {
      FastCheck.pre(!seal.value.startsWith("orelse~"))
      assert.deepStrictEqual(Seals.read(Seals.mark(seal, native), native), seal)
    }
  )

  it("may hold what parts a mark", () => {
    const seal = { origin: "gemini", value: "a~b~" }
    assert.deepStrictEqual(Seals.read(Seals.mark(seal, "anthropic"), "anthropic"), seal)
  })

  it("is looked for in bytes before they are parsed", () => {
    assert.isTrue(Seals.marked(Buffer.from(`{"signature":"${Seals.mark({ origin: "a", value: "S" }, "b")}"}`)))
    assert.isFalse(Seals.marked(Buffer.from('{"signature":"S","content":"or else"}')))
  })
})
