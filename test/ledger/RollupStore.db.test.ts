import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Money from "../../src/domain/Money.js"
import type { LedgerEntry } from "../../src/ledger/LedgerEntry.js"
import * as Rollup from "../../src/ledger/Rollup.js"
import type { Sum } from "../../src/ledger/RollupQuery.js"
import { RollupStore } from "../../src/ledger/RollupStore.js"
import * as RollupTables from "../../src/ledger/RollupTables.js"
import { database, switched } from "../support/database.js"
import { entry, hit } from "./entries.js"

type Sign = 1 | -1

/** Both stores, empty, and how the ledger gets into them. */
const stores = {
  memory: {
    layer: RollupStore.layerMemory,
    add: (entries: ReadonlyArray<LedgerEntry>, sign: Sign = 1) =>
      Effect.map(RollupStore, ({ add }) => {
        for (const each of entries) add?.(Rollup.rollupsOf(each, sign))
      })
  },
  tables: {
    layer: Layer.tap(RollupStore.layerTables, () =>
      Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.orDie(sql`TRUNCATE ledger_rollups, ledger_rollups_daily`))
    ),
    add: (entries: ReadonlyArray<LedgerEntry>, sign?: Sign) =>
      RollupTables.add(JSON.stringify(entries.map((each) => (sign === undefined ? each : { ...each, sign }))))
  }
}

const from = Date.parse("2026-11-20T00:00:00Z")
const to = Date.parse("2026-11-23T00:15:00Z")
const day = 86_400_000

/** Of three days and a quarter of an hour. */
const known: ReadonlyArray<LedgerEntry> = [
  entry({ timestamp: "2026-11-20T00:00:00.000Z", user: "ann", cost_usd: "1.5", ms: 100.5 }),
  entry({ timestamp: "2026-11-20T23:59:59.999Z", user: "bob", provider: "anthropic", cost_usd: "0.25" }),
  entry({ timestamp: "2026-11-21T12:00:00.000Z", user: "ann", outcome: "failure", cost_usd: null }),
  entry({ timestamp: "2026-11-21T12:14:00.000Z", user: "ann", outcome: "cancelled", cost_usd: "0.000000000001" }),
  hit({ timestamp: "2026-11-22T08:00:00.000Z", user: "cid", saved_usd: "0.000123" }),
  entry({ timestamp: "2026-11-23T00:01:00.000Z", user: "bob", cost_usd: "2", input_tokens: 1_000 })
]

const sumOf = (entries: ReadonlyArray<LedgerEntry>): Rollup.Figures =>
  entries.flatMap((each) => Rollup.rollupsOf(each).slice(0, 1)).reduce<Rollup.Figures>(Rollup.plus, Rollup.none)

/** Without the names of what they are of. */
const figuresOf = ({ calls, ...more }: Rollup.Figures): Rollup.Figures => ({
  calls,
  successes: more.successes,
  failures: more.failures,
  cancelled: more.cancelled,
  hits: more.hits,
  unpriced: more.unpriced,
  input_tokens: more.input_tokens,
  output_tokens: more.output_tokens,
  cost_usd: more.cost_usd,
  saved_usd: more.saved_usd,
  ms: more.ms
})

const costs = (sums: ReadonlyArray<Sum>) => sums.map(({ cost_usd, value }) => [value, Money.toUsd(cost_usd)])

const users = { dimension: "user", from, to, order: "cost", limit: 10 } as const

const providers = { ...users, dimension: "provider" } as const

layer(database, { timeout: "60 seconds" })("rollups", (it) => {
  for (const [place, { add, layer: store }] of Object.entries(stores)) {
    it.effect(`in ${place}: every figure of every quarter of an hour, the earliest first`, () =>
      Effect.gen(function* () {
        yield* add(known)
        const { query } = yield* RollupStore
        const rows = yield* query({ dimension: "global", value: "", from, to })
        const [first, second, third, fourth, ...rest] = known
        const expected = [[first], [second], [third, fourth], ...rest.map((each) => [each])].map((of) =>
          sumOf(of.flatMap((each) => each ?? []))
        )
        assert.deepStrictEqual(rows.map(figuresOf), expected)
        assert.deepStrictEqual(
          rows.map(({ bucket }) => new Date(bucket).toISOString()),
          ["20T00:00", "20T23:45", "21T12:00", "22T08:00", "23T00:00"].map((time) => `2026-11-${time}:00.000Z`)
        )
        const those = yield* query({ dimension: "user", from, to: from + day })
        assert.deepStrictEqual(
          those.map(({ dimension, value }) => [dimension, value]),
          [
            ["user", "ann"],
            ["user", "bob"]
          ]
        )
        assert.deepStrictEqual(
          yield* query({ dimension: "user", value: "ann", from: from + 900_000, to: from + day }),
          []
        )
      }).pipe(Effect.provide(store))
    )

    it.effect(`in ${place}: each value's sum, the greatest first, of any range`, () =>
      Effect.gen(function* () {
        yield* add(known)
        const { sums } = yield* RollupStore
        const all = yield* sums(providers)
        const ofOpenai = known.filter(({ provider }) => provider === "openai")
        assert.deepStrictEqual(all.map(figuresOf), [sumOf(ofOpenai), sumOf(known.slice(1, 2))])
        assert.deepStrictEqual(costs(all), [
          ["openai", "3.500000000001"],
          ["anthropic", "0.25"]
        ])
        assert.deepStrictEqual(costs(yield* sums(users)), [
          ["bob", "2.25"],
          ["ann", "1.500000000001"],
          ["cid", "0"]
        ])
        assert.deepStrictEqual(costs(yield* sums({ ...users, order: "requests", limit: 1 })), [
          ["ann", "1.500000000001"]
        ])
        assert.deepStrictEqual(costs(yield* sums({ ...users, order: "tokens", limit: 1 })), [["bob", "2.25"]])
        assert.deepStrictEqual(costs(yield* sums({ ...users, from: from + 900_000, to: to - 900_000 })), [
          ["bob", "0.25"],
          ["ann", "0.000000000001"],
          ["cid", "0"]
        ])
        assert.deepStrictEqual(costs(yield* sums({ ...users, to: from + 900_000 })), [["ann", "1.5"]])
        // Parts of days at both ends, less and more than half of one.
        const hour = 3_600_000
        const part = (first: number, last: number) =>
          Effect.map(sums({ ...users, from: from + first * hour, to: from + last * hour }), costs)
        assert.deepStrictEqual(yield* part(5, 24), [["bob", "0.25"]])
        assert.deepStrictEqual(yield* part(1, 37), [
          ["bob", "0.25"],
          ["ann", "0.000000000001"]
        ])
        assert.deepStrictEqual(yield* part(5, 36), [["bob", "0.25"]])
        assert.deepStrictEqual(yield* part(20, 70), [
          ["bob", "0.25"],
          ["ann", "0.000000000001"],
          ["cid", "0"]
        ])
        assert.deepStrictEqual(yield* part(37, 56), [])
        assert.deepStrictEqual(yield* sums({ ...users, from: to, to: to + 40 * day }), [])
      }).pipe(Effect.provide(store))
    )

    it.effect(`in ${place}: one value's sum in each span, also where there is nothing`, () =>
      Effect.gen(function* () {
        yield* add(known)
        const { spans } = yield* RollupStore
        const days = [0, 1, 2, 3, 4].map((at) => ({ from: from + at * day, to: from + (at + 1) * day }))
        assert.deepStrictEqual(yield* spans({ dimension: "global", value: "", spans: days }), [
          sumOf(known.slice(0, 2)),
          sumOf(known.slice(2, 4)),
          sumOf(known.slice(4, 5)),
          sumOf(known.slice(5)),
          Rollup.none
        ])
        const [sum] = yield* spans({ dimension: "user", value: "ann", spans: [{ from, to }] })
        assert.deepStrictEqual(sum, sumOf(known.filter(({ user }) => user === "ann")))
        assert.deepStrictEqual(yield* spans({ dimension: "user", value: "nobody", spans: days.slice(0, 1) }), [
          Rollup.none
        ])
      }).pipe(Effect.provide(store))
    )

    it.effect(`in ${place}: what was taken for something else is taken away again`, () =>
      Effect.gen(function* () {
        yield* add(known)
        const wrong = known.slice(0, 1)
        yield* add(wrong, -1)
        yield* add([entry({ timestamp: "2026-11-20T00:00:00.000Z", user: "ann", cost_usd: "1.25" })], 1)
        const { sums } = yield* RollupStore
        const [ann] = yield* sums({ ...users, to: from + 900_000 })
        assert.deepInclude(ann, { value: "ann", calls: 1, successes: 1, ms: 100 })
        assert.deepStrictEqual(costs(yield* sums(providers))[0], ["openai", "3.250000000001"])
        yield* add([hit({ user: "eve" })])
        yield* add([hit({ user: "eve" })], -1)
        assert.deepStrictEqual(
          (yield* sums(users)).map(({ value }) => value),
          ["bob", "ann", "cid"]
        )
      }).pipe(Effect.provide(store))
    )
  }

  it.effect("in tables: a batch is added with those that are there already, and one with itself in any order", () =>
    Effect.gen(function* () {
      const { add } = stores.tables
      yield* add([...known, ...known])
      yield* add(known.toReversed())
      const { spans } = yield* RollupStore
      const [sum] = yield* spans({ dimension: "global", value: "", spans: [{ from, to }] })
      assert.deepStrictEqual(sum, sumOf([...known, ...known, ...known]))
      yield* add([])
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql`
        SELECT (SELECT sum(cost_usd) FROM ledger_rollups) = (SELECT sum(cost_usd) FROM ledger_rollups_daily) AS same`
      assert.deepStrictEqual(row, { same: true })
    }).pipe(Effect.provide(stores.tables.layer))
  )

  it.effect("in memory and in tables: the same of any range", () =>
    Effect.gen(function* () {
      // Spread over ten days, a few in each quarter of an hour that has any.
      const many = Array.from({ length: 400 }, (_, at) => {
        const timestamp = new Date(from + ((at * 7_919_777_777) % (10 * day))).toISOString()
        const more = { timestamp, user: `u${at % 7}`, ms: at, input_tokens: at }
        return at % 5 === 0
          ? hit({ ...more, saved_usd: `0.${at + 1}` })
          : entry({ ...more, cost_usd: `${at}.000000000001` })
      })
      yield* stores.tables.add(many)
      const tables = yield* RollupStore
      const memory = yield* Effect.provide(Effect.zipRight(stores.memory.add(many), RollupStore), stores.memory.layer)
      let found = 0
      for (let round = 0; round < 60; round++) {
        const first = from + ((round * 7_919) % (10 * 96)) * 900_000
        const last = first + (1 + ((round * 104_729) % 400)) * 900_000
        const asked = { ...users, from: first, to: last, limit: round % 3 === 0 ? 3 : 100 }
        const sums = yield* tables.sums(asked)
        assert.deepStrictEqual(sums, yield* memory.sums(asked))
        found += sums.length
      }
      assert.isAbove(found, 60)
    }).pipe(Effect.provide(stores.tables.layer))
  )

  it.effect(
    "in tables: gateways that add to the same rows at once wait for each other in turn, and all get them in",
    () =>
      Effect.gen(function* () {
        const many = Array.from({ length: 500 }, (_, at) =>
          entry({ timestamp: "2026-11-20T00:00:00.000Z", user: `u${at}`, instance: `i${at}`, model: `m${at}` })
        )
        // Without an order of their own, rows of batches of other sizes would come in other orders.
        const sizes = Array.from({ length: 24 }, (_, at) => [500, 60, 130, 250][at % 4] ?? 0)
        yield* Effect.forEach(sizes, (size) => stores.tables.add(many.slice(0, size)), { concurrency: 4 })
        const { sums } = yield* RollupStore
        const all = yield* sums({ ...users, limit: 1_000 })
        assert.deepStrictEqual(
          all.map(({ calls, value }) => [value, calls]).toSorted(),
          many.map(({ user }, at) => [user, 6 * [60, 130, 250, 500].filter((size) => at < size).length]).toSorted()
        )
      }).pipe(Effect.provide(stores.tables.layer))
  )

  it.effect("in tables: say that the database is away, or what it does not like", () =>
    Effect.gen(function* () {
      const asked = Effect.flatMap(RollupStore, ({ sums }) => Effect.flip(sums(providers)))
      const away = Layer.provide(
        RollupStore.layerTables,
        switched(() => true)
      )
      const { message } = yield* Effect.provide(asked, away)
      assert.strictEqual(message, "it is away")
      const sql = yield* SqlClient.SqlClient
      const refused = sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`ALTER TABLE ledger_rollups RENAME TO gone`
          const said = yield* Effect.provide(asked, RollupStore.layerTables)
          return yield* Effect.fail(said.message)
        })
      )
      assert.strictEqual(yield* Effect.flip(refused), "the database refuses (42P01)")
    })
  )
})
