import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Money from "../../src/domain/Money.js"

const pico = (max: number) => FastCheck.maxSafeNat().map((amount) => Money.Money.make(BigInt(amount % max)))

/** Below this a JSON number holds every pico-dollar. */
const exactUpToUsd = 4_000

describe("money", () => {
  it.prop("sums without drift, in any order", [FastCheck.array(pico(10 ** 15))], ([amounts]) => {
    const total = amounts.reduce<bigint>((sum, amount) => sum + amount, 0n)
    assert.strictEqual(Money.sum(amounts), total)
    assert.strictEqual(Money.sum(amounts.toReversed()), total)
    assert.strictEqual(Money.sum([]), Money.zero)
  })

  it("of ten dimes is one dollar", () => {
    assert.strictEqual(Money.toUsd(Money.sum(Array.from({ length: 10 }, () => Money.fromUsd(0.1)))), "1")
  })

  it.prop("survives the way out to USD and back", [pico(exactUpToUsd * 10 ** 12)], ([amount]) => {
    assert.strictEqual(Money.fromUsd(Number(Money.toUsd(amount))), amount)
    assert.strictEqual(Money.fromUsd(-Number(Money.toUsd(amount))), -amount)
  })

  it.prop(
    "survives the way out to text and back, of any size",
    [FastCheck.bigInt({ min: -(10n ** 50n), max: 10n ** 50n })],
    ([amount]) => {
      const money = Money.Money.make(amount)
      assert.strictEqual(Money.fromText(Money.toUsd(money)), money)
    }
  )

  it("reads decimals as a database writes them, and nothing else", () => {
    const read = (text: string) => {
      const money = Money.fromText(text)
      return money === undefined ? undefined : Money.toUsd(money)
    }
    assert.deepStrictEqual(["12.50", "0.0000000000004", "0.0000000000005", "-1.25", "7"].map(read), [
      "12.5",
      "0",
      "0.000000000001",
      "-1.25",
      "7"
    ])
    for (const text of ["", ".5", "1.", "1e3", "NaN", "0x1", " 1", "1,5"]) assert.isUndefined(read(text), text)
  })

  it.prop(
    "is exactly tokens times price",
    [FastCheck.nat({ max: 1_000_000_000 }), FastCheck.nat({ max: 1_000_000 })],
    ([tokens, thousandths]) => {
      assert.strictEqual(Money.ofTokens(tokens, thousandths / 1_000), BigInt(tokens) * BigInt(thousandths) * 1_000n)
    }
  )

  const written: ReadonlyArray<readonly [number, string]> = [
    [0, "0"],
    [1, "1"],
    [0.00041, "0.00041"],
    [1e-12, "0.000000000001"],
    [4e-13, "0"],
    [123.45, "123.45"],
    [1_000_000, "1000000"],
    [-0.5, "-0.5"],
    [0.1 + 0.2, "0.3"]
  ]
  for (const [usd, text] of written) {
    it(`${usd} USD is written ${text}`, () => {
      assert.strictEqual(Money.toUsd(Money.fromUsd(usd)), text)
    })
  }
})
