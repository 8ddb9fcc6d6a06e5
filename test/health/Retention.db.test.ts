import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { randomUUID } from "node:crypto"
import * as Retention from "../../src/health/Retention.js"
import { Database } from "../../src/store/Database.js"
import { Journal } from "../../src/store/Journal.js"
import { migrated, switched } from "../support/database.js"
import * as LiveSettings from "../support/liveSettings.js"
import { instance, settings } from "../support/settings.js"

let isAway = false

const event = (days: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO failover_events (timestamp, provider, instance, event_type)
      VALUES (now() - ${`${days} days`}::interval, 'openai', 'a', 'circuit_open')`
  )

const left = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ n: number }>`SELECT count(*)::int AS n FROM failover_events`, ([row]) => row?.n)
)

const stored = Layer.provideMerge(
  switched(() => isAway),
  migrated
)

layer(stored, { timeout: "60 seconds" })("what is old", (it) => {
  it.scoped("goes once a day, and a day later where the database was away", () =>
    Effect.gen(function* () {
      const database = yield* Database
      let pruned = yield* Deferred.make<void>()
      const watched = Database.of({
        ...database,
        use: (asked) =>
          Effect.ensuring(
            database.use(asked),
            Effect.suspend(() => Deferred.succeed(pruned, undefined))
          )
      })
      const due = Effect.suspend(() => Deferred.await(pruned))
      const aDay = Effect.gen(function* () {
        pruned = yield* Deferred.make<void>()
        yield* TestClock.adjust("1 day")
        yield* due
      })
      yield* event(31)
      yield* event(29)
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO circuit_states (instance, scope, circuit, changed_at, version)
        SELECT slug, 'key', 'open', now() - interval '31 days', 1 FROM unnest(ARRAY['a', 'gone']) AS given(slug)`
      const own = yield* Layer.build(Journal.memory(10))
      const ids = [...(yield* Context.get(own, Journal).ids), randomUUID()]
      yield* sql`INSERT INTO journals (id, position, updated_at)
        SELECT unnest(${ids}::uuid[]), 5, now() - interval '31 days'`
      yield* Layer.build(
        Retention.layer.pipe(
          Layer.provide(Layer.succeed(Database, watched)),
          Layer.provide(Layer.succeedContext(own)),
          Layer.provide(LiveSettings.fixed(settings({ instances: [instance("a")] })))
        )
      )
      yield* due
      assert.strictEqual(yield* left, 1)
      assert.deepStrictEqual(yield* sql`SELECT instance FROM circuit_states`, [{ instance: "a" }])
      assert.deepStrictEqual(yield* sql`SELECT id FROM journals`, [{ id: ids[0] }])
      yield* event(31)
      isAway = true
      yield* aDay
      assert.strictEqual(yield* left, 2)
      isAway = false
      yield* aDay
      assert.strictEqual(yield* left, 1)
    })
  )

  it.effect("has an age in days or hours", () =>
    Effect.sync(() => {
      assert.deepStrictEqual(
        ["30d", " 12h ", "0d", "30", "d", "-1d", "1w"].map((text) => Retention.daysOf(text)),
        [30, 0.5, undefined, undefined, undefined, undefined, undefined]
      )
    })
  )
})
