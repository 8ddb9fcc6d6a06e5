import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as HealthTables from "../health/HealthTables.js"

type Asks<A> = Effect.Effect<A, SqlError, SqlClient.SqlClient>

/** What the doctor asks of the tables. */
export const version: Asks<string> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ version: string }>`SELECT current_setting('server_version') AS version`
  return row?.version ?? "of an unknown version"
})

export const providers: Asks<{ readonly all: number; readonly active: number }> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ all: number; active: number }>`
    SELECT count(*)::int AS all, count(*) FILTER (WHERE is_active)::int AS active FROM providers`
  return row ?? { all: 0, active: 0 }
})

/** `renamed`: models that a provider calls otherwise than by the canonical name. */
export const models: Asks<{ readonly all: number; readonly names: number; readonly renamed: number }> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ all: number; names: number; renamed: number }>`
      SELECT count(*)::int AS all, count(DISTINCT model_id)::int AS names,
             count(*) FILTER (WHERE model_id <> provider_model_id)::int AS renamed
        FROM models WHERE is_active`
    return row ?? { all: 0, names: 0, renamed: 0 }
  }
)

/** Models that most providers in service have, and who they are. */
export const shared: Asks<ReadonlyArray<{ readonly model: string; readonly providers: ReadonlyArray<string> }>> =
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* sql<{ model: string; providers: ReadonlyArray<string> }>`
      SELECT model_id AS model, array_agg(DISTINCT slug ORDER BY slug) AS providers
        FROM models JOIN providers ON providers.id = provider_id
       WHERE models.is_active AND providers.is_active
       GROUP BY model_id ORDER BY count(DISTINCT slug) DESC, model_id LIMIT 20`
  })

/** A model that its provider calls otherwise. */
export const renamed: Asks<{ readonly model: string; readonly provider: string; readonly own: string } | undefined> =
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ model: string; provider: string; own: string }>`
      SELECT model_id AS model, slug AS provider, provider_model_id AS own
        FROM models JOIN providers ON providers.id = provider_id
       WHERE models.is_active AND providers.is_active AND model_id <> provider_model_id
       ORDER BY models.id LIMIT 1`
    return row
  })

/** How many models of providers calls were counted for. */
export const tracked: Asks<number> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ n: number }>`SELECT count(*)::int AS n FROM model_health_tracking`
  return row?.n ?? 0
})

/** Counts a call of a provider that is none, sees whether it was counted, and takes it back. */
export const rehearsedTracking: Asks<boolean> = Effect.flatMap(SqlClient.SqlClient, (sql) => {
  const rehearsal = Effect.gen(function* () {
    const call = { instance: nobody, provider: nobody, model: nobody, success: 1, errors: 0 }
    yield* HealthTables.count(JSON.stringify([{ ...call, latencySum: 1, latencyCount: 1, lastAt: 0 }]))
    const [row] = yield* sql<{ n: number }>`
      SELECT count(*)::int AS n FROM model_health_tracking WHERE provider = ${nobody} AND success_count = 1`
    // A failure takes the transaction back.
    return yield* Effect.fail({ counted: row?.n === 1 })
  })
  return Effect.catchAll(sql.withTransaction(rehearsal), (ended) =>
    "counted" in ended ? Effect.succeed(ended.counted) : Effect.fail(ended)
  )
})

const nobody = "orelse-doctor"
