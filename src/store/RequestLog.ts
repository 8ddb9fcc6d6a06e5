import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { LatestRows } from "./LatestRows.js"

const Text = Schema.NullOr(Schema.String)

/** One call to a provider, as it is kept. */
export const AttemptRow = Schema.Struct({
  instance: Schema.String,
  provider: Schema.String,
  /** The provider's own id. */
  model: Schema.String,
  outcome: Schema.Literal("success", "failure", "cancelled"),
  category: Text,
  status: Schema.NullOr(Schema.Int),
  ms: Schema.Number,
  /** USD as a decimal; null is unknown. */
  cost: Text,
  message: Schema.optional(Schema.String),
  /** Characters of the answer that stood before it. */
  continued_at: Schema.optional(Schema.Int),
  /** ISO 8601. */
  started_at: Schema.String
}).annotations({ identifier: "Attempt" })
export type AttemptRow = typeof AttemptRow.Type

/** A finished request, as the table `requests` has it: what was asked and who answered, never what was said. */
export const RequestRow = Schema.Struct({
  /** As the answer's `x-request-id` says. */
  id: Schema.String,
  /** ISO 8601; when it came in. */
  timestamp: Schema.String,
  tenant: Text,
  user: Text,
  path: Schema.String,
  status: Schema.Int,
  ms: Schema.Number,
  /** As the caller named it. */
  model: Text,
  /** Who answered, or was asked last. */
  instance: Text,
  provider: Text,
  provider_model_id: Text,
  stream: Schema.Boolean,
  fallback: Schema.Boolean,
  failure: Text,
  input_tokens: Schema.NullOr(Schema.Int),
  output_tokens: Schema.NullOr(Schema.Int),
  /** USD as a decimal; null is unknown. */
  cost_usd: Text,
  attempts: Schema.Array(AttemptRow)
}).annotations({ identifier: "Request" })
export type RequestRow = typeof RequestRow.Type

/** Remembers finished requests. */
export class RequestLog extends Context.Tag("orelse/RequestLog")<
  RequestLog,
  {
    /** Takes a request on the spot; nobody waits until it is kept. A row is never replaced by another one of its id. */
    readonly write: (row: RequestRow) => void
    readonly find: (id: string) => Effect.Effect<Option.Option<RequestRow>>
  }
>() {
  /** The latest 1,000, as long as the gateway runs. */
  static readonly memory: Layer.Layer<RequestLog> = Layer.sync(RequestLog, () => {
    const latest = new LatestRows()
    return {
      write: (row) => latest.write(row.id, JSON.stringify(row)),
      find: (id) => Effect.sync(() => Option.map(Option.fromNullable(latest.find(id)), read))
    }
  })
}

/** The row of its JSON. */
export const read: (text: string) => RequestRow = Schema.decodeUnknownSync(Schema.parseJson(RequestRow))
