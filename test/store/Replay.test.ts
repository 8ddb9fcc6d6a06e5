import { assert, describe, it } from "@effect/vitest"
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { appendFileSync, readdirSync } from "node:fs"
import { Database } from "../../src/store/Database.js"
import { DatabaseUnavailable } from "../../src/store/DatabaseError.js"
import type { Abandon, Applier, Appliers } from "../../src/store/Drain.js"
import { Journal } from "../../src/store/Journal.js"
import { Replay } from "../../src/store/Replay.js"
import { directory, fileOf, killAll, until } from "../support/journals.js"
import * as Pglite from "../support/pglite.js"

class Postgres extends Context.Tag("test/Postgres")<Postgres, Pglite.TestPostgres>() {}

/** Every record makes a row, also the same one a second time; one below zero is refused. */
const rows: Applier = (found) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO failover_events (timestamp, provider, instance, event_type, consecutive_failures)
      SELECT now(), '', '', CASE WHEN r::text::int < 0 THEN '' ELSE 'test' END, r::text::int
      FROM jsonb_array_elements(${found}::jsonb) AS r`
  )

const appliers: Appliers = new Map([["event", rows]])

/** The database of a test: it can go, and one transaction can hang. */
const stand = Effect.gen(function* () {
  const { loseCommit, sql } = yield* Postgres
  yield* Effect.orDie(sql`TRUNCATE failover_events, journals`)
  const state = { up: true, asked: 0, hang: Effect.void as Effect.Effect<void>, abandoned: [] as Array<string> }
  const database = Database.of({
    status: () => (state.up ? "up" : "down"),
    use: (effect) =>
      Effect.gen(function* () {
        state.asked++
        if (!state.up) return yield* new DatabaseUnavailable({ message: "the database is not there" })
        return yield* Effect.zipRight(state.hang, Effect.provideService(effect, SqlClient.SqlClient, sql))
      }),
    whenUp: Effect.void,
    announce: () => {}
  })
  const written = Effect.map(
    Effect.orDie(sql<{ id: number }>`SELECT consecutive_failures AS id FROM failover_events ORDER BY 1`),
    (found) => found.map(({ id }) => id)
  )
  const abandon = (id: string) => Effect.sync(() => void state.abandoned.push(id))
  return { state, database, written, loseCommit, abandon }
})

/** A gateway's journal and who drains it, until its scope ends. */
const start = (
  path: string,
  database: Database["Type"],
  journal = Journal.layer({ directory: path }),
  abandon: Abandon = () => Effect.void
) =>
  Effect.map(
    Layer.build(
      Layer.provideMerge(Replay.layer(appliers, abandon), Layer.merge(journal, Layer.succeed(Database, database)))
    ),
    (context) => {
      const [kept, replay] = [Context.get(context, Journal), Context.get(context, Replay)]
      const append = (...found: ReadonlyArray<number>) => {
        for (const number of found) kept.append("event", String(number))
      }
      /** Time passes, as long as anything waits. */
      const idle = Effect.repeat(TestClock.adjust("250 millis"), {
        until: () => kept.stats().pending + kept.stats().adopted === 0
      })
      return { append, journal: kept, replay, idle }
    }
  )

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe("the replay of the journal", () => {
  it.layer(Layer.scoped(Postgres, Pglite.make), { timeout: "60 seconds" })((it) => {
    it.scoped("brings what was appended a quarter of a second after the first of it", () =>
      Effect.gen(function* () {
        const { database, state, written } = yield* stand
        const { append, idle, replay } = yield* start(yield* directory, database)
        append(1, 2, 3)
        yield* TestClock.adjust("249 millis")
        assert.strictEqual(state.asked, 0)
        yield* idle
        assert.deepStrictEqual(yield* written, [1, 2, 3])
        assert.deepStrictEqual(replay.stats(), { applied: 3, poisoned: 0, unknown: 0, damaged: 0 })
        append(4)
        yield* idle
        assert.deepStrictEqual(yield* written, [1, 2, 3, 4])
      })
    )

    it.scoped("takes a small part of the time where one batch follows the other", () =>
      Effect.gen(function* () {
        const { database, state, written } = yield* stand
        const { append, journal } = yield* start(yield* directory, database)
        state.hang = Effect.sleep("50 millis")
        append(...numbers(1, 1_200))
        yield* until(() => state.asked === 1)
        yield* TestClock.adjust("50 millis")
        yield* until(() => journal.stats().pending === 700)
        yield* TestClock.adjust("1949 millis")
        assert.strictEqual(state.asked, 1)
        yield* TestClock.adjust("1 millis")
        yield* until(() => state.asked === 2)
        state.hang = Effect.void
        yield* Effect.repeat(TestClock.adjust("1 second"), { until: () => journal.stats().pending === 0 })
        assert.deepStrictEqual(yield* written, numbers(1, 1_200))
      })
    )

    it.scoped("rests also between batches that are full of long records", () =>
      Effect.gen(function* () {
        const { database, state, written } = yield* stand
        const { journal } = yield* start(yield* directory, database)
        state.hang = Effect.sleep("50 millis")
        for (const number of numbers(1, 499)) journal.append("event", String(number).padStart(4_000))
        yield* until(() => journal.stats().pending === 499)
        yield* TestClock.adjust("250 millis")
        yield* until(() => state.asked === 1)
        yield* TestClock.adjust("50 millis")
        yield* until(() => journal.stats().pending < 499)
        assert.isAbove(journal.stats().pending, 400)
        yield* TestClock.adjust("1949 millis")
        assert.strictEqual(state.asked, 1)
        state.hang = Effect.void
        yield* Effect.repeat(TestClock.adjust("1 second"), { until: () => journal.stats().pending === 0 })
        assert.deepStrictEqual(yield* written, numbers(1, 499))
      })
    )

    it.scoped("does not wait for more where a batch is full", () =>
      Effect.gen(function* () {
        const { database, state, written } = yield* stand
        const { append, journal } = yield* start(yield* directory, database)
        append(...numbers(1, 1_200))
        yield* until(() => journal.stats().pending === 200)
        yield* TestClock.adjust("250 millis")
        yield* until(() => journal.stats().pending === 0)
        assert.deepStrictEqual(yield* written, numbers(1, 1_200))
        assert.strictEqual(state.asked, 3)
      })
    )

    it.scoped("writes each record once where the answer to a commit is lost", () =>
      Effect.gen(function* () {
        const { database, loseCommit, written } = yield* stand
        const { append, idle, replay } = yield* start(yield* directory, database)
        for (const [index, done] of [true, false, true].entries()) {
          loseCommit(done)
          append(index * 2, index * 2 + 1)
          yield* idle
        }
        assert.deepStrictEqual(yield* written, numbers(0, 5))
        assert.isAtMost(replay.stats().applied, 6)
      })
    )

    it.scoped("waits for a database that is away, and says so once", () =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const { database, state, written } = yield* stand
        const { append, idle } = yield* Effect.provide(
          start(yield* directory, database),
          Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message }) => lines.push(String(message)))
          )
        )
        state.up = false
        append(1, 2)
        yield* TestClock.adjust("1 second")
        for (let tries = 0; tries < 20; tries++) yield* TestClock.adjust("5 seconds")
        assert.isAbove(state.asked, 5)
        assert.deepStrictEqual(yield* written, [])
        state.up = true
        yield* TestClock.adjust("5 seconds")
        yield* idle
        assert.deepStrictEqual(yield* written, [1, 2])
        assert.deepStrictEqual(lines, [
          "journal: it waits for the database: it is not there",
          "journal: the database takes records again"
        ])
      })
    )

    it.scoped("brings what a killed process left, and what it had brought already not again", () =>
      Effect.gen(function* () {
        const { database, state, written } = yield* stand
        const path = yield* directory
        const killed = yield* Scope.make()
        const before = yield* Scope.extend(start(path, database), killed)
        before.append(1, 2)
        yield* before.idle
        state.up = false
        before.append(3, 4)
        yield* TestClock.adjust("250 millis")
        appendFileSync(fileOf(path, ".ndjson"), '["event",5')
        killAll(path)
        state.up = true
        const after = yield* start(path, database)
        assert.strictEqual(after.journal.stats().adopted, 1)
        yield* after.idle
        assert.deepStrictEqual(yield* written, [1, 2, 3, 4])
        yield* Scope.close(killed, Exit.void)
        assert.deepStrictEqual(yield* written, [1, 2, 3, 4])
      })
    )

    it.scoped("drops the record that the database refuses, with its kind in the log and not its content", () =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const { database, written } = yield* stand
        const { append, idle, journal, replay } = yield* Effect.provide(
          start(yield* directory, database),
          Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message }) => lines.push(String(message)))
          )
        )
        append(1, -77, 2)
        journal.append("later", "78")
        journal.append("later", "79")
        yield* idle
        assert.deepStrictEqual(yield* written, [1, 2])
        assert.deepStrictEqual(replay.stats(), { applied: 2, poisoned: 1, unknown: 2, damaged: 0 })
        assert.deepStrictEqual(lines, [
          "journal: the database refuses 1 records of kind event (23514); they are dropped",
          "journal: records of kind later are skipped: a newer version wrote them"
        ])
      })
    )

    it.scoped("brings at its end what is left, and leaves no files", () =>
      Effect.gen(function* () {
        const { database, written } = yield* stand
        const path = yield* directory
        yield* Effect.scoped(
          Effect.map(start(path, database), ({ append, journal }) => {
            append(1, 2)
            journal.appendNow("event", "3")
          })
        )
        assert.deepStrictEqual(yield* written, [1, 2, 3])
        assert.deepStrictEqual(readdirSync(path), [])
      })
    )

    it.scoped("gives up what is the journal's own when all of it is brought, at its end or by the next start", () =>
      Effect.gen(function* () {
        const { abandon, database, state, written } = yield* stand
        const path = yield* directory
        const journal = Journal.layer({ directory: path })
        const whole = yield* Effect.scoped(
          Effect.map(start(path, database, journal, abandon), (running) => {
            running.append(1)
            running.journal.appendNow("event", "2")
            return running.journal.id
          })
        )
        assert.deepStrictEqual([yield* written, state.abandoned], [[1, 2], [whole]])
        const cut = yield* Effect.scoped(
          Effect.map(start(path, database, journal, abandon), (running) => {
            running.append(3)
            state.up = false
            return running.journal.id
          })
        )
        assert.deepStrictEqual(state.abandoned, [whole])
        state.up = true
        yield* (yield* start(path, database, journal, abandon)).idle
        assert.deepStrictEqual(
          [yield* written, state.abandoned],
          [
            [1, 2, 3],
            [whole, cut]
          ]
        )
      })
    )

    it.scoped("ends after two seconds where the database hangs, and the next start brings the rest once", () =>
      Effect.gen(function* () {
        const { database, state, written } = yield* stand
        const path = yield* directory
        const scope = yield* Scope.make()
        const { append } = yield* Scope.extend(start(path, database), scope)
        state.hang = Effect.never
        append(1, 2)
        yield* TestClock.adjust("250 millis")
        yield* until(() => state.asked === 1)
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("1999 millis")
        assert.isNull(closing.unsafePoll())
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(closing)
        state.hang = Effect.void
        yield* (yield* start(path, database)).idle
        assert.deepStrictEqual(yield* written, [1, 2])
      })
    )

    it.scoped("by two of what both hold brings each record once", () =>
      Effect.gen(function* () {
        const { database, state, written } = yield* stand
        const path = yield* directory
        state.up = false
        const zombie = yield* start(path, database)
        zombie.append(...numbers(1, 2_000))
        yield* TestClock.adjust("250 millis")
        killAll(path)
        const heir = yield* start(path, database)
        assert.strictEqual(heir.journal.stats().adopted, 1)
        state.up = true
        yield* heir.idle
        assert.deepStrictEqual(yield* written, numbers(1, 2_000))
        assert.strictEqual(heir.replay.stats().applied + zombie.replay.stats().applied, 2_000)
      })
    )

    it.scoped("does the same for a journal in memory", () =>
      Effect.gen(function* () {
        const { database, loseCommit, written } = yield* stand
        const { append, idle } = yield* start("", database, Journal.memory(5_000))
        loseCommit(true)
        append(...numbers(1, 700))
        yield* idle
        assert.deepStrictEqual(yield* written, numbers(1, 700))
      })
    )
  })

  it.scoped("tells a lost connection from a bad record", () =>
    Effect.gen(function* () {
      let failing = true
      const database = Database.of({
        status: () => "up",
        use: () =>
          failing ? Effect.die(new SqlError({ cause: new Error("Connection terminated") })) : Effect.interrupt,
        whenUp: Effect.void,
        announce: () => {}
      })
      const { append, journal, replay } = yield* start(yield* directory, database)
      append(1)
      for (let tries = 0; tries < 5; tries++) yield* TestClock.adjust("5 seconds")
      failing = false
      for (let tries = 0; tries < 5; tries++) yield* TestClock.adjust("5 seconds")
      assert.deepInclude(replay.stats(), { applied: 0, poisoned: 0 })
      assert.strictEqual(journal.stats().pending, 1)
    })
  )
})
