import { assert, describe, it } from "@effect/vitest"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Batch, JournalRecord } from "../../src/store/Backlog.js"
import { Database } from "../../src/store/Database.js"
import * as Drain from "../../src/store/Drain.js"
import * as Pglite from "../support/pglite.js"

class Postgres extends Context.Tag("test/Postgres")<Postgres, Pglite.TestPostgres>() {}

const database = (sql: SqlClient.SqlClient) =>
  Database.of({
    status: () => "up",
    use: Effect.provideService(SqlClient.SqlClient, sql),
    whenUp: Effect.void,
    announce: () => {}
  })

/** Writes requests by their ids; one whose `ms` is below zero is refused. */
const requests: Drain.Applier = (rows) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO requests (id, timestamp, path, status, ms)
      SELECT r->>'id', now(), '/', 200, (r->>'ms')::float8
      FROM jsonb_array_elements(${rows}::jsonb) AS r`
  )

/** Sets the status of requests that are there. */
const statuses: Drain.Applier = (rows) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      UPDATE requests SET status = (r->>'status')::integer
      FROM jsonb_array_elements(${rows}::jsonb) AS r WHERE id = r->>'id'`
  )

const appliers: Drain.Appliers = new Map([
  ["request", requests],
  ["status", statuses],
  ["bug", () => Effect.die(new TypeError("row.x is undefined"))]
])

const request = (id: string, ms = 1): JournalRecord => ({ kind: "request", json: JSON.stringify({ id, ms }) })

const batch = (from: number, ...records: ReadonlyArray<JournalRecord>): Batch => ({
  from,
  next: from + records.length,
  records,
  damaged: 0
})

/** A journal of its own, and what of it is in the tables. */
const draining = <A>(
  body: (
    apply: (next: Batch) => Effect.Effect<Drain.Outcome, Drain.Postponed>,
    written: Effect.Effect<ReadonlyArray<string>>,
    postgres: Pglite.TestPostgres
  ) => Effect.Effect<A, Drain.Outcome | Drain.Postponed>
) =>
  Effect.gen(function* () {
    const postgres = yield* Postgres
    const { sql } = postgres
    yield* Effect.orDie(sql`TRUNCATE requests, journals`)
    const written = Effect.map(Effect.orDie(sql<{ id: string }>`SELECT id FROM requests ORDER BY id`), (rows) =>
      rows.map(({ id }) => id)
    )
    return yield* body(
      (next) => Drain.apply(database(sql), appliers, "00000000-0000-4000-8000-000000000001", next),
      written,
      postgres
    )
  })

describe("a batch of the journal", () => {
  it.layer(Layer.scoped(Postgres, Pglite.make), { timeout: "60 seconds" })((it) => {
    it.effect("is applied with its position, and not again from the same position", () =>
      draining((apply, written) =>
        Effect.gen(function* () {
          assert.deepStrictEqual((yield* apply(batch(0, request("a"), request("b")))).applied?.records, 2)
          assert.deepStrictEqual(yield* apply(batch(0, request("a"), request("b"))), { position: 2 })
          assert.deepStrictEqual((yield* apply(batch(2, request("c")))).position, 3)
          assert.deepStrictEqual(yield* written, ["a", "b", "c"])
        })
      )
    )

    it.effect("that was committed without an answer is found applied", () =>
      draining((apply, written, { loseCommit }) =>
        Effect.gen(function* () {
          loseCommit(true)
          const lost = yield* Effect.flip(apply(batch(0, request("a"))))
          assert.strictEqual(lost.reason, "ECONNRESET")
          assert.deepStrictEqual(yield* written, ["a"])
          assert.deepStrictEqual(yield* apply(batch(0, request("a"))), { position: 1 })
          assert.deepStrictEqual(yield* written, ["a"])
        })
      )
    )

    it.effect("whose connection broke before it was committed is applied by the next try", () =>
      draining((apply, written, { loseCommit }) =>
        Effect.gen(function* () {
          loseCommit(false)
          yield* Effect.flip(apply(batch(0, request("a"))))
          assert.deepStrictEqual(yield* written, [])
          assert.strictEqual((yield* apply(batch(0, request("a")))).applied?.records, 1)
          assert.deepStrictEqual(yield* written, ["a"])
        })
      )
    )

    it.effect("keeps all but the records that the database refuses for what they are", () =>
      draining((apply, written) =>
        Effect.gen(function* () {
          const { applied, position } = yield* apply(
            batch(0, request("a"), request("b", -1), { kind: "bug", json: "{}" }, request("a"), request("c"))
          )
          assert.strictEqual(position, 5)
          assert.strictEqual(applied?.records, 2)
          assert.deepStrictEqual(
            [...(applied?.poisoned ?? [])],
            [
              ["request (23514)", 1],
              ["request (23505)", 1],
              ["bug (a defect of who applies it)", 1]
            ]
          )
          assert.deepStrictEqual(yield* written, ["a", "c"])
        })
      )
    )

    it.effect("with a refused record is still applied once where the answer to its commit is lost", () =>
      draining((apply, written, { loseCommit }) =>
        Effect.gen(function* () {
          const poisoned = batch(0, request("a"), request("b", -1))
          loseCommit(true)
          yield* Effect.flip(apply(poisoned))
          assert.deepStrictEqual(yield* apply(poisoned), { position: 2 })
          assert.deepStrictEqual(yield* written, ["a"])
        })
      )
    )

    it.effect("applies kinds in the order of their appliers, and skips those that have none", () =>
      draining((apply, _written, { sql }) =>
        Effect.gen(function* () {
          const { applied } = yield* apply(
            batch(0, { kind: "status", json: '{"id":"a","status":418}' }, { kind: "later", json: "1" }, request("a"))
          )
          assert.deepStrictEqual([...(applied?.unknown ?? [])], [["later", 1]])
          assert.deepStrictEqual(yield* Effect.orDie(sql`SELECT status FROM requests`), [{ status: 418 }])
        })
      )
    )

    it.effect("waits where the tables are not there yet, and nothing of it is half written", () =>
      draining((apply, written, { sql }) =>
        Effect.gen(function* () {
          yield* Effect.orDie(sql`ALTER TABLE requests RENAME TO requests_later`)
          const { reason } = yield* Effect.flip(apply(batch(0, request("a"))))
          yield* Effect.orDie(sql`ALTER TABLE requests_later RENAME TO requests`)
          assert.strictEqual(reason, "42P01")
          assert.deepStrictEqual(yield* Effect.orDie(sql`SELECT * FROM journals`), [])
          assert.strictEqual((yield* apply(batch(0, request("a")))).position, 1)
          assert.deepStrictEqual(yield* written, ["a"])
        })
      )
    )

    it.effect("of which two take the same leaves one to find it done", () =>
      draining((apply, written) =>
        Effect.gen(function* () {
          const both = yield* Effect.all([apply(batch(0, request("a"))), apply(batch(0, request("a")))], {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(both.map(({ applied, position }) => [applied?.records ?? 0, position]).toSorted(), [
            [0, 1],
            [1, 1]
          ])
          assert.deepStrictEqual(yield* written, ["a"])
        })
      )
    )
  })
})
