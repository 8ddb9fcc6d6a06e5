import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import * as Seal from "../../src/store/Seal.js"

const seal = Seal.make(Redacted.make("the admin's word"))

const opened = (sealed: string, by = seal): string | undefined => {
  const found = by.open(sealed)
  return found && Redacted.value(found)
}

describe("a seal", () => {
  it("gives back what it closed over, also to another gateway with the same word", () => {
    const again = Seal.make(Redacted.make("the admin's word"))
    fc.assert(
      fc.property(fc.fullUnicodeString(), (secret) => {
        assert.strictEqual(opened(seal.close(Redacted.make(secret)), again), secret)
      })
    )
  })

  it("shows nothing of the secret, and never the same text twice", () => {
    const key = Redacted.make("sk-secret")
    const [one, other] = [seal.close(key), seal.close(key)]
    assert.notStrictEqual(one, other)
    for (const text of [one, Buffer.from(one.slice("sealed:1:".length), "base64").toString("latin1")]) {
      assert.notInclude(text, "secret")
    }
  })

  it("is opened by no other word", () => {
    assert.isUndefined(opened(seal.close(Redacted.make("sk-secret")), Seal.make(Redacted.make("another word"))))
  })

  it("that was cut or changed anywhere is not opened", () => {
    const sealed = seal.close(Redacted.make("sk-secret"))
    const bytes = Buffer.from(sealed.slice("sealed:1:".length), "base64")
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      assert.isUndefined(opened(`sealed:1:${changed.toString("base64")}`))
      assert.isUndefined(opened(`sealed:1:${bytes.subarray(0, at).toString("base64")}`))
    }
    for (const text of ["", "sealed:1:", "sk-plain", sealed.replace("sealed:1:", "sealed:2:")]) {
      assert.isUndefined(opened(text))
    }
  })

  it("of nothing is not opened with a shorter tag than it was closed with", () => {
    // The shorter the tag, the sooner a guess is right.
    const bytes = Buffer.from(seal.close(Redacted.make("")).slice("sealed:1:".length), "base64")
    for (const length of [4, 8, 12, 15]) {
      assert.isUndefined(opened(`sealed:1:${bytes.subarray(0, 12 + length).toString("base64")}`))
    }
    assert.strictEqual(opened(`sealed:1:${bytes.toString("base64")}`), "")
  })
})
