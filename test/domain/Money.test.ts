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
