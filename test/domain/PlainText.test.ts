import { assert, describe, it } from "@effect/vitest"
import * as PlainText from "../../src/domain/PlainText.js"

describe("a text that may be kept", () => {
  it("is what it was where nothing is odd about it", () => {
    for (const text of ["", "gpt-4o", "vendor/模型:free", "a 😀"]) {
      assert.isTrue(PlainText.isPlain(text))
      assert.strictEqual(PlainText.of(text), text)
    }
  })

  it("holds nothing that a database refuses, and not too much of anything", () => {
    for (const [text, kept] of [
      ["nul\u0000", "nul\ufffd"],
      ["half \ud800 pair", "half \ufffd pair"],
      ["x".repeat(255) + "😀", "x".repeat(255) + "\ufffd"],
      ["x".repeat(1_000_000), "x".repeat(256)]
    ] as const) {
      assert.isFalse(PlainText.isPlain(text))
      assert.strictEqual(PlainText.of(text), kept)
      assert.isTrue(PlainText.isPlain(PlainText.of(text)))
    }
    assert.strictEqual(PlainText.of("too long", 3), "too")
  })
})
