import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"

/**
 * Forgets how much of a journal is in the tables, where no gateway has had that journal for so many days; gives how many. `here`
 * are those that this gateway has: their records would be written twice.
 */
export const prune = (
  here: ReadonlyArray<string>,
  days: number
): Effect.Effect<number, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // Others then know that it is not gone.
    yield* sql`UPDATE journals SET updated_at = now() WHERE id = ANY(${here}::uuid[])`
    const gone = yield* sql`DELETE FROM journals WHERE updated_at < now() - ${`${days} days`}::interval RETURNING id`
    return gone.length
  })
