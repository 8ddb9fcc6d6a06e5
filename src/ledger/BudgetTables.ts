import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Fields } from "../config/FileForm.js"
import type { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import { BudgetStoreFailed } from "./BudgetStore.js"

/** The budgets that were set, in the form of the config file, by scope. */
export interface Definitions {
  readonly load: Effect.Effect<ReadonlyMap<string, Fields>, BudgetStoreFailed>
  /** `undefined` takes it away. */
  readonly save: (scope: string, fields: Fields | undefined) => Effect.Effect<void, BudgetStoreFailed>
}

/** Those of the table `budgets`. */
export const definitions = (database: Database["Type"]): Definitions => {
  const use = using(database)
  return {
    load: use((sql) =>
      Effect.map(
        sql<{ readonly scope: string; readonly definition: Fields }>`
          SELECT scope, definition FROM budgets ORDER BY scope`,
        (rows) => new Map(rows.map(({ definition, scope }) => [scope, definition]))
      )
    ),
    save: (scope, fields) =>
      use((sql) =>
        fields === undefined
          ? sql`DELETE FROM budgets WHERE scope = ${scope}`
          : sql`
              INSERT INTO budgets (scope, definition) VALUES (${scope}, ${JSON.stringify(fields)}::jsonb)
              ON CONFLICT (scope) DO UPDATE SET definition = EXCLUDED.definition, updated_at = now()`
      )
  }
}

const using =
  (database: Database["Type"]) =>
  <A>(ask: (sql: SqlClient.SqlClient) => Effect.Effect<A, SqlError>): Effect.Effect<A, BudgetStoreFailed> =>
    database.use(Effect.flatMap(SqlClient.SqlClient, ask)).pipe(
      Effect.mapError(
        (error) =>
          new BudgetStoreFailed({
            message: error._tag === "SqlError" ? `the database refuses (${describe(error)})` : error.message
          })
      ),
      Effect.timeoutFail({
        duration: patience,
        onTimeout: () => new BudgetStoreFailed({ message: `the database did not answer within ${patience}` })
      })
    )

const patience = "5 seconds"
