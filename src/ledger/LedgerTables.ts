import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Appliers } from "../store/Drain.js"
import * as RollupTables from "./RollupTables.js"

type Write = Effect.Effect<void, SqlError, SqlClient.SqlClient>

/**
 * Writes closed rows: over the open ones of their ids, and over those that were taken for lost. Sums and leases of budgets follow in
 * the same transaction; a row that is closed already changes nothing.
 */
const close = (records: string): Write =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const lost = yield* sql<{ readonly entry: object }>`
      SELECT to_jsonb(ledger_entries) AS entry FROM ledger_entries
       WHERE outcome = 'lost' AND id IN (SELECT id FROM jsonb_to_recordset(${records}::jsonb) AS given(id uuid)) FOR UPDATE`
    const closed = yield* sql<{ readonly id: string }>`
      INSERT INTO ledger_entries (${sql.literal(columns)})
      SELECT ${sql.literal(columns)} FROM jsonb_to_recordset(${records}::jsonb) AS given(${sql.literal(typed)})
      ON CONFLICT (id) DO UPDATE SET
        ended_at = EXCLUDED.ended_at, outcome = EXCLUDED.outcome, category = EXCLUDED.category, ms = EXCLUDED.ms,
        input_tokens = EXCLUDED.input_tokens, cache_read_tokens = EXCLUDED.cache_read_tokens,
        cache_write_tokens = EXCLUDED.cache_write_tokens, cache_write_1h_tokens = EXCLUDED.cache_write_1h_tokens,
        input_audio_tokens = EXCLUDED.input_audio_tokens, output_tokens = EXCLUDED.output_tokens,
        reasoning_tokens = EXCLUDED.reasoning_tokens, output_audio_tokens = EXCLUDED.output_audio_tokens,
        usage_source = EXCLUDED.usage_source, cost_usd = EXCLUDED.cost_usd, saved_usd = EXCLUDED.saved_usd
       WHERE ledger_entries.outcome IN ('open', 'lost')
      RETURNING id`
    const fresh = yield* only(
      records,
      closed.map(({ id }) => id)
    )
    if (fresh === undefined) return
    yield* RollupTables.add(
      lost.length === 0 ? fresh : joined(fresh, JSON.stringify(lost.map(({ entry }) => ({ ...entry, sign: -1 }))))
    )
    yield* spend(fresh)
  })

/** Two JSON arrays that are not empty in one. */
const joined = (one: string, other: string): string => `${one.slice(0, -1)},${other.slice(1)}`

/** Of these records the ones of these ids; `undefined`: none. Mostly it is all of them. */
const only = (
  records: string,
  ids: ReadonlyArray<string>
): Effect.Effect<string | undefined, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    if (ids.length === 0) return undefined
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ readonly records: string }>`
      SELECT jsonb_agg(given)::text AS records FROM jsonb_array_elements(${records}::jsonb) AS given
       WHERE (given ->> 'id')::uuid = ANY (${ids}::uuid[])`
    return row?.records
  })

/** What was spent is no longer leased. */
const spend = (records: string): Write =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      UPDATE budget_leases SET leased_usd = leased_usd - spent.usd
        FROM (SELECT scope, run, sum(cost_usd) AS usd
                FROM jsonb_to_recordset(${records}::jsonb) AS given(run uuid, cost_usd numeric, budgets jsonb),
                     jsonb_array_elements_text(budgets) AS scope
               GROUP BY scope, run) AS spent
       WHERE budget_leases.scope = spent.scope AND budget_leases.run = spent.run`
  )

/** Writes down what is called, unless it is known already how that ended. */
const open = (records: string): Write =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO ledger_entries (${sql.literal(known)}, outcome)
      SELECT ${sql.literal(known)}, 'open' FROM jsonb_to_recordset(${records}::jsonb) AS given(${sql.literal(typed)})
      ON CONFLICT (id) DO NOTHING`
  )

/** What the journal holds of the ledger, and how it gets into the tables. Mostly a call is over when that it began is applied. */
export const appliers: Appliers = new Map([
  ["entry", close],
  ["intent", open]
])

/**
 * A gateway is gone, and all that it wrote is applied. What it had asked for and never heard the end of is charged at what was
 * reserved, or is unknown; what it held of budgets is free again.
 */
export const abandon = (run: string): Write =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const lost = yield* sql<{ readonly entry: unknown }>`
      UPDATE ledger_entries
         SET outcome = 'lost', ended_at = now(), cost_usd = reserved_usd,
             usage_source = CASE WHEN reserved_usd IS NULL THEN NULL ELSE 'estimated' END
       WHERE run = ${run} AND outcome = 'open'
      RETURNING to_jsonb(ledger_entries) AS entry`
    if (lost.length > 0) {
      yield* RollupTables.add(JSON.stringify(lost.map(({ entry }) => entry)))
      yield* Effect.logWarning(
        `ledger: ${lost.length} calls of a gateway that is gone have no end; they are marked as lost`
      )
    }
    yield* sql`DELETE FROM budget_leases WHERE run = ${run}`
  })

/** What is known before a call. */
const known =
  'id, request_id, timestamp, run, tenant, "user", key, instance, provider, model, provider_model_id, stream, reserved_usd'

const columns = `${known}, ended_at, outcome, category, ms, input_tokens, cache_read_tokens, cache_write_tokens,
  cache_write_1h_tokens, input_audio_tokens, output_tokens, reasoning_tokens, output_audio_tokens, usage_source, cost_usd,
  saved_usd`

const typed = `id uuid, request_id text, timestamp timestamptz, run uuid, tenant text, "user" text, key text, instance text,
  provider text, model text, provider_model_id text, stream boolean, reserved_usd numeric, ended_at timestamptz, outcome text,
  category text, ms double precision, input_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint,
  cache_write_1h_tokens bigint, input_audio_tokens bigint, output_tokens bigint, reasoning_tokens bigint,
  output_audio_tokens bigint, usage_source text, cost_usd numeric, saved_usd numeric`
