import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Money from "../domain/Money.js"
import type { Figures, Rollup } from "./Rollup.js"
import type { Order, RowsAsked, Span, SpansAsked, Sum, SumsAsked } from "./RollupQuery.js"

type Asks<A> = Effect.Effect<A, SqlError, SqlClient.SqlClient>

/**
 * Adds what closed rows of the ledger are to their quarters of an hour and their days, in the transaction that closes them.
 * `records` is a JSON array of `LedgerEntry`; one that also has a `sign` of -1 is taken away again. Rows are locked in one order
 * within a call, so that two gateways never wait for each other: call it once in a transaction.
 */
export const add = (records: string): Asks<void> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const columns = sql.literal(names.join(", "))
    const grown = sql.literal(names.map((name) => `${name} = old.${name} + excluded.${name}`).join(", "))
    const sums = sql.literal(names.map((name) => `sum(${name}) AS ${name}`).join(", "))
    yield* sql`
      WITH given AS (
        SELECT *, coalesce(sign, 1) AS factor,
               (outcome <> 'hit')::integer AS call, (outcome = 'hit')::integer AS hit,
               (outcome = 'success')::integer AS success, (outcome = 'failure')::integer AS failure
          FROM jsonb_to_recordset(${records}::jsonb) AS record(
            timestamp timestamptz, provider text, instance text, model text, "user" text, key text, outcome text,
            ms double precision, input_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint,
            cache_write_1h_tokens bigint, input_audio_tokens bigint, output_tokens bigint, reasoning_tokens bigint,
            output_audio_tokens bigint, cost_usd numeric, saved_usd numeric, sign integer)
      ), entries AS (
        SELECT provider, instance, model, "user", key, date_bin('15 minutes', timestamp, timestamptz 'epoch') AS bucket,
               factor * call AS calls, factor * success AS successes, factor * failure AS failures,
               factor * (call - success - failure) AS cancelled, factor * hit AS hits,
               CASE WHEN cost_usd IS NULL THEN factor * call ELSE 0 END AS unpriced,
               factor * call * (coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
                 + coalesce(cache_write_1h_tokens, 0) + coalesce(input_audio_tokens, 0)) AS input_tokens,
               factor * call * (coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0)
                 + coalesce(output_audio_tokens, 0)) AS output_tokens,
               factor * call * coalesce(cost_usd, 0) AS cost_usd, factor * hit * coalesce(saved_usd, 0) AS saved_usd,
               factor * success * coalesce(ms, 0) AS ms
          FROM given
      ), quarters AS MATERIALIZED (
        SELECT dimension, value, bucket, ${sums}
          FROM entries, LATERAL (VALUES
            ('global', ''), ('provider', provider), ('instance', instance), ('model', model), ('user', "user"), ('key', key)
          ) AS part(dimension, value)
         WHERE value IS NOT NULL
         GROUP BY dimension, value, bucket
      ), days AS (
        INSERT INTO ledger_rollups_daily AS old (dimension, value, bucket, ${columns})
        SELECT dimension, value, date_bin('1 day', bucket, timestamptz 'epoch') AS day, ${sums}
          FROM quarters GROUP BY dimension, value, day ORDER BY dimension, value, day
        ON CONFLICT (dimension, value, bucket) DO UPDATE SET ${grown}
      )
      INSERT INTO ledger_rollups AS old (dimension, value, bucket, ${columns})
      SELECT dimension, value, bucket, ${columns} FROM quarters ORDER BY dimension, value, bucket
      ON CONFLICT (dimension, value, bucket) DO UPDATE SET ${grown}`
  })

/** The quarters of an hour that are asked for, the earliest first. */
export const rows = ({ dimension, from, to, value }: RowsAsked): Asks<ReadonlyArray<Rollup>> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const found = yield* sql<Row & { readonly value: string; readonly bucket: Date }>`
      SELECT value, bucket, ${sql.literal(names.join(", "))} FROM ledger_rollups
       WHERE ${sql.and([
         sql`dimension = ${dimension}`,
         sql`bucket >= ${time(from)}::timestamptz AND bucket < ${time(to)}::timestamptz`,
         ...(value === undefined ? [] : [sql`value = ${value}`])
       ])}
       ORDER BY bucket, value COLLATE "C"`
    return found.map((row) => ({ dimension, value: row.value, bucket: row.bucket.getTime(), ...figuresOf(row) }))
  })

/** What each value of a dimension comes to, the greatest first. */
export const sums = ({ dimension, from, limit, order, to }: SumsAsked): Asks<ReadonlyArray<Sum>> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const pieces = piecesOf({ from, to }).map(
      (piece) => sql`
        SELECT value, ${sql.literal(names.map((name) => `${piece.sign}${name} AS ${name}`).join(", "))}
          FROM ${sql(piece.table)} WHERE dimension = ${dimension}
           AND bucket >= ${time(piece.from)}::timestamptz AND bucket < ${time(piece.to)}::timestamptz`
    )
    const found = yield* alone(sql<Row & { readonly value: string }>`
      SELECT * FROM (
        SELECT value, ${sql.literal(summed)} FROM (${sql.join(" UNION ALL ", false)(pieces)}) AS pieces
         GROUP BY value HAVING sum(calls) <> 0 OR sum(hits) <> 0
      ) AS found
       ORDER BY ${sql.literal(orders[order])}, value COLLATE "C" LIMIT ${limit}`)
    return found.map((row) => ({ value: row.value, ...figuresOf(row) }))
  })

/** What one value comes to in each span. */
export const spans = ({ dimension, spans: wanted, value }: SpansAsked): Asks<ReadonlyArray<Figures>> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const given = JSON.stringify(wanted.map(({ from, to }, place) => ({ place, from: time(from), to: time(to) })))
    const found = yield* alone(sql<Row>`
      SELECT found.* FROM jsonb_to_recordset(${given}::jsonb) AS span(place integer, "from" timestamptz, "to" timestamptz),
        LATERAL (
          SELECT ${sql.literal(summed)} FROM ledger_rollups
           WHERE dimension = ${dimension} AND value = ${value} AND bucket >= span."from" AND bucket < span."to"
        ) AS found
       ORDER BY span.place`)
    return found.map(figuresOf)
  })

/**
 * Without workers and without code of its own: where they pay is far beyond what is asked here, and where a server's guess is wrong,
 * or it is busy, to start them takes longer than the whole query.
 */
const alone = <A>(query: Asks<A>): Asks<A> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(
      Effect.zipRight(
        sql`SELECT set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true)`,
        query
      )
    )
  )

/** Both tables have them. */
const names = [
  "calls",
  "successes",
  "failures",
  "cancelled",
  "hits",
  "unpriced",
  "input_tokens",
  "output_tokens",
  "cost_usd",
  "saved_usd",
  "ms"
] as const satisfies ReadonlyArray<keyof Figures>

/** Of no rows, too. */
const summed = names.map((name) => `coalesce(sum(${name}), 0) AS ${name}`).join(", ")

const orders: Readonly<Record<Order, string>> = {
  cost: "cost_usd DESC, calls DESC",
  requests: "calls DESC, cost_usd DESC",
  tokens: "input_tokens + output_tokens DESC, cost_usd DESC"
}

interface Piece extends Span {
  readonly table: "ledger_rollups" | "ledger_rollups_daily"
  readonly sign: "" | "-"
}

/**
 * A span in few rows: whole days of UTC, and at both ends the quarters of an hour that are missing, or too many, whichever are fewer.
 * So they are never those of more than a day in all.
 */
const piecesOf = ({ from, to }: Span): ReadonlyArray<Piece> => {
  const first = Math.round(from / day) * day
  const last = Math.round(to / day) * day
  if (first >= last) return [{ table: "ledger_rollups", sign: "", from, to }]
  const pieces: ReadonlyArray<Piece> = [
    { table: "ledger_rollups", sign: "", from, to: first },
    { table: "ledger_rollups", sign: "-", from: first, to: from },
    { table: "ledger_rollups_daily", sign: "", from: first, to: last },
    { table: "ledger_rollups", sign: "", from: last, to },
    { table: "ledger_rollups", sign: "-", from: to, to: last }
  ]
  return pieces.filter((piece) => piece.from < piece.to)
}

/** In ms. */
const day = 86_400_000

const time = (unixMs: number): string => new Date(unixMs).toISOString()

/** As the client gives whole numbers and decimals: as text. */
type Row = { readonly [Name in (typeof names)[number]]: string }

const figuresOf = (row: Row): Figures => ({
  calls: Number(row.calls),
  successes: Number(row.successes),
  failures: Number(row.failures),
  cancelled: Number(row.cancelled),
  hits: Number(row.hits),
  unpriced: Number(row.unpriced),
  input_tokens: Number(row.input_tokens),
  output_tokens: Number(row.output_tokens),
  cost_usd: Money.fromText(row.cost_usd) ?? Money.zero,
  saved_usd: Money.fromText(row.saved_usd) ?? Money.zero,
  ms: Number(row.ms)
})
