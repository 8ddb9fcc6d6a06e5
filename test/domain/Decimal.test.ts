import { assert, describe, it } from "@effect/vitest"
import * as Decimal from "../../src/domain/Decimal.js"

describe("a decimal whose point is moved", () => {
  const cases: ReadonlyArray<readonly [string | number, number, string]> = [
    ["0.00000015", 6, "0.15"],
    ["0.0000006", 6, "0.6"],
    ["0.000000073333333333", 6, "0.073333333333"],
    ["3", 6, "3000000"],
    ["0", 6, "0"],
    ["0.000", 6, "0"],
    [5700, -4, "0.57"],
    [57, -4, "0.0057"],
    [1e-7, 6, "0.1"],
    ["1.5E-6", 6, "1.5"],
    ["1e3", 0, "1000"],
    [0.293, 0, "0.293"],
    ["012.50", 0, "12.5"],
    [" 2 ", 0, "2"]
  ]
  for (const [amount, places, shifted] of cases) {
    it(`is ${shifted} for ${JSON.stringify(amount)} by ${places} places`, () => {
      assert.strictEqual(Decimal.shifted(amount, places), shifted)
    })
  }

  it("is nothing for what is no number from zero up, or one as long as an attack", () => {
    for (const odd of [
      "-1",
      -1,
      "",
      "free",
      "1,5",
      "0x10",
      Number.NaN,
      Number.POSITIVE_INFINITY,
      "1e999",
      "9".repeat(99)
    ]) {
      assert.isUndefined(Decimal.shifted(odd, 6), String(odd))
    }
  })
})
