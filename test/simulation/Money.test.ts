import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { prove } from "./money.js"

const seeds = 50

describe("money, whatever happens to three providers", () => {
  it.effect(
    `${seeds} times 1,000 requests are in the ledger as their providers bill them, and no budget is ever overspent`,
    () =>
      Effect.gen(function* () {
        const seen = new Map<string, number>()
        const violations: Array<string> = []
        let requests = 0
        for (let seed = 1; seed <= seeds; seed++) {
          const outcome = yield* prove(seed)
          violations.push(...outcome.violations)
          requests += outcome.requests
          for (const [what, count] of outcome.seen) seen.set(what, (seen.get(what) ?? 0) + count)
        }
        assert.deepStrictEqual(violations, [])
        assert.isAtLeast(requests, seeds * 900)
        // The worlds are as bad as they are meant to be.
        assert.includeMembers(
          [...seen.keys()],
          [
            "success reported",
            "failure free",
            "failure estimated",
            "cancelled estimated",
            "budget_exceeded",
            "caller_hung_up",
            "broken_stream"
          ]
        )
      }),
    120_000
  )
})
