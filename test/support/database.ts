import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { Client, Pool } from "pg"
import { Database } from "../../src/store/Database.js"
import { DatabaseUnavailable } from "../../src/store/DatabaseError.js"
import * as Migrations from "../../src/store/Migrations.js"
import * as Pglite from "./pglite.js"

/** A Postgres that a test may do anything to: a schema of its own in the server at `TEST_DATABASE_URL`, or PGlite in memory. */
export const server: Layer.Layer<SqlClient.SqlClient> = Layer.orDie(
  PgClient.layerFromPool({
    acquire: Effect.suspend(() => {
      const url = process.env["TEST_DATABASE_URL"]
      return url === undefined || url === "" ? Pglite.pool() : schemaOf(url)
    })
  })
)

/** The same with the tables of orelse in it. */
export const migrated: Layer.Layer<SqlClient.SqlClient> = Layer.tap(server, (context) =>
  Effect.orDie(Effect.provide(Migrations.run(Migrations.bundled()), context))
).pipe(Layer.orDie)

/** A `Database` on such a server, which is away as long as a test says so. */
export const switched = (isAway: () => boolean): Layer.Layer<Database, never, SqlClient.SqlClient> =>
  Layer.effect(
    Database,
    Effect.map(SqlClient.SqlClient, (sql) =>
      Database.of({
        status: () => (isAway() ? "down" : "up"),
        use: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.suspend((): Effect.Effect<A, E | DatabaseUnavailable, Exclude<R, SqlClient.SqlClient>> =>
            isAway()
              ? Effect.fail(new DatabaseUnavailable({ message: "it is away" }))
              : Effect.provideService(effect, SqlClient.SqlClient, sql)
          ),
        whenUp: Effect.void,
        announce: () => {}
      })
    )
  )

/** Up from the start. */
export const database: Layer.Layer<Database | SqlClient.SqlClient> = Layer.provideMerge(
  switched(() => false),
  migrated
)

const schemaOf = (url: string) =>
  Effect.gen(function* () {
    const schema = `test_${randomUUID().replaceAll("-", "")}`
    const ask = (text: string) =>
      Effect.promise(async () => {
        const client = new Client({ connectionString: url })
        await client.connect()
        await client.query(text)
        await client.end()
      })
    yield* Effect.acquireRelease(ask(`CREATE SCHEMA ${schema}`), () => ask(`DROP SCHEMA ${schema} CASCADE`))
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        const made = new Pool({ connectionString: url, options: `-c search_path=${schema}`, max: 4 })
        made.on("connect", (client) => Object.assign(client, { processID: undefined }))
        made.on("error", () => {})
        return made
      }),
      (made) => Effect.promise(() => made.end())
    )
  })
