import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Text = Schema.NullOr(Schema.String)

/** A change of a circuit or a check, or a failover, as the table `failover_events` has it. */
export const EventRow = Schema.Struct({
  /** Grows with time. */
  id: Schema.Int,
  /** ISO 8601. */
  timestamp: Schema.String,
  /** Vendor slug. */
  provider: Schema.String,
  instance: Schema.String,
  event_type: Schema.String,
  scope: Text,
  model: Text,
  consecutive_failures: Schema.Int,
  next_retry_secs: Schema.NullOr(Schema.Int),
  to_instance: Text,
  request_id: Text,
  /** A category of failures, or a safe sentence. */
  reason: Text
}).annotations({ identifier: "Event" })
export type EventRow = typeof EventRow.Type

/** Which events. */
export interface EventQuery {
  /** No more than so many, the latest. */
  readonly limit: number
  /** Unix ms; not before it. */
  readonly since: number | undefined
  readonly instance: string | undefined
  /** An `event_type`. */
  readonly type: string | undefined
}

/** What happened, for whoever asks later. */
export class EventLog extends Context.Tag("orelse/EventLog")<
  EventLog,
  {
    /** The latest first. */
    readonly find: (query: EventQuery) => Effect.Effect<ReadonlyArray<EventRow>>
  }
>() {}
