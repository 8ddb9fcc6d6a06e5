import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { describe } from "./DatabaseError.js"

/**
 * What a Postgres server does by itself and an embedded one does not: its log is shortened, or every start would replay all of
 * it, and dead rows are swept up.
 */
export const forever: Effect.Effect<void, never, SqlClient.SqlClient> = Effect.flatMap(SqlClient.SqlClient, (sql) => {
  const checkpoint = Effect.gen(function* () {
    const [row] = yield* sql<{ due: boolean }>`
      SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) > ${mostLog}::bigint AS due FROM pg_control_checkpoint()`
    if (row?.due === true) yield* sql`CHECKPOINT`
  })
  return Effect.all(
    [
      Effect.repeat(quietly("a checkpoint", checkpoint), Schedule.spaced("15 seconds")),
      // Not while a start is busy, and not so late that who is started anew again and again is never swept.
      Effect.zipRight(
        Effect.sleep("5 minutes"),
        Effect.repeat(quietly("a clean-up", sql`VACUUM (ANALYZE)`), Schedule.spaced("1 hour"))
      )
    ],
    { concurrency: "unbounded", discard: true }
  )
})

/** In bytes. */
const mostLog = 16 * 2 ** 20

const quietly = (what: string, effect: Effect.Effect<unknown, SqlError>): Effect.Effect<void> =>
  Effect.catchAll(Effect.asVoid(effect), (error) =>
    Effect.logWarning(`database: ${what} of the embedded database failed (${describe(error)})`)
  )
