import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { prove } from "./money.js"

/** That money is right in so many worlds. */
export const proveAll = ({ requests, seeds }: { readonly seeds: number; readonly requests: number }): void => {
  describe("money, whatever happens to three providers", () => {
    it.effect(
      `${seeds} times ${requests} requests are in the ledger as their providers bill them, and no budget is ever overspent`,
      () =>
        Effect.gen(function* () {
          const seen = new Set<string>()
          const violations: Array<string> = []
          let made = 0
          for (let seed = 1; seed <= seeds; seed++) {
            const outcome = yield* prove(seed, requests)
            violations.push(...outcome.violations)
            made += outcome.requests
            for (const what of outcome.seen.keys()) seen.add(what)
          }
          assert.deepStrictEqual(violations, [])
          assert.isAtLeast(made, 0.9 * seeds * requests)
          // The worlds are as bad as they are meant to be.
          const bad = ["budget_exceeded", "cost_unbounded", "caller_hung_up", "broken_stream", "deadline_exceeded"]
          const booked = ["success reported", "failure free", "failure estimated", "cancelled estimated"]
          assert.includeMembers([...seen], [...bad, ...booked])
        }),
      1_800_000
    )
  })
}
