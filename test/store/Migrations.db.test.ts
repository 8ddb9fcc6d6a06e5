import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Migrations from "../../src/store/Migrations.js"
import { server } from "../support/database.js"

const first: Migrations.Migration = { id: 1, name: "first", text: "CREATE TABLE a (x int); INSERT INTO a VALUES (1)" }
const second: Migrations.Migration = { id: 2, name: "second", text: "ALTER TABLE a ADD COLUMN y int" }

const tidy = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql.unsafe("DROP TABLE IF EXISTS a, b, schema_migrations CASCADE").raw
)

const refusal = (migrations: ReadonlyArray<Migrations.Migration>) =>
  Effect.map(Effect.flip(Migrations.run(migrations)), (error) =>
    error._tag === "DatabaseSchemaRefused" ? error.message : error._tag
  )

layer(server, { timeout: "60 seconds" })("migrations", (it) => {
  it.effect("run once each, in order", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* Migrations.run([first]), [first])
      assert.deepStrictEqual(yield* Migrations.run([first, second]), [second])
      assert.deepStrictEqual(yield* Migrations.run([first, second]), [])
      assert.deepStrictEqual(yield* sql`SELECT x, y FROM a`, [{ x: 1, y: null }])
    })
  )

  it.effect("run all or not at all", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const broken = { id: 2, name: "broken", text: "CREATE TABLE b (x int); INSERT INTO nowhere VALUES (1)" }
      assert.strictEqual(yield* refusal([first, broken]), "SqlError")
      const tables =
        yield* sql`SELECT to_regclass('a') AS a, to_regclass('b') AS b, to_regclass('schema_migrations') AS m`
      assert.deepStrictEqual(tables, [{ a: null, b: null, m: null }])
    })
  )

  it.effect("run once also where several start at the same time", () =>
    Effect.gen(function* () {
      yield* tidy
      const applied = yield* Effect.all(
        Array.from({ length: 4 }, () => Migrations.run([first, second])),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(applied.map(({ length }) => length).toSorted(), [0, 0, 0, 2])
    })
  )

  it.effect("need no right to create anything where all of them have run", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      yield* Migrations.run([first])
      const asReader = (migrations: ReadonlyArray<Migrations.Migration>) =>
        Effect.gen(function* () {
          const [schema] = yield* sql<{ name: string }>`SELECT quote_ident(current_schema()) AS name`
          yield* sql.unsafe(`
            CREATE ROLE reader_of_tests;
            REVOKE CREATE ON SCHEMA ${schema?.name} FROM PUBLIC;
            GRANT USAGE ON SCHEMA ${schema?.name} TO reader_of_tests;
            GRANT SELECT ON schema_migrations TO reader_of_tests;
            SET LOCAL ROLE reader_of_tests`).raw
          const exit = yield* Effect.exit(Migrations.run(migrations))
          return yield* Effect.fail(Exit.map(exit, ({ length }) => length))
        }).pipe(sql.withTransaction, Effect.flip)
      assert.deepStrictEqual(yield* asReader([first]), Exit.succeed(0))
      const refused = yield* asReader([first, second])
      assert.isTrue(Exit.isExit(refused) && Exit.isFailure(refused))
    })
  )

  it.effect("refuse one that was changed after it had been applied", () =>
    Effect.gen(function* () {
      yield* tidy
      yield* Migrations.run([first])
      const changed = { ...first, text: `${first.text};` }
      assert.match(yield* refusal([changed, second]), /^migration 1 \(first\) was changed after it had been applied/)
      assert.deepStrictEqual(yield* Migrations.run([{ ...first, text: first.text.replaceAll("\n", "\r\n") }]), [])
    })
  )

  it.effect("refuse a schema that is newer than they are", () =>
    Effect.gen(function* () {
      yield* tidy
      yield* Migrations.run([first, second])
      assert.match(yield* refusal([first]), /^the database has migration 2 \(second\).*update orelse$/)
    })
  )

  it.effect("refuse a new one whose number is lower than one that was applied", () =>
    Effect.gen(function* () {
      yield* tidy
      yield* Migrations.run([second].map((each) => ({ ...each, text: "CREATE TABLE a (x int)" })))
      const late = [first, { ...second, text: "CREATE TABLE a (x int)" }]
      assert.match(yield* refusal(late), /^migration 1 \(first\) is older than what the database has/)
    })
  )

  it.effect("that orelse brings make the tables of the contract", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      yield* Migrations.run(Migrations.bundled())
      const tables = yield* sql<{ name: string }>`
        SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()`
      for (const name of ["providers", "models", "model_health_tracking", "model_health_history", "failover_events"]) {
        assert.include(
          tables.map((table) => table.name),
          name
        )
      }
    })
  )
})
