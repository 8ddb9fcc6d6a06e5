import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import { same } from "../../src/config/Same.js"

describe("two settings", () => {
  const made = (secret: string, more: object = {}) => ({ key: Redacted.make(secret), list: [1, { a: "b" }], ...more })

  it("are the same when they say the same, down to the key", () => {
    assert.isTrue(same(made("k"), made("k")))
    assert.isFalse(same(made("k"), made("another")))
    assert.isFalse(same({ key: Redacted.make("k") }, { key: "k" }))
    assert.isFalse(same({ key: "k" }, { key: Redacted.make("k") }))
  })

  it("are the same whether a field is absent or undefined, and not when it is anything else", () => {
    assert.isTrue(same(made("k", { more: undefined }), made("k")))
    assert.isFalse(same(made("k", { more: false }), made("k")))
    assert.isFalse(same(made("k"), made("k", { more: null })))
  })

  it("differ in the order and the length of a list", () => {
    assert.isFalse(same([1, 2], [2, 1]))
    assert.isFalse(same([1, 2], [1]))
    assert.isFalse(same([], {}))
  })
})
