import { assert, describe, it } from "@effect/vitest"
import { nearest } from "../../src/config/Nearest.js"

const names = ["apiKey", "baseUrl", "port", "host", "maxAttempts", "on"]

describe("a suggestion", () => {
  it.each([
    ["apikey", "apiKey"],
    ["api_key", "apiKey"],
    ["BASE-URL", "baseUrl"],
    ["prot", "port"],
    ["hosts", "host"],
    ["maxAtempt", "maxAttempts"],
    ["no", "on"]
  ])("for %s is %s", (written, meant) => {
    assert.strictEqual(nearest(written, names), meant)
  })

  it.each(["weight", "past", "", "p", "x".repeat(100_000)])("is not made where nothing is near: %s", (written) => {
    assert.isUndefined(nearest(written, names))
  })

  it("is the nearest of several", () => {
    assert.strictEqual(nearest("mode", ["modes", "mod_e", "model"]), "mod_e")
  })
})
