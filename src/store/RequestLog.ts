import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

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
    const latest = new Latest()
    return {
      write: (row) => latest.write(row.id, JSON.stringify(row)),
      find: (id) => Effect.sync(() => Option.map(Option.fromNullable(latest.find(id)), read))
    }
  })
}

const read = Schema.decodeUnknownSync(Schema.parseJson(RequestRow))

const remembered = 1_000

/** In bytes; few rows are longer. */
const usual = 2_048

/** Rows as bytes and not as objects: those would outlive the youth of the heap, which costs more than all else about them. */
class Latest {
  private readonly bytes = Buffer.alloc(remembered * usual)
  private readonly lengths = new Int32Array(remembered)
  /** By their places, those that are too long. */
  private readonly long = new Map<number, { readonly id: string; readonly text: string }>()
  private next = 0

  write(id: string, text: string): void {
    const at = this.next
    this.next = (at + 1) % remembered
    this.long.delete(at)
    const length = Buffer.byteLength(text)
    this.lengths[at] = length > usual ? 0 : this.bytes.write(text, at * usual, usual)
    if (length > usual) this.long.set(at, { id, text })
  }

  /** Of two with one id the earlier one. */
  find(id: string): string | undefined {
    const start = Buffer.from(`{"id":${JSON.stringify(id)},`)
    for (let passed = 0; passed < remembered; passed++) {
      const at = (this.next + passed) % remembered
      const other = this.long.get(at)
      if (other?.id === id) return other.text
      const row = this.bytes.subarray(at * usual, at * usual + (this.lengths[at] ?? 0))
      if (row.subarray(0, start.length).equals(start)) return row.toString("utf8")
    }
    return undefined
  }
}
