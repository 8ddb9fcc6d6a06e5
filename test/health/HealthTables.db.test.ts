import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CircuitState from "../../src/health/CircuitState.js"
import * as HealthTables from "../../src/health/HealthTables.js"
import { migrated } from "../support/database.js"

const at = Date.UTC(2026, 10, 21, 12, 0, 0, 123)

const calls = (success: number, errors: number, ms: number) => ({
  instance: "a",
  provider: "openai",
  model: "m",
  success,
  errors,
  latencySum: ms * success,
  latencyCount: success,
  lastAt: at
})

const open: CircuitState.CircuitState = {
  ...CircuitState.asNew({ instance: "a", scope: "instance", model: "" }),
  circuit: "open",
  consecutiveFailures: 3,
  openings: 1,
  retryAt: at + 60_000,
  changedAt: at
}

/** As the journal has them. */
const json = (...records: ReadonlyArray<object>): string => JSON.stringify(records)

const tidy = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`TRUNCATE providers, circuit_states, failover_events, requests CASCADE`
)

layer(migrated, { timeout: "60 seconds" })("the tables of health", (it) => {
  it.effect("add calls to those that were counted, and keep an average that moves", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      yield* HealthTables.count(json(calls(1, 0, 100), calls(1, 2, 300)))
      yield* HealthTables.count(json(calls(2, 0, 400)))
      const [row] = yield* sql`SELECT * FROM model_health_tracking`
      assert.deepInclude(row, { provider: "a", model: "m", success_count: "4", error_count: "2" })
      assert.deepStrictEqual(row?.["average_response_time_ms"], 300)
      assert.deepStrictEqual(row?.["last_checked_at"], new Date(at))
      assert.deepStrictEqual(yield* HealthTables.paces, [{ instance: "a", model: "m", ms: 300, at }])
      const providers = yield* sql`SELECT slug, vendor FROM providers`
      assert.deepStrictEqual(providers, [{ slug: "a", vendor: "openai" }])
    })
  )

  it.effect("count failures of a model that never answered", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      yield* HealthTables.count(json(calls(0, 1, 0)))
      yield* HealthTables.count(json(calls(0, 1, 0)))
      const rows = yield* sql`SELECT error_count, average_response_time_ms FROM model_health_tracking`
      assert.deepStrictEqual(rows, [{ error_count: "2", average_response_time_ms: null }])
      assert.deepStrictEqual(yield* HealthTables.paces, [])
    })
  )

  it.effect("keep events and samples as they were told", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const event = { instance: "a", provider: "openai", event_type: "circuit_open", scope: "instance" }
      const timestamp = new Date(at).toISOString()
      const other = { ...event, instance: "b", consecutive_failures: 1, timestamp: new Date(at + 1).toISOString() }
      yield* HealthTables.tell(json({ ...event, timestamp, consecutive_failures: 3, next_retry_secs: 60 }, other))
      yield* HealthTables.sample(
        json({ instance: "a", provider: "openai", model: "m", health_status: "degraded", response_time_ms: 12.5, at })
      )
      const all = { limit: 10, since: undefined, instance: undefined, type: undefined }
      const found = yield* HealthTables.events(all)
      const [latest, first] = found
      assert.deepInclude(first, { ...event, timestamp, consecutive_failures: 3, next_retry_secs: 60, model: null })
      assert.deepInclude(latest, { ...other, next_retry_secs: null })
      assert.deepStrictEqual(yield* HealthTables.events({ ...all, since: at + 1 }), found.slice(0, 1))
      assert.deepStrictEqual(
        yield* HealthTables.events({ ...all, instance: "a", type: "circuit_open" }),
        found.slice(1)
      )
      assert.deepStrictEqual(yield* HealthTables.events({ ...all, limit: 1 }), found.slice(0, 1))
      assert.deepStrictEqual(yield* HealthTables.events({ ...all, type: "failover" }), [])
      const [sampled] = yield* sql`SELECT * FROM model_health_history`
      assert.deepInclude(sampled, { provider: "a", model: "m", health_status: "degraded", response_time_ms: 12.5 })
    })
  )

  it.effect("tell circuits on as they were told, and only those that are new", () =>
    Effect.gen(function* () {
      yield* tidy
      const before = yield* HealthTables.told("0")
      yield* HealthTables.keep([open])
      const after = yield* HealthTables.told(before.version)
      assert.deepStrictEqual(after.states, [open])
      assert.deepStrictEqual(yield* HealthTables.told(after.version), { version: after.version, states: [] })
    })
  )

  it.effect("keep of each part of a circuit what was found or decreed last, in whichever order it is told", () =>
    Effect.gen(function* () {
      const closed = { ...CircuitState.asNew(open), changedAt: at + 1 }
      const decreed = { ...CircuitState.asNew(open), forced: "open" as const, forcedAt: at + 5, changedAt: at - 5 }
      const wanted = { ...closed, forced: "open" as const, forcedAt: at + 5 }
      const orders = [
        [open, closed, decreed],
        [decreed, closed, open],
        [closed, decreed, open]
      ]
      for (const order of orders) {
        yield* tidy
        for (const state of order) yield* HealthTables.keep([state])
        assert.deepStrictEqual((yield* HealthTables.told("0")).states, [wanted])
      }
    })
  )

  it.effect("lose what is older than its time, and nothing else", () =>
    Effect.gen(function* () {
      yield* tidy
      const event = { instance: "a", provider: "openai", event_type: "circuit_open", consecutive_failures: 3 }
      const now = Date.now()
      const day = 86_400_000
      yield* HealthTables.tell(
        json({ ...event, timestamp: new Date(now - 31 * day) }, { ...event, timestamp: new Date(now - 29 * day) })
      )
      assert.deepStrictEqual(yield* HealthTables.prune(30), { events: 1, samples: 0, requests: 0 })
      assert.deepStrictEqual(yield* HealthTables.prune(30), { events: 0, samples: 0, requests: 0 })
    })
  )

  it.effect("forget circuits and calls of instances that have been gone for long, and of nobody else", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const day = 86_400_000
      const old = Date.now() - 31 * day
      const names = ["active", "stored", "here", "lately", "gone", "called"]
      for (const instance of [...names, "unheard-of"]) {
        yield* HealthTables.keep([{ ...open, instance, changedAt: instance === "called" ? Date.now() : old }])
      }
      for (const instance of names) {
        yield* HealthTables.count(
          json({ ...calls(1, 0, 1), instance, lastAt: instance === "called" ? Date.now() : old })
        )
      }
      yield* sql`UPDATE providers SET is_active = slug = 'active', updated_at = to_timestamp(${old} / 1000.0)`
      yield* sql`UPDATE providers SET settings = '{}' WHERE slug = 'stored'`
      yield* sql`UPDATE providers SET updated_at = now() WHERE slug = 'lately'`
      assert.strictEqual(yield* HealthTables.forget(["here"], 30), 3)
      const left = ["active", "called", "here", "lately", "stored"]
      const circuits = yield* sql`SELECT instance FROM circuit_states ORDER BY instance`
      assert.deepStrictEqual(
        circuits.map((row) => row["instance"]),
        left
      )
      const counted = yield* sql`SELECT provider FROM model_health_tracking ORDER BY provider`
      assert.deepStrictEqual(
        counted.map((row) => row["provider"]),
        left
      )
    })
  )
})
