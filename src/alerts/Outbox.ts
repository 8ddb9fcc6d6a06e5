import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AlertBody } from "./AlertBody.js"

/** An alert on its way to a webhook. */
export interface Delivery {
  readonly alert: AlertBody
  /** The id of a `Target`. */
  readonly target: string
  /** Tries to deliver it, this one included. */
  readonly attempts: number
}

/** A try that failed. */
export interface Failure {
  /** A safe sentence. */
  readonly problem: string
  /** When it is tried again (Unix ms); `undefined`: never. */
  readonly at: number | undefined
  /** Until then nothing else is tried at this target. */
  readonly holdsAll: boolean
}

/** Alerts until they are delivered. Times are Unix ms. Where it cannot be asked it is as good as empty. */
export interface Outbox {
  /** One that is due at a target. Nobody else gets it before `until`; then it is due again, should nobody say how it went. */
  readonly claim: (target: string, now: number, until: number) => Effect.Effect<Delivery | undefined>
  readonly delivered: (delivery: Delivery, now: number) => Effect.Effect<void>
  readonly failed: (delivery: Delivery, now: number, failure: Failure) => Effect.Effect<void>
  /** The latest alerts, the latest first. */
  readonly latest: (limit: number) => Effect.Effect<ReadonlyArray<AlertRow>>
  /** Deliveries that are still to be made. */
  readonly undelivered: Effect.Effect<number>
}

const DeliveryRow = Schema.Struct({
  /** Its host, and a part of a hash of its address. */
  webhook: Schema.String,
  state: Schema.Literal("waiting", "delivered", "failed"),
  attempts: Schema.Int,
  /** ISO 8601: of the next try, of the delivery, or of the end of trying. */
  at: Schema.String,
  /** What the latest try that failed found. */
  problem: Schema.NullOr(Schema.String)
})
export type DeliveryRow = typeof DeliveryRow.Type

/** An alert that was told, and what became of it. */
export const AlertRow = Schema.Struct({ ...AlertBody.fields, deliveries: Schema.Array(DeliveryRow) }).annotations({
  identifier: "ToldAlert"
})
export type AlertRow = typeof AlertRow.Type
