import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PlainText from "../domain/PlainText.js"
import { EventLog, type EventRow } from "../store/EventLog.js"
import { Circuits } from "./Circuits.js"
import type { HealthEvent } from "./Permit.js"

/** The latest 1,000 events, as long as the gateway runs. */
export const layer: Layer.Layer<EventLog, never, Circuits> = Layer.scoped(
  EventLog,
  Effect.gen(function* () {
    const circuits = yield* Circuits
    const rows: Array<EventRow> = []
    let id = 0
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        circuits.listen((event) => {
          rows.push({ id: ++id, ...rowOf(event) })
          if (rows.length > remembered) rows.shift()
        })
      ),
      (leave) => Effect.sync(leave)
    )
    return {
      find: ({ instance, limit, since, type }) =>
        Effect.sync(() =>
          rows
            .filter(
              (row) =>
                (instance === undefined || row.instance === instance) &&
                (type === undefined || row.event_type === type) &&
                (since === undefined || Date.parse(row.timestamp) >= since)
            )
            .slice(-limit)
            .toReversed()
        )
    }
  })
)

/** An event as it is kept. Names of models come from callers. */
export const rowOf = (event: HealthEvent): Omit<EventRow, "id"> => ({
  timestamp: new Date(event.at).toISOString(),
  provider: event.provider,
  instance: event.instance,
  event_type: event.event_type,
  scope: event.scope ?? null,
  model: event.model === undefined ? null : PlainText.of(event.model),
  consecutive_failures: event.consecutive_failures,
  next_retry_secs: event.next_retry_secs ?? null,
  to_instance: "to_instance" in event ? event.to_instance : null,
  request_id: "request_id" in event ? (event.request_id ?? null) : null,
  reason: "reason" in event ? PlainText.of(event.reason, longestReason) : null
})

const remembered = 1_000
const longestReason = 1_000
