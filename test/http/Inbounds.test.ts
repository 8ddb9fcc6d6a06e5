import { assert, describe, it } from "@effect/vitest"
import * as Inbounds from "../../src/http/Inbounds.js"

describe("the id of a request", () => {
  const named = () => {
    const inboundOf = Inbounds.naming()
    return (id?: string) => inboundOf("POST", "/", id === undefined ? {} : { "x-request-id": id }).id
  }

  it("is the caller's own where that is harmless", () => {
    const idOf = named()
    assert.strictEqual(idOf("trace:42_a.b-c"), "trace:42_a.b-c")
    for (const odd of [undefined, "", "a b", "x".repeat(129), "a\nb"]) assert.match(idOf(odd), /^[0-9a-f-]{36}$/)
  })

  it("is never one that another request has, and still tells whose it was", () => {
    const idOf = named()
    const long = "x".repeat(128)
    for (const id of ["mine", long]) {
      assert.strictEqual(idOf(id), id)
      const again = [idOf(id), idOf(id)]
      assert.strictEqual(new Set([id, ...again]).size, 3)
      for (const other of again) {
        assert.isTrue(other.startsWith(id.slice(0, 119)) && other.length <= 128, other)
        assert.match(other, /-[0-9a-f]{8}$/)
      }
    }
  })

  it("of one server says nothing of another's", () => {
    const [one, other] = [named(), named()]
    assert.deepStrictEqual([one("mine"), other("mine")], ["mine", "mine"])
  })
})
