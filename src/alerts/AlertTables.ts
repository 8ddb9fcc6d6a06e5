import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Appliers } from "../store/Drain.js"
import { AlertBody } from "./AlertBody.js"
import type { AlertRow, Delivery, DeliveryRow, Failure } from "./Outbox.js"

type Asks<A> = Effect.Effect<A, SqlError, SqlClient.SqlClient>

/** What the journal holds of alerts: one that is told, or a subject that is well again. Times are Unix ms. */
const AlertRecord = Schema.Union(
  Schema.Struct({
    told: AlertBody,
    subject: Schema.String,
    at: Schema.Number,
    repeatAt: Schema.Number,
    targets: Schema.Array(Schema.String)
  }),
  Schema.Struct({ over: Schema.String, at: Schema.Number })
)
export type AlertRecord = typeof AlertRecord.Type

const read = Schema.decodeUnknownSync(Schema.parseJson(Schema.Array(AlertRecord)))

/** Keeps alerts in the order in which they were told, but none about what somebody has told of already. */
const keep = (records: string): Asks<void> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.forEach(
      read(records),
      (record) =>
        "over" in record
          ? sql`
              UPDATE alerts SET current = false
               WHERE subject = ${record.over} AND current AND told_at <= to_timestamp(${record.at} / 1000.0)`
          : Effect.zipRight(
              sql`
                UPDATE alerts SET current = false
                 WHERE subject = ${record.subject} AND current AND repeat_at <= to_timestamp(${record.at} / 1000.0)`,
              sql`
                WITH kept AS (
                  INSERT INTO alerts (id, kind, subject, told_at, repeat_at, body)
                  VALUES (${record.told.id}, ${record.told.kind}, ${record.subject},
                          to_timestamp(${record.at} / 1000.0), to_timestamp(${record.repeatAt} / 1000.0),
                          ${JSON.stringify(record.told)}::jsonb)
                  ON CONFLICT DO NOTHING RETURNING id, told_at
                )
                INSERT INTO alert_deliveries (alert_id, target, next_at)
                SELECT id, target, told_at
                  FROM kept, jsonb_array_elements_text(${JSON.stringify(record.targets)}::jsonb) AS target`
            ),
      { discard: true }
    )
  )

/** What the journal holds of alerts, and how it gets into the tables. */
export const appliers: Appliers = new Map([["alert", keep]])

/** Of several who ask, each gets another one. */
export const claim = (target: string, now: number, until: number): Asks<Delivery | undefined> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ attempts: number; body: AlertBody }>`
      UPDATE alert_deliveries SET attempts = attempts + 1, next_at = to_timestamp(${until} / 1000.0)
        FROM alerts
       WHERE target = ${target} AND alert_id = (
               SELECT alert_id FROM alert_deliveries
                WHERE target = ${target} AND next_at <= to_timestamp(${now} / 1000.0)
                  AND delivered_at IS NULL AND failed_at IS NULL
                ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         AND alerts.id = alert_id
      RETURNING attempts, body`
    return row === undefined ? undefined : { alert: row.body, target, attempts: row.attempts }
  })

/** Whoever took longer than was granted is not heard any more. */
export const delivered = ({ alert, attempts, target }: Delivery, now: number): Asks<void> =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      UPDATE alert_deliveries SET delivered_at = to_timestamp(${now} / 1000.0)
       WHERE alert_id = ${alert.id} AND target = ${target} AND attempts = ${attempts}`
  )

export const failed = (
  { alert, attempts, target }: Delivery,
  now: number,
  { at, holdsAll, problem }: Failure
): Asks<void> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const again = to(sql, at)
    yield* sql`
      UPDATE alert_deliveries
         SET problem = ${problem}, next_at = coalesce(${again}, next_at),
             failed_at = CASE WHEN ${again} IS NULL THEN to_timestamp(${now} / 1000.0) END
       WHERE alert_id = ${alert.id} AND target = ${target} AND attempts = ${attempts}`
    if (at === undefined || !holdsAll) return
    yield* sql`
      UPDATE alert_deliveries SET next_at = greatest(next_at, ${again})
       WHERE target = ${target} AND delivered_at IS NULL AND failed_at IS NULL`
  })

const to = (sql: SqlClient.SqlClient, at: number | undefined) =>
  sql`to_timestamp(${at ?? null}::double precision / 1000.0)`

export const latest = (limit: number): Asks<ReadonlyArray<AlertRow>> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const found = yield* sql<{ body: AlertBody; deliveries: ReadonlyArray<DeliveryRow> }>`
      SELECT body, coalesce(made.deliveries, '[]') AS deliveries
        FROM (SELECT id, told_at, body FROM alerts ORDER BY told_at DESC, id LIMIT ${limit}) AS last
        LEFT JOIN LATERAL (
          SELECT jsonb_agg(jsonb_build_object(
                   'webhook', target, 'attempts', attempts, 'problem', problem,
                   'state', CASE WHEN delivered_at IS NOT NULL THEN 'delivered'
                                 WHEN failed_at IS NOT NULL THEN 'failed' ELSE 'waiting' END,
                   'at', to_char(coalesce(delivered_at, failed_at, next_at) AT TIME ZONE 'UTC',
                                 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY target) AS deliveries
            FROM alert_deliveries WHERE alert_id = last.id) AS made ON true
       ORDER BY told_at DESC, id`
    return found.map(({ body, deliveries }) => ({ ...body, deliveries }))
  })

export const undelivered: Asks<number> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ n: number }>`
    SELECT count(*)::int AS n FROM alert_deliveries WHERE delivered_at IS NULL AND failed_at IS NULL`
  return row?.n ?? 0
})

/**
 * Takes away what is older than `old`, and gives up what nobody has tried since before `untouched`: no gateway has its webhook
 * any more.
 */
export const tidy = (now: number, untouched: number, old: number): Asks<void> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      UPDATE alert_deliveries
         SET failed_at = to_timestamp(${now} / 1000.0), problem = 'no gateway has this webhook any more'
       WHERE delivered_at IS NULL AND failed_at IS NULL AND next_at < to_timestamp(${untouched} / 1000.0)`
    yield* sql`DELETE FROM alerts WHERE told_at < to_timestamp(${old} / 1000.0)`
  })
