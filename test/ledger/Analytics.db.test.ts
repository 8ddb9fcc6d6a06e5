import * as SqlClient from "@effect/sql/SqlClient"
import * as Statement from "@effect/sql/Statement"
import { assert, layer } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Money from "../../src/domain/Money.js"
import * as Analytics from "../../src/ledger/Analytics.js"
import { RollupStore } from "../../src/ledger/RollupStore.js"
import * as RollupTables from "../../src/ledger/RollupTables.js"
import { database } from "../support/database.js"
import { entry } from "./entries.js"

/** A server is given the size that was promised; the embedded one a part of it, on which plans are the same. */
const isServer = (process.env["TEST_DATABASE_URL"] ?? "") !== ""
const calls = isServer ? 1_000_000 : 10_000
const days = 30
const users = 500

const start = Date.UTC(2026, 9, 22)
const day = 86_400_000
const now = start + days * day - 8 * 60_000

/** The calls, and their sums as `RollupTables.add` would have made them; before them a year of which only the days are left. */
const filled = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    INSERT INTO ledger_entries (id, timestamp, tenant, "user", key, instance, provider, model, provider_model_id, outcome, ms,
                                input_tokens, output_tokens, cost_usd)
    SELECT gen_random_uuid(), to_timestamp(${start} / 1000.0 + n * ${(days * 86_400) / calls}::double precision), 'default',
           'user-' || n * 7919 % ${users}::bigint, 'key-' || n * 7919 % 50, 'instance-' || n % 20, 'provider-' || n % 10,
           'model-' || n % 40, 'm', CASE WHEN n % 20 = 0 THEN 'failure' ELSE 'success' END, 100, 20, 10,
           (n % 1000) * 0.000001
      FROM generate_series(0::bigint, ${calls - 1}::bigint) AS n`
  yield* sql`
    INSERT INTO ledger_rollups (dimension, value, bucket, calls, successes, failures, input_tokens, output_tokens, cost_usd, ms)
    SELECT dimension, value, date_bin('15 minutes', timestamp, timestamptz 'epoch') AS quarter, count(*),
           count(*) FILTER (WHERE outcome = 'success'), count(*) FILTER (WHERE outcome = 'failure'), sum(input_tokens),
           sum(output_tokens), sum(cost_usd), coalesce(sum(ms) FILTER (WHERE outcome = 'success'), 0)
      FROM ledger_entries, LATERAL (VALUES
        ('global', ''), ('provider', provider), ('instance', instance), ('model', model), ('user', "user"), ('key', key)
      ) AS part(dimension, value)
     GROUP BY dimension, value, quarter ORDER BY quarter, dimension, value`
  yield* sql`
    INSERT INTO ledger_rollups_daily (dimension, value, bucket, calls, successes, failures, input_tokens, output_tokens, cost_usd, ms)
    SELECT dimension, value, date_bin('1 day', bucket, timestamptz 'epoch') AS day, sum(calls), sum(successes), sum(failures),
           sum(input_tokens), sum(output_tokens), sum(cost_usd), sum(ms)
      FROM ledger_rollups GROUP BY dimension, value, day ORDER BY day, dimension, value`
  yield* sql`
    INSERT INTO ledger_rollups_daily (dimension, value, bucket, calls, cost_usd)
    SELECT dimension, value, bucket - months * interval '720 hours', calls, cost_usd
      FROM ledger_rollups_daily, generate_series(1, 12) AS months WHERE bucket < to_timestamp(${start / 1000 + days * 86_400})`
  yield* sql`ANALYZE`
})

const full = RollupStore.layerTables.pipe(
  Layer.provideMerge(Layer.tap(database, (context) => Effect.orDie(Effect.provide(filled, context))))
)

interface Node {
  readonly "Node Type": string
  readonly "Relation Name"?: string
  readonly "Actual Rows": number
  readonly "Actual Loops": number
  readonly "Rows Removed by Filter"?: number
  readonly Plans?: ReadonlyArray<Node>
}

const nodes = (node: Node): ReadonlyArray<Node> => [node, ...(node.Plans ?? []).flatMap(nodes)]

/** What a query answers, how long it takes, and what its statements do. */
const observed = <A, E, R>(query: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const plans: Array<Node> = []
    // Plans are of what the code asks, not of a copy.
    const answer = yield* Statement.withTransformer(query, (statement, sql) =>
      Effect.gen(function* () {
        const [row] = yield* sql<{ "QUERY PLAN": ReadonlyArray<{ readonly Plan: Node }> }>`
          EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`
        plans.push(row?.["QUERY PLAN"][0]?.Plan ?? assert.fail("there is no plan"))
        return statement
      }).pipe(Statement.withTransformerDisabled, Effect.orDie)
    )
    const times: Array<number> = []
    for (let round = 0; round < 5; round++) {
      const from = performance.now()
      yield* query
      times.push(performance.now() - from)
    }
    const scans = plans.flatMap(nodes).filter((node) => node["Relation Name"] !== undefined)
    const rows = scans.reduce(
      (sum, scan) => sum + (scan["Actual Rows"] + (scan["Rows Removed by Filter"] ?? 0)) * scan["Actual Loops"],
      0
    )
    const whole = scans.filter((node) => node["Node Type"] === "Seq Scan").map((node) => node["Relation Name"])
    return { answer, rows, whole, ms: times.toSorted((a, b) => a - b)[2] ?? 0 }
  })

const kolkata = { time_zone: "Asia/Kolkata" }
const part = { from: "2026-10-25T11:00:00Z", to: "2026-11-15T13:00:00Z" }

/** And how many rows each may touch at most: those of a day's quarters of an hour, and one a day and value. */
const quarters = (values: number): number => Math.min(values * 96, calls / days) + 1
const queries: ReadonlyArray<
  readonly [string, Effect.Effect<{ readonly currency: string }, unknown, RollupStore>, number]
> = [
  ["cost summary", Analytics.summary({}), quarters(10) + 10 * 31],
  ["cost summary in Asia/Kolkata", Analytics.summary(kolkata), quarters(10) + 10 * 31],
  ["metrics a provider", Analytics.metrics(part), quarters(10) + 10 * 31],
  ["top models", Analytics.topModels({ limit: "5" }), quarters(40) + 40 * 31],
  ["top models in Asia/Kolkata", Analytics.topModels(kolkata), quarters(40) + 40 * 31],
  ["top users", Analytics.topUsers({ limit: "10" }), quarters(users) + users * 31],
  ["top users in Asia/Kolkata", Analytics.topUsers(kolkata), quarters(users) + users * 31],
  ["top users of parts of days", Analytics.topUsers(part), quarters(users) + users * 31],
  ["daily costs", Analytics.daily({}), 96 * 31],
  ["daily costs in Asia/Kolkata", Analytics.daily(kolkata), 96 * 31],
  ["daily costs of a user", Analytics.daily({ scope: "user:user-7" }), 96 * 31],
  ["projection", Analytics.projection({}), 96 * (31 + 31)],
  ["projection of a provider", Analytics.projection({ scope: "provider:provider-3" }), 96 * (31 + 31)]
]

layer(full, { timeout: "10 minutes" })(`of ${calls} calls in ${days} days`, (it) => {
  for (const [what, query, most] of queries) {
    it.effect(`${what} reads what it needs by an index`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(now)
        const { ms, rows, whole } = yield* observed(query)
        yield* Console.log(`${what}: ${ms.toFixed(1)} ms, ${rows} rows`)
        assert.deepStrictEqual(whole, [])
        assert.isAbove(rows, 0)
        assert.isAtMost(rows, most)
      })
    )
  }

  it.effect("the summary is what the ledger says, to the last digit", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const sql = yield* SqlClient.SqlClient
      const [ledger] = yield* sql<{ calls: string; tokens: string; cost: string }>`
        SELECT count(*) AS calls, sum(input_tokens + output_tokens) AS tokens, sum(cost_usd) AS cost FROM ledger_entries`
      const summary = yield* Analytics.summary({})
      assert.deepStrictEqual(
        [summary.requests, summary.total_tokens, summary.total_cost],
        [calls, calls * 30, Money.toUsd(Money.fromText(ledger?.cost ?? "") ?? Money.zero)]
      )
      assert.strictEqual(Number(ledger?.calls), calls)
      assert.strictEqual(
        summary.total_cost,
        Money.toUsd(Money.Money.make(BigInt((calls / 1_000) * 499_500) * 1_000_000n))
      )
      const found = yield* Analytics.topUsers({ ...part, limit: "1000" })
      const [users] = yield* sql<{ cost: string }>`
        SELECT sum(cost_usd) AS cost FROM ledger_entries
         WHERE timestamp >= ${part.from}::timestamptz AND timestamp < ${part.to}::timestamptz`
      const sum = Money.sum(found.users.flatMap(({ total_cost }) => Money.fromText(total_cost) ?? []))
      assert.strictEqual(Money.toUsd(sum), Money.toUsd(Money.fromText(users?.cost ?? "") ?? Money.zero))
    })
  )

  it.effect("a batch of 1,000 calls is added", () =>
    Effect.gen(function* () {
      const batch = Array.from({ length: 1_000 }, (_, at) =>
        entry({
          timestamp: new Date(now + (at % 400) * 1_000).toISOString(),
          user: `user-${at % users}`,
          key: `key-${at % 50}`,
          instance: `instance-${at % 20}`,
          provider: `provider-${at % 10}`,
          model: `model-${at % 40}`
        })
      )
      const from = performance.now()
      yield* RollupTables.add(JSON.stringify(batch))
      yield* Console.log(`a batch of 1,000: ${(performance.now() - from).toFixed(1)} ms`)
      const { spans } = yield* RollupStore
      const [added] = yield* spans({
        dimension: "key",
        value: "key-7",
        spans: [{ from: now - 7 * 60_000, to: now + day }]
      })
      assert.isAtLeast(added?.calls ?? 0, 20)
    })
  )
})
