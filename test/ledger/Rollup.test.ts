import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { LedgerEntry } from "../../src/ledger/LedgerEntry.js"
import * as Money from "../../src/domain/Money.js"
import * as Rollup from "../../src/ledger/Rollup.js"
import { entry, figuresOf, hit } from "./entries.js"

const figures = (...args: Parameters<typeof Rollup.rollupsOf>): Rollup.Figures =>
  figuresOf(Rollup.rollupsOf(...args)[0] ?? assert.fail("there is none"))

const usd = (text: string): Money.Money => Money.fromText(text) ?? assert.fail(text)

describe("what a row of the ledger adds", () => {
  it("is a row for each thing that is known of it, in the quarter of an hour that the call began in", () => {
    const bucket = Date.UTC(2026, 10, 21, 10, 0)
    const rollups = Rollup.rollupsOf(entry({ user: "ann", key: "k1" }))
    assert.deepStrictEqual(
      rollups.map((row) => [row.dimension, row.value, row.bucket]),
      [
        ["global", "", bucket],
        ["provider", "openai", bucket],
        ["instance", "primary", bucket],
        ["model", "gpt-4o", bucket],
        ["user", "ann", bucket],
        ["key", "k1", bucket]
      ]
    )
    assert.deepStrictEqual(
      Rollup.rollupsOf(entry()).map(({ dimension }) => dimension),
      ["global", "provider", "instance", "model"]
    )
    const [later] = Rollup.rollupsOf(entry({ timestamp: "2026-11-21T10:15:00.000Z" }))
    assert.strictEqual(later?.bucket, bucket + 900_000)
  })

  it("counts all tokens that went in and came out, in every bucket that they are in", () => {
    const counted = figures(
      entry({
        input_tokens: 1,
        cache_read_tokens: 10,
        cache_write_tokens: 100,
        cache_write_1h_tokens: 1_000,
        input_audio_tokens: 10_000,
        output_tokens: 2,
        reasoning_tokens: 20,
        output_audio_tokens: 200
      })
    )
    assert.deepStrictEqual([counted.input_tokens, counted.output_tokens], [11_111, 222])
    assert.deepStrictEqual(counted, {
      ...Rollup.none,
      calls: 1,
      successes: 1,
      input_tokens: 11_111,
      output_tokens: 222,
      cost_usd: usd("0.000039"),
      ms: 100
    })
  })

  it("is a call whatever came of it, and time only where it succeeded", () => {
    const unknown = { cost_usd: null, input_tokens: null, output_tokens: null } as const
    assert.deepStrictEqual(figures(entry({ outcome: "failure", ...unknown })), {
      ...Rollup.none,
      calls: 1,
      failures: 1,
      unpriced: 1
    })
    assert.deepInclude(figures(entry({ outcome: "cancelled" })), {
      calls: 1,
      cancelled: 1,
      unpriced: 0,
      ms: 0,
      cost_usd: usd("0.000039")
    })
  })

  it("of a hit is what it saved: no call, no cost, no tokens", () => {
    assert.deepStrictEqual(figures(hit()), { ...Rollup.none, hits: 1, saved_usd: usd("0.5") })
    assert.deepStrictEqual(figures(hit({ saved_usd: null })), { ...Rollup.none, hits: 1 })
  })

  it.prop(
    "can be taken away again to nothing",
    [
      FastCheck.constantFrom<LedgerEntry["outcome"][]>("success", "failure", "cancelled", "hit"),
      FastCheck.nat(),
      FastCheck.nat()
    ],
    ([outcome, tokens, pico]) => {
      const given = entry({ outcome, input_tokens: tokens, cost_usd: Money.toUsd(Money.Money.make(BigInt(pico))) })
      assert.deepStrictEqual(Rollup.plus(figures(given), figures(given, -1)), Rollup.none)
    }
  )

  it("sums money to the last digit", () => {
    const dime = figures(entry({ cost_usd: "0.1" }))
    const sum = Array.from({ length: 10 }, () => dime).reduce(Rollup.plus, Rollup.none)
    assert.strictEqual(Money.toUsd(sum.cost_usd), "1")
  })
})
