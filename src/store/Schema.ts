import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"

const rollups = columns(
  "dimension value bucket calls successes failures cancelled hits unpriced input_tokens output_tokens cost_usd saved_usd ms"
)

/** The tables that queries name, with the columns that they name. */
export const needed: Readonly<Record<string, ReadonlyArray<string>>> = {
  budget_alerts: columns("scope period period_start threshold told_at"),
  budget_leases: columns("scope run leased_usd reserved_usd expires_at doubted_at"),
  budgets: columns("scope definition updated_at"),
  alert_deliveries: columns("alert_id target attempts next_at delivered_at failed_at problem"),
  alerts: columns("id kind subject told_at repeat_at current body"),
  circuit_states: columns(
    "instance scope model circuit forced forced_at consecutive_failures openings retry_at changed_at version"
  ),
  failover_events: columns(
    "id timestamp provider instance event_type scope model consecutive_failures next_retry_secs to_instance request_id reason"
  ),
  journals: columns("id position updated_at"),
  ledger_entries: columns(
    "id request_id timestamp ended_at run tenant user key instance provider model provider_model_id stream outcome category ms input_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens input_audio_tokens output_tokens reasoning_tokens output_audio_tokens usage_source cost_usd saved_usd reserved_usd"
  ),
  ledger_rollups: rollups,
  ledger_rollups_daily: rollups,
  model_health_history: columns("id provider model health_status response_time_ms checked_at"),
  model_health_tracking: columns("provider model success_count error_count average_response_time_ms last_checked_at"),
  model_routes: columns("model_id definition is_active updated_at"),
  models: columns(
    "id model_id provider_id provider_model_id pricing_prompt pricing_completion context_window health_status average_response_time_ms is_active synced_at"
  ),
  providers: columns(
    "id slug vendor name health_status average_response_time_ms is_active priority source settings synced_at created_at updated_at"
  ),
  requests: columns(
    "id timestamp tenant user path status ms model instance provider provider_model_id stream fallback failure input_tokens output_tokens cost_usd attempts"
  ),
  schema_migrations: columns("id name checksum applied_at"),
  settings: columns("key value updated_at"),
  versions: columns("name version")
}

/** What of them is not there. */
export interface Missing {
  readonly tables: ReadonlyArray<string>
  /** As `table.column`, of tables that are there. */
  readonly columns: ReadonlyArray<string>
}

export const missing: Effect.Effect<Missing, SqlError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const found = yield* sql<{ table_name: string; column_name: string }>`
    SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))`
  const tables = new Map<string, Set<string>>()
  for (const { column_name, table_name } of found) {
    const known = tables.get(table_name)
    if (known === undefined) tables.set(table_name, new Set([column_name]))
    else known.add(column_name)
  }
  return {
    tables: Object.keys(needed).filter((table) => !tables.has(table)),
    columns: Object.entries(needed).flatMap(([table, names]) => {
      const there = tables.get(table)
      return there === undefined ? [] : names.flatMap((name) => (there.has(name) ? [] : [`${table}.${name}`]))
    })
  }
})

function columns(text: string): ReadonlyArray<string> {
  return text.split(" ")
}
