import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as CatalogTables from "../../src/catalog/CatalogTables.js"
import * as StoredCatalog from "../../src/catalog/StoredCatalog.js"
import { CurrentSettings } from "../../src/config/Settings.js"
import * as Doctor from "../../src/gateway/Doctor.js"
import * as Live from "../../src/gateway/Live.js"
import { Circuits } from "../../src/health/Circuits.js"
import { Database } from "../../src/store/Database.js"
import * as Schema from "../../src/store/Schema.js"
import { database, server } from "../support/database.js"
import { instance, settings } from "../support/settings.js"

const [a, b] = [instance("a"), instance("b")]

const row = (id: string) => ({
  modelId: "m",
  instance: id,
  providerModelId: `maker/m-of-${id}`,
  promptPrice: "1",
  completionPrice: "2",
  contextWindow: undefined
})

const names = [
  "Database Connection",
  "Schema Tables",
  "Schema Columns",
  "Providers Data",
  "Models Data",
  "Failover Query - Basic",
  "Failover Query - Sorting",
  "Model Aliases",
  "Health Tracking",
  "Failover Simulation"
]

/** What the doctor finds, with what it would find it by at a start. */
const examined = (known: Effect.Effect<void, never, Circuits> = Effect.void) =>
  Effect.gen(function* () {
    yield* known
    const { use } = yield* Database
    const there = yield* Effect.either(use(Schema.missing))
    if (Either.isRight(there) && there.right.tables.length === 0) yield* Effect.flatMap(StoredCatalog.reader, use)
    return yield* Doctor.run
  }).pipe(
    Effect.provide(Live.layerCommand),
    Effect.provideService(CurrentSettings, settings({ instances: [a, b] })),
    Effect.tap((findings) =>
      Effect.sync(() =>
        assert.deepStrictEqual(
          findings.map(({ name }) => name),
          names
        )
      )
    )
  )

const failing = (findings: ReadonlyArray<Doctor.Finding>): ReadonlyArray<string> =>
  findings.filter(({ passed }) => !passed).map(({ name }) => name)

const remedies = (findings: ReadonlyArray<Doctor.Finding>): string =>
  findings.map(({ remedy }) => remedy ?? "").join("\n")

const tidy = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`TRUNCATE providers CASCADE`)

layer(database, { timeout: "60 seconds" })("the doctor", (it) => {
  it.effect("finds that an empty database knows no models, and says how it comes to know some", () =>
    Effect.gen(function* () {
      yield* tidy
      const findings = yield* examined()
      assert.deepStrictEqual(failing(findings), [...names.slice(3, 8), "Failover Simulation"])
      assert.include(remedies(findings), "orelse models sync")
      for (const { passed, remedy } of findings) assert.strictEqual(remedy === null, passed)
    })
  )

  it.effect("passes everything where two providers have a model, and leaves nothing behind", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      for (const each of [a, b]) yield* CatalogTables.replace(each, [row(each.id)])
      const before = yield* sql`SELECT slug FROM providers ORDER BY slug`
      const findings = yield* examined()
      assert.deepStrictEqual(failing(findings), [])
      assert.match(findings[0]?.finding ?? "", /^Postgres \d+(\.\d+)?.* answers$/)
      assert.deepStrictEqual(
        findings.slice(5).map(({ finding }) => finding),
        [
          "m has 2 providers",
          "m: a (healthy), then b (healthy)",
          "2 have a name of their own at their provider: m is maker/m-of-a at a",
          "calls can be counted; none was yet",
          "m: with a ill, b takes over"
        ]
      )
      assert.deepStrictEqual(yield* sql`SELECT slug FROM providers ORDER BY slug`, before)
      assert.deepStrictEqual(yield* sql`SELECT provider FROM model_health_tracking`, [])
    })
  )

  it.effect("finds that nobody could take over where only one provider is well", () =>
    Effect.gen(function* () {
      yield* tidy
      for (const each of [a, b]) yield* CatalogTables.replace(each, [row(each.id)])
      const findings = yield* examined(Effect.map(Circuits, ({ force }) => force(b, "open", 0)))
      assert.deepStrictEqual(failing(findings), ["Failover Simulation"])
      assert.include(remedies(findings), "Add a second instance")
    })
  )

  it.effect("finds a provider whose models nobody would be sent to", () =>
    Effect.gen(function* () {
      yield* tidy
      for (const each of [a, b, instance("gone")]) yield* CatalogTables.replace(each, [row(each.id)])
      const basic = (yield* examined())[5]
      assert.deepStrictEqual([basic?.passed, basic?.finding], [false, "m: the query does not find gone"])
    })
  )

  it.effect("finds a column that is not there", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      yield* sql`ALTER TABLE failover_events RENAME COLUMN reason TO why`
      const findings = yield* examined()
      yield* sql`ALTER TABLE failover_events RENAME COLUMN why TO reason`
      assert.deepInclude(findings[2], { passed: false, finding: "not there: failover_events.reason" })
      assert.include(findings[2]?.remedy ?? "", "orelse migrate")
    })
  )

  it.effect("expects exactly the tables and columns that the migrations make", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const found = yield* sql<{ name: string }>`
        SELECT table_name || '.' || column_name AS name FROM information_schema.columns
         WHERE table_schema = ANY (current_schemas(false))`
      assert.sameMembers(
        Object.entries(Schema.needed).flatMap(([table, columns]) => columns.map((column) => `${table}.${column}`)),
        found.map(({ name }) => name)
      )
    })
  )
})

const bare = Layer.provideMerge(Layer.effect(Database, Effect.map(SqlClient.SqlClient, Database.opened)), server)

layer(bare, { timeout: "60 seconds" })("the doctor, without a schema", (it) => {
  it.effect("passes the connection alone, and says how the schema is made", () =>
    Effect.gen(function* () {
      const findings = yield* examined()
      assert.deepStrictEqual(failing(findings), names.slice(1))
      for (const { remedy } of findings.slice(1)) assert.match(remedy ?? "", /orelse migrate/)
    })
  )

  it.effect("passes nothing without a database, and says how one is had", () =>
    Effect.gen(function* () {
      const none = yield* Effect.provide(examined(), Database.layerNone)
      assert.deepStrictEqual(failing(none), names)
      assert.match(none[0]?.remedy ?? "", /Set DATABASE_URL/)
      const closed = yield* Effect.provideService(examined(), Database, Database.closed("its disk is full"))
      assert.deepStrictEqual(failing(closed), names)
      assert.include(closed[0]?.finding ?? "", "its disk is full")
    })
  )
})
