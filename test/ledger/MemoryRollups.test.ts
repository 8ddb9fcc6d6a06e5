import { assert, describe, it } from "@effect/vitest"
import * as Money from "../../src/domain/Money.js"
import { MemoryRollups } from "../../src/ledger/MemoryRollups.js"
import * as Rollup from "../../src/ledger/Rollup.js"
import { entry } from "./entries.js"

const start = Date.UTC(2026, 10, 1)
const quarter = 900_000
const day = 86_400_000
const always = { from: 0, to: start + 100 * day }

/** A dollar of a user's, in the nth quarter of an hour. */
const dollar = (user: string, place: number) =>
  Rollup.rollupsOf(entry({ user, cost_usd: "1", timestamp: new Date(start + place * quarter).toISOString() }))

const made = (limits: { readonly rows?: number; readonly values?: number }) =>
  new MemoryRollups({ rows: 1_000, values: 100, age: 35 * day, ...limits })

/** Users and their dollars. */
const users = (memory: MemoryRollups, range: { readonly from: number; readonly to: number } = always) =>
  memory
    .sums({ dimension: "user", order: "cost", limit: 1_000, ...range })
    .map(({ cost_usd, value }) => `${value} ${Money.toUsd(cost_usd)}`)

const total = (memory: MemoryRollups, dimension: Rollup.Dimension) =>
  memory.sums({ dimension, order: "cost", limit: 1_000, ...always }).reduce((sum, { calls }) => sum + calls, 0)

const size = (memory: MemoryRollups) =>
  (["global", "provider", "instance", "model", "user", "key"] as const).reduce(
    (sum, dimension) => sum + memory.rows({ dimension, ...always }).length,
    0
  )

describe("rollups in memory", () => {
  it("know a bounded number of users in a quarter of an hour, and of the others what they have in sum", () => {
    const memory = made({ values: 2 })
    for (const user of ["ann", "bob", "cid", "dan", "bob"]) memory.add(dollar(user, 0))
    assert.deepStrictEqual(users(memory), ["(others) 2", "bob 2", "ann 1"])
    memory.add(dollar("cid", 1))
    assert.deepStrictEqual(users(memory, { from: start + quarter, to: always.to }), ["cid 1"])
  })

  it("forget who it was in the earliest quarters of an hour where there is no more room, and keep every sum", () => {
    const memory = made({ rows: 60 })
    for (let place = 0; place < 8; place++) {
      for (let user = 0; user < 10; user++) memory.add(dollar(`u${user}`, place))
    }
    assert.isAtMost(size(memory), 60)
    for (const dimension of ["global", "provider", "instance", "model", "user"] as const) {
      assert.strictEqual(total(memory, dimension), 80, dimension)
    }
    assert.deepStrictEqual(users(memory, { from: start, to: start + quarter }), ["(others) 10"])
    const latest = users(memory, { from: start + 7 * quarter, to: always.to })
    assert.deepStrictEqual(
      latest,
      Array.from({ length: 10 }, (_, user) => `u${user} 1`)
    )
    assert.deepStrictEqual(users(memory, { from: start, to: start + quarter }), ["(others) 10"])
  })

  it("stay bounded whatever names callers make up", () => {
    const memory = made({ rows: 300, values: 50 })
    for (let at = 0; at < 3_000; at++) memory.add(dollar(`made-up-${at}`, Math.floor(at / 100)))
    assert.isAtMost(size(memory), 300)
    assert.strictEqual(total(memory, "user"), 3_000)
  })

  it("are of 35 days", () => {
    const memory = made({})
    memory.add(dollar("old", 0))
    memory.add(dollar("kept", 1))
    memory.add(dollar("new", 1 + 35 * 96))
    assert.deepStrictEqual(users(memory), ["kept 1", "new 1"])
    assert.strictEqual(total(memory, "global"), 2)
  })

  it("are not changed by who has asked for them", () => {
    const memory = made({})
    memory.add(dollar("ann", 0))
    const [row] = memory.rows({ dimension: "user", ...always })
    const [sum] = memory.sums({ dimension: "user", order: "cost", limit: 1, ...always })
    memory.add(dollar("ann", 0))
    assert.deepStrictEqual([row?.calls, sum?.calls], [1, 1])
    assert.deepStrictEqual(users(memory), ["ann 2"])
  })
})
