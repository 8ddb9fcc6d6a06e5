import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { EventQuery, EventRow } from "../store/EventLog.js"
import type { CircuitState } from "./CircuitState.js"
import type { InstanceStatus } from "./Status.js"

type Asks<A> = Effect.Effect<A, SqlError, SqlClient.SqlClient>

/** Records of the journal, a JSON array; the tables' own types and checks say whether they are good. */
type Records = string

const json = (value: unknown): string => JSON.stringify(value)

/** Rows refer to a provider, which need not be there yet when the calls to it are. */
const known = (records: Records): Asks<void> =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO providers (slug, vendor, name)
      SELECT DISTINCT ON (instance) instance, provider, instance
        FROM jsonb_to_recordset(${records}::jsonb) AS given(instance text, provider text)
      ON CONFLICT (slug) DO NOTHING`
  )

/** Adds calls to what was counted: `Delta`s with the `provider`. The average moves; what is older than a hundred calls hardly counts in it. */
export const count = (deltas: Records): Asks<void> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* known(deltas)
    yield* sql`
      INSERT INTO model_health_tracking AS old
        (provider, model, success_count, error_count, average_response_time_ms, last_checked_at)
      SELECT instance, model, sum(success), sum(errors),
             sum("latencySum") / nullif(sum("latencyCount"), 0), to_timestamp(max("lastAt") / 1000.0)
        FROM jsonb_to_recordset(${deltas}::jsonb) AS given(
          instance text, model text, success bigint, errors bigint,
          "latencySum" double precision, "latencyCount" bigint, "lastAt" double precision)
       GROUP BY instance, model
      ON CONFLICT (provider, model) DO UPDATE
        SET success_count = old.success_count + excluded.success_count,
            error_count = old.error_count + excluded.error_count,
            average_response_time_ms = CASE
              WHEN excluded.average_response_time_ms IS NULL THEN old.average_response_time_ms
              WHEN old.average_response_time_ms IS NULL THEN excluded.average_response_time_ms
              ELSE old.average_response_time_ms + (excluded.average_response_time_ms - old.average_response_time_ms)
                   * excluded.success_count / (least(old.success_count, 100) + greatest(excluded.success_count, 1))
            END,
            last_checked_at = greatest(old.last_checked_at, excluded.last_checked_at)`
  })

/** Writes `Sample`s down, with the `provider` and Unix ms `at`. */
export const sample = (samples: Records): Asks<void> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* known(samples)
    yield* sql`
      INSERT INTO model_health_history (provider, model, health_status, response_time_ms, checked_at)
      SELECT instance, model, health_status, response_time_ms, to_timestamp(at / 1000.0)
        FROM jsonb_to_recordset(${samples}::jsonb) AS given(
          instance text, model text, health_status text, response_time_ms double precision, at double precision)`
    yield* sql`
      UPDATE models
         SET health_status = given.health_status,
             average_response_time_ms = coalesce(given.response_time_ms, models.average_response_time_ms)
        FROM jsonb_to_recordset(${samples}::jsonb) AS given(
               instance text, model text, health_status text, response_time_ms double precision)
        JOIN providers ON providers.slug = given.instance
       WHERE models.provider_id = providers.id AND models.provider_model_id = given.model`
  })

/** How instances are now. */
export const look = (statuses: ReadonlyArray<InstanceStatus>): Asks<void> =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      UPDATE providers SET health_status = given.status, average_response_time_ms = coalesce(given.p50, average_response_time_ms)
        FROM jsonb_to_recordset(${json(
          statuses.map(({ instance, latency_ms, status }) => ({ instance, status, p50: latency_ms.p50 }))
        )}::jsonb) AS given(instance text, status text, p50 double precision)
       WHERE slug = given.instance
         AND (health_status, average_response_time_ms)
             IS DISTINCT FROM (given.status, coalesce(given.p50, average_response_time_ms))`
  )

/** Writes `EventRow`s down. */
export const tell = (events: Records): Asks<void> =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO failover_events
        (timestamp, provider, instance, event_type, scope, model, consecutive_failures, next_retry_secs, to_instance, request_id, reason)
      SELECT timestamp, provider, instance, event_type, scope, model, consecutive_failures, next_retry_secs, to_instance,
             request_id, reason
        FROM jsonb_to_recordset(${events}::jsonb) AS given(
          timestamp timestamptz, provider text, instance text, event_type text, scope text, model text,
          consecutive_failures integer, next_retry_secs integer, to_instance text, request_id text, reason text)`
  )

/** Those that a query asks for, the latest first. */
export const events = ({ instance, limit, since, type }: EventQuery): Asks<ReadonlyArray<EventRow>> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const wanted = [
      ...(instance === undefined ? [] : [sql`instance = ${instance}`]),
      ...(type === undefined ? [] : [sql`event_type = ${type}`]),
      ...(since === undefined ? [] : [sql`timestamp >= to_timestamp(${since} / 1000.0)`])
    ]
    const found = yield* sql<Omit<EventRow, "id" | "timestamp"> & { readonly id: string; readonly timestamp: Date }>`
      SELECT id, timestamp, provider, instance, event_type, scope, model, consecutive_failures, next_retry_secs, to_instance,
             request_id, reason
        FROM failover_events WHERE ${sql.and(wanted)}
       ORDER BY timestamp DESC, id DESC LIMIT ${limit}`
    return found.map((row) => ({ ...row, id: Number(row.id), timestamp: row.timestamp.toISOString() }))
  })

/** Tells other replicas, and a later run, of circuits. What they know later is kept. */
export const keep = (states: ReadonlyArray<CircuitState>): Asks<void> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(
      Effect.gen(function* () {
        // Also the lock: whoever sees a version sees all that is older.
        const [counted] = yield* sql<{ version: string }>`
          UPDATE versions SET version = version + 1 WHERE name = 'circuits' RETURNING version`
        yield* sql`
          INSERT INTO circuit_states AS old
            (instance, scope, model, circuit, forced, forced_at, consecutive_failures, openings, retry_at, changed_at, version)
          SELECT instance, scope, model, circuit, forced, to_timestamp("forcedAt" / 1000.0), "consecutiveFailures", openings,
                 to_timestamp("retryAt" / 1000.0), to_timestamp("changedAt" / 1000.0), ${counted?.version ?? "0"}::bigint
            FROM jsonb_to_recordset(${json(states)}::jsonb) AS given(
              instance text, scope text, model text, circuit text, forced text, "forcedAt" double precision,
              "consecutiveFailures" integer, openings integer, "retryAt" double precision, "changedAt" double precision)
          ON CONFLICT (instance, scope, model) DO UPDATE
            SET circuit = CASE WHEN excluded.changed_at > old.changed_at THEN excluded.circuit ELSE old.circuit END,
                consecutive_failures = CASE WHEN excluded.changed_at > old.changed_at
                  THEN excluded.consecutive_failures ELSE old.consecutive_failures END,
                openings = CASE WHEN excluded.changed_at > old.changed_at THEN excluded.openings ELSE old.openings END,
                retry_at = CASE WHEN excluded.changed_at > old.changed_at THEN excluded.retry_at ELSE old.retry_at END,
                forced = CASE WHEN coalesce(excluded.forced_at, '-infinity') > coalesce(old.forced_at, '-infinity')
                  THEN excluded.forced ELSE old.forced END,
                forced_at = greatest(excluded.forced_at, old.forced_at),
                changed_at = greatest(excluded.changed_at, old.changed_at),
                version = excluded.version
            WHERE excluded.changed_at > old.changed_at
               OR coalesce(excluded.forced_at, '-infinity') > coalesce(old.forced_at, '-infinity')`
        yield* sql`SELECT pg_notify('orelse', 'circuits')`
      })
    )
  )

/** Circuits that were told of after a version, and the version to ask with the next time; the first one is 0. */
export const told = (after: string): Asks<{ readonly version: string; readonly states: ReadonlyArray<CircuitState> }> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ version: string }>`SELECT version FROM versions WHERE name = 'circuits'`
    const version = row?.version ?? after
    if (version === after) return { version, states: [] }
    const found = yield* sql<Row>`
      SELECT instance, scope, model, circuit, forced, forced_at, consecutive_failures, openings, retry_at, changed_at
        FROM circuit_states WHERE version > ${after}::bigint`
    return { version, states: found.map(stateOf) }
  })

interface Row {
  readonly instance: string
  readonly scope: CircuitState["scope"]
  readonly model: string
  readonly circuit: CircuitState["circuit"]
  readonly forced: CircuitState["forced"]
  readonly forced_at: Date | null
  readonly consecutive_failures: number
  readonly openings: number
  readonly retry_at: Date | null
  readonly changed_at: Date
}

const stateOf = (row: Row): CircuitState => ({
  instance: row.instance,
  scope: row.scope,
  model: row.model,
  circuit: row.circuit,
  forced: row.forced,
  forcedAt: row.forced_at?.getTime(),
  consecutiveFailures: row.consecutive_failures,
  openings: row.openings,
  retryAt: row.retry_at?.getTime(),
  changedAt: row.changed_at.getTime()
})

/** How fast models answered when it was last counted. */
export const paces: Asks<
  ReadonlyArray<{ readonly instance: string; readonly model: string; readonly ms: number; readonly at: number }>
> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const found = yield* sql<{ provider: string; model: string; ms: number; at: Date }>`
    SELECT provider, model, average_response_time_ms AS ms, last_checked_at AS at FROM model_health_tracking
     WHERE average_response_time_ms IS NOT NULL ORDER BY last_checked_at DESC LIMIT 10000`
  return found.map(({ at, model, ms, provider }) => ({ instance: provider, model, ms, at: at.getTime() }))
})

/** Takes away what is older than so many days: what happened, and how models were. */
export const prune = (
  days: number
): Asks<{ readonly events: number; readonly samples: number; readonly requests: number }> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const age = `${days} days`
    const happened = yield* sql<{ n: number }>`
      WITH gone AS (DELETE FROM failover_events WHERE timestamp < now() - ${age}::interval RETURNING 1)
      SELECT count(*)::int AS n FROM gone`
    const sampled = yield* sql<{ n: number }>`
      WITH gone AS (DELETE FROM model_health_history WHERE checked_at < now() - ${age}::interval RETURNING 1)
      SELECT count(*)::int AS n FROM gone`
    const asked = yield* sql<{ n: number }>`
      WITH gone AS (DELETE FROM requests WHERE timestamp < now() - ${age}::interval RETURNING 1)
      SELECT count(*)::int AS n FROM gone`
    return { events: gone(happened), samples: gone(sampled), requests: gone(asked) }
  })

/**
 * Takes away the circuits of instances that nobody has had for so many days, and the calls that were counted of them; gives how
 * many. `here` are those that this gateway has.
 */
export const forget = (here: ReadonlyArray<string>, days: number): Asks<number> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const age = `${days} days`
    // A gateway makes each of its instances active now and then, where they are in service; what has settings is stored.
    const theirs = sql`
      SELECT slug FROM providers
       WHERE is_active OR settings IS NOT NULL OR updated_at > now() - ${age}::interval
       UNION ALL SELECT unnest(${here}::text[])`
    const circuits = yield* sql`
      DELETE FROM circuit_states
       WHERE changed_at < now() - ${age}::interval AND instance NOT IN (${theirs}) RETURNING instance`
    const counted = yield* sql`
      DELETE FROM model_health_tracking
       WHERE last_checked_at < now() - ${age}::interval AND provider NOT IN (${theirs}) RETURNING provider`
    return circuits.length + counted.length
  })

const gone = (deleted: ReadonlyArray<{ readonly n: number }>): number => deleted[0]?.n ?? 0
