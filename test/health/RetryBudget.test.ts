import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { RetryBudget } from "../../src/health/RetryBudget.js"

const spend = (budget: RetryBudget, now = 0): number => {
  let calls = 0
  while (budget.withdraw(now)) calls++
  return calls
}

describe("the retry budget of an instance", () => {
  it("pays for its reserve at once, and then for nothing", () => {
    assert.strictEqual(spend(new RetryBudget(0.1, 10)), 10)
  })

  it("gets its share of every first call", () => {
    const budget = new RetryBudget(0.25, 10)
    spend(budget)
    for (let call = 0; call < 20; call++) budget.deposit()
    assert.strictEqual(spend(budget), 5)
  })

  it("gets a call back every ten seconds, and never more than its reserve", () => {
    const budget = new RetryBudget(0.1, 3)
    spend(budget)
    assert.isFalse(budget.covers(9_000))
    assert.isTrue(budget.covers(10_000))
    assert.strictEqual(spend(budget, 3_600_000), 3)
  })

  it("is not spent by asking", () => {
    const budget = new RetryBudget(0.1, 1)
    assert.isTrue(budget.covers(0) && budget.covers(0) && budget.covers(0))
    assert.strictEqual(spend(budget), 1)
  })

  it("without share and reserve pays for nothing but what time gives", () => {
    assert.strictEqual(spend(new RetryBudget(0, 0), 3_600_000), 0)
  })

  it("pays for one last call each ten seconds, whatever was spent", () => {
    const budget = new RetryBudget(0, 0)
    const paid = [0, 9_999, 10_000, 10_001, 20_000].map((now) => budget.withdrawLast(now))
    assert.deepStrictEqual(paid, [true, false, true, false, true])
  })

  it.prop(
    "never lets everybody's retries add more than its share and its reserve",
    [FastCheck.integer({ min: 1, max: 500 }), FastCheck.integer({ min: 0, max: 5 })],
    ([requests, wanted]) => {
      const budget = new RetryBudget(0.1, 10)
      let extra = 0
      for (let request = 0; request < requests; request++) {
        budget.deposit()
        for (let retry = 0; retry < wanted; retry++) if (budget.withdraw(0)) extra++
      }
      assert.isAtMost(extra, requests * 0.1 + 10)
    }
  )
})
