import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Fields } from "../config/FileForm.js"
import type { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import { BudgetStoreFailed } from "./BudgetStore.js"
import type { Period } from "./BudgetWindow.js"

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

/** An alert of a budget that somebody is to tell. */
export interface Claimed {
  readonly scope: string
  readonly period: Period
  readonly percent: number
  /** Unix ms: what it is told of. */
  readonly begins: number
  /** Unix ms: what was told from then on is not told again. */
  readonly since: number
}

/** Who of the gateways on the table `budget_alerts` tells. */
export const told = (database: Database["Type"]) => {
  const use = using(database)
  return {
    /** True for the first one only. */
    claim: ({ begins, percent, period, scope, since }: Claimed): Effect.Effect<boolean, BudgetStoreFailed> =>
      use((sql) =>
        Effect.map(
          sql`
            INSERT INTO budget_alerts (scope, period, period_start, threshold)
            SELECT ${scope}, ${period}, ${new Date(begins).toISOString()}::timestamptz, ${percent}::integer
             WHERE NOT EXISTS (
               SELECT 1 FROM budget_alerts WHERE scope = ${scope} AND period = ${period} AND threshold = ${percent}::integer
                  AND period_start >= ${new Date(since).toISOString()}::timestamptz)
            ON CONFLICT DO NOTHING RETURNING scope`,
          (rows) => rows.length > 0
        )
      ),
    /** Takes away what no window reaches any more. */
    tidy: use((sql) => Effect.asVoid(sql`DELETE FROM budget_alerts WHERE told_at < now() - interval '70 days'`))
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
