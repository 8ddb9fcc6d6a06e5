import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import type { BudgetSettings } from "../../src/config/Settings.js"
import * as Money from "../../src/domain/Money.js"
import { BudgetStore, type Ask, type Lease } from "../../src/ledger/BudgetStore.js"
import * as BudgetWindow from "../../src/ledger/BudgetWindow.js"
import type { LedgerEntry, LedgerIntent } from "../../src/ledger/LedgerEntry.js"
import * as LedgerTables from "../../src/ledger/LedgerTables.js"
import { Journal } from "../../src/store/Journal.js"
import { database } from "../support/database.js"

const run = randomUUID()

const intent = (fields: Partial<LedgerIntent> = {}): LedgerIntent => ({
  id: randomUUID(),
  request_id: "r-1",
  timestamp: "2026-03-04T12:34:56.000Z",
  tenant: "default",
  user: null,
  key: null,
  instance: "a",
  provider: "openai",
  model: "m",
  provider_model_id: "gpt-m",
  stream: false,
  reserved_usd: null,
  ...fields
})

const ended = (begun: LedgerIntent, fields: Partial<LedgerEntry> = {}): LedgerEntry => ({
  ...begun,
  ended_at: "2026-03-04T12:34:57.000Z",
  outcome: "success",
  category: null,
  ms: 1_000,
  input_tokens: 10,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: 0,
  input_audio_tokens: 0,
  output_tokens: 5,
  reasoning_tokens: 0,
  output_audio_tokens: 0,
  usage_source: "reported",
  cost_usd: "0.1",
  saved_usd: null,
  ...fields
})

const apply = (kind: "entry" | "intent", rows: ReadonlyArray<object>, more: object = {}) =>
  Effect.gen(function* () {
    const applier = LedgerTables.appliers.get(kind) ?? assert.fail("nobody applies it")
    yield* applier(JSON.stringify(rows.map((row) => ({ run, budgets: [], ...row, ...more }))))
  })

const rows = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<{ id: string; outcome: string; cost: string | null; source: string | null }>`
    SELECT id, outcome, trim_scale(cost_usd)::text AS cost, usage_source AS source FROM ledger_entries ORDER BY id`
})

const summed = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ calls: string; cancelled: string; cost: string }>`
    SELECT sum(calls)::text AS calls, sum(cancelled)::text AS cancelled, trim_scale(sum(cost_usd))::text AS cost
      FROM ledger_rollups WHERE dimension = 'global'`
  return row
})

const usd = (amount: string): Money.Money => Money.fromText(amount) ?? Money.zero

describe("the tables of the ledger", () => {
  it.scoped("hold a call once, in whichever order and however often its two records come", () =>
    Effect.gen(function* () {
      const [one, two, three] = [intent(), intent(), intent()]
      yield* apply("intent", [one])
      yield* apply("entry", [ended(one)])
      yield* apply("entry", [ended(two)])
      yield* apply("intent", [two])
      yield* apply("entry", [ended(one, { cost_usd: "7" }), ended(three)])
      yield* apply("intent", [one, three])
      const found = yield* rows
      assert.deepStrictEqual(
        found.map(({ cost, outcome }) => [outcome, cost]),
        [
          ["success", "0.1"],
          ["success", "0.1"],
          ["success", "0.1"]
        ]
      )
      assert.deepStrictEqual(yield* summed, { calls: "3", cancelled: "0", cost: "0.3" })
    }).pipe(Effect.provide(database))
  )

  it.scoped("charge what a dead gateway had under way at what was reserved, and what never ended is known", () =>
    Effect.gen(function* () {
      const [kept, free, whole] = [intent({ reserved_usd: "0.5" }), intent(), intent()]
      yield* apply("intent", [kept, free, whole])
      yield* apply("entry", [ended(whole)])
      const other = intent()
      yield* apply("intent", [other], { run: randomUUID() })
      yield* LedgerTables.abandon(run)
      yield* LedgerTables.abandon(run)
      const found = new Map((yield* rows).map(({ id, ...rest }) => [id, rest]))
      assert.deepStrictEqual(
        [kept, free, whole, other].map(({ id }) => found.get(id)),
        [
          { outcome: "lost", cost: "0.5", source: "estimated" },
          { outcome: "lost", cost: null, source: null },
          { outcome: "success", cost: "0.1", source: "reported" },
          { outcome: "open", cost: null, source: null }
        ]
      )
      assert.deepStrictEqual(yield* summed, { calls: "3", cancelled: "2", cost: "0.6" })
    }).pipe(Effect.provide(database))
  )

  it.scoped("believe the end of a call that was taken for lost, when it comes after all", () =>
    Effect.gen(function* () {
      const late = intent({ reserved_usd: "0.5" })
      yield* apply("intent", [late])
      yield* LedgerTables.abandon(run)
      yield* apply("entry", [ended(late), ended(intent())])
      yield* apply("entry", [ended(late)])
      assert.deepStrictEqual(yield* summed, { calls: "2", cancelled: "0", cost: "0.2" })
    }).pipe(Effect.provide(database))
  )
})

const budget: BudgetSettings = {
  scope: "global",
  daily: usd("5"),
  weekly: undefined,
  monthly: undefined,
  mode: "hard",
  window: "calendar",
  timeZone: "UTC",
  worstCase: undefined
}

const windows = BudgetWindow.of(budget, Date.parse("2026-03-04T13:00:00Z"))

const ask = (fields: Partial<Ask>): Ask => ({
  scope: "global",
  windows,
  amounts: [],
  more: Money.zero,
  back: Money.zero,
  reserved: Money.zero,
  ...fields
})

/** A gateway on the tables; its leases are its own. */
const gateway = Effect.gen(function* () {
  const journal = yield* Journal
  return { store: yield* BudgetStore, run: journal.id }
}).pipe(Effect.provide(BudgetStore.layerTables), Effect.provide(Journal.none))

const granted = ({ amounts }: Lease): number => amounts.filter(Boolean).length

describe("the leases of budgets in the tables", () => {
  it.scoped("never exceed the limit together with what was spent, by however many gateways", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* gateway, yield* gateway]
      yield* apply("entry", [ended(intent(), { cost_usd: "1" })])
      const dime = usd("0.1")
      const many = Array.from({ length: 30 }, () => dime)
      const first = yield* one.store.lease(ask({ amounts: many }))
      const second = yield* two.store.lease(ask({ amounts: many }))
      assert.deepStrictEqual([granted(first), granted(second)], [30, 10])
      const third = yield* one.store.lease(ask({ amounts: [dime], back: usd("0.5") }))
      assert.deepStrictEqual([granted(third), Money.toUsd(third.standing.own)], [1, "2.6"])
      const fourth = yield* two.store.lease(ask({ amounts: many }))
      assert.strictEqual(granted(fourth), 4)
    }).pipe(Effect.provide(database))
  )

  it.scoped("become what was spent in one step, and are free when their gateway is gone", () =>
    Effect.gen(function* () {
      const { run: own, store } = yield* gateway
      yield* store.lease(ask({ amounts: [usd("3")] }))
      yield* apply("entry", [ended(intent(), { cost_usd: "1.25" })], { run: own, budgets: ["global"] })
      const standing = yield* store.standing("global", windows)
      assert.deepStrictEqual(
        [standing.own, standing.leased, standing.spent[0] ?? Money.zero].map((amount) => Money.toUsd(amount)),
        ["1.75", "1.75", "1.25"]
      )
      yield* LedgerTables.abandon(own)
      const after = yield* store.standing("global", windows)
      assert.deepStrictEqual([Money.toUsd(after.leased), Money.toUsd(after.spent[0] ?? Money.zero)], ["0", "1.25"])
    }).pipe(Effect.provide(database))
  )

  it.scoped("owe nothing twice when a call has cost more than was leased for it", () =>
    Effect.gen(function* () {
      const { run: own, store } = yield* gateway
      const other = yield* gateway
      yield* store.lease(ask({ amounts: [usd("2")] }))
      yield* apply("entry", [ended(intent(), { cost_usd: "3" })], { run: own, budgets: ["global"] })
      const standing = yield* store.standing("global", windows)
      assert.deepStrictEqual([standing.own, standing.leased, standing.spent[0] ?? 0n], [-usd("1"), 0n, usd("3")])
      // What is owed and what is wanted: all that is left is leased, and nothing stays behind.
      const last = yield* store.lease(ask({ amounts: [usd("3")] }))
      assert.deepStrictEqual([granted(last), Money.toUsd(last.standing.own)], [1, "2"])
      assert.strictEqual(granted(yield* other.store.lease(ask({ amounts: [usd("0.1")] }))), 0)
      yield* store.lease(ask({ back: usd("2") }))
      assert.strictEqual(granted(yield* other.store.lease(ask({ amounts: [usd("2")] }))), 1)
    }).pipe(Effect.provide(database))
  )

  it.scoped("of a gateway that is not heard of are kept while what it has spent may be on its way", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [one, two] = [yield* gateway, yield* gateway]
      const wanted = ask({ amounts: [usd("3")] })
      assert.strictEqual(granted(yield* one.store.lease(wanted)), 1)
      const pass = (time: string) =>
        sql`UPDATE budget_leases SET expires_at = expires_at - ${time}::interval, doubted_at = doubted_at - ${time}::interval`
      yield* pass("61 minutes")
      assert.strictEqual(granted(yield* two.store.lease(wanted)), 0)
      yield* pass("9 minutes")
      assert.strictEqual(granted(yield* two.store.lease(wanted)), 0)
      // It was only cut off.
      yield* one.store.lease(ask({}))
      yield* pass("61 minutes")
      assert.strictEqual(granted(yield* two.store.lease(wanted)), 0)
      yield* pass("11 minutes")
      assert.strictEqual(granted(yield* two.store.lease(wanted)), 1)
    }).pipe(Effect.provide(database))
  )

  it.scoped("are as much more as was wanted only while there is plenty", () =>
    Effect.gen(function* () {
      const { store } = yield* gateway
      const plenty = yield* store.lease(ask({ amounts: [usd("0.1")], more: usd("0.4") }))
      assert.deepStrictEqual([granted(plenty), Money.toUsd(plenty.more)], [1, "0.4"])
      const scarce = yield* store.lease(ask({ amounts: [usd("0.1")], more: usd("0.5") }))
      assert.deepStrictEqual([granted(scarce), Money.toUsd(scarce.more)], [1, "0"])
    }).pipe(Effect.provide(database))
  )
})
