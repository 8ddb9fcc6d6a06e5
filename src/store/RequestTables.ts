import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Database } from "./Database.js"
import type { Appliers } from "./Drain.js"
import { Journal } from "./Journal.js"
import { LatestRows } from "./LatestRows.js"
import { read, RequestLog, type RequestRow } from "./RequestLog.js"

/** Writes `RequestRow`s down. Of two with one id the first one stays. */
const insert = (records: string): Effect.Effect<void, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      INSERT INTO requests
        (id, timestamp, tenant, "user", path, status, ms, model, instance, provider, provider_model_id, stream, fallback,
         failure, input_tokens, output_tokens, cost_usd, attempts)
      SELECT id, timestamp, tenant, "user", path, status, ms, model, instance, provider, provider_model_id, stream, fallback,
             failure, input_tokens, output_tokens, cost_usd, attempts
        FROM jsonb_to_recordset(${records}::jsonb) AS given(
          id text, timestamp timestamptz, tenant text, "user" text, path text, status integer, ms double precision,
          model text, instance text, provider text, provider_model_id text, stream boolean, fallback boolean, failure text,
          input_tokens bigint, output_tokens bigint, cost_usd numeric, attempts jsonb)
      ON CONFLICT (id) DO NOTHING`
  )

/** The row of an id. */
const find = (id: string): Effect.Effect<Option.Option<RequestRow>, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<Stored>`
      SELECT id, timestamp, tenant, "user", path, status, ms, model, instance, provider, provider_model_id, stream, fallback,
             failure, input_tokens, output_tokens, trim_scale(cost_usd)::text AS cost_usd, attempts
        FROM requests WHERE id = ${id}`
    return Option.map(Option.fromNullable(row), (found) => ({
      ...found,
      timestamp: found.timestamp.toISOString(),
      input_tokens: whole(found.input_tokens),
      output_tokens: whole(found.output_tokens)
    }))
  })

/** As `pg` gives them: a bigint is text. */
type Stored = Omit<RequestRow, "timestamp" | "input_tokens" | "output_tokens"> & {
  readonly timestamp: Date
  readonly input_tokens: string | null
  readonly output_tokens: string | null
}

const whole = (text: string | null): number | null => (text === null ? null : Number(text))

/** What the journal holds of requests, and how it gets into the table. */
export const appliers: Appliers = new Map([["request", insert]])

/** Requests in the database, by way of the journal; the latest ones also in memory, where they are found at once. */
export const layer: Layer.Layer<RequestLog, never, Database | Journal> = Layer.effect(
  RequestLog,
  Effect.gen(function* () {
    const database = yield* Database
    const journal = yield* Journal
    const latest = new LatestRows()
    return RequestLog.of({
      write: (row) => {
        const json = JSON.stringify(row)
        latest.write(row.id, json)
        // The answer's last byte goes out after this: whoever has an answer finds its request, also after a crash.
        journal.appendNow("request", json)
      },
      find: (id) =>
        Effect.suspend(() => {
          const known = latest.find(id)
          return known === undefined
            ? database.use(find(id)).pipe(
                Effect.timeout(patience),
                // What is not known now may be there when the database is.
                Effect.catchAll(() => Effect.succeedNone)
              )
            : Effect.succeedSome(read(known))
        })
    })
  })
)

const patience = "5 seconds"
