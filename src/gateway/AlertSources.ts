import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { Alerts } from "../alerts/Alerts.js"
import * as Alert from "../domain/Alert.js"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import { attemptsOf, type GatewayError } from "../domain/GatewayError.js"
import { Circuits } from "../health/Circuits.js"
import type { HealthEvent } from "../health/Permit.js"
import { BudgetAlerts } from "../ledger/BudgetAlerts.js"
import type { Budgets } from "../ledger/Budgets.js"
import { Unpriced } from "../ledger/Unpriced.js"
import type * as Call from "../provider/Call.js"
import { Database } from "../store/Database.js"
import { Journal } from "../store/Journal.js"

/** Tells of circuits that open, and takes note of those that close. */
export const circuits: Layer.Layer<never, never, Alerts | Circuits> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const alerts = yield* Alerts
    const { listen } = yield* Circuits
    yield* Effect.acquireRelease(
      Effect.sync(() => listen((event) => hear(alerts, event))),
      (leave) => Effect.sync(leave)
    )
  })
)

const hear = (alerts: Alerts["Type"], event: HealthEvent): void => {
  const { consecutive_failures: failures, instance, model, next_retry_secs: retryIn } = event
  switch (event.event_type) {
    case "circuit_open":
      // An operator who holds it open knows it.
      if (retryIn !== undefined) alerts.tell({ kind: "circuit_open", instance, model, failures, retryIn })
      return
    case "key_out":
      return alerts.tell({ kind: "key_out", instance, retryIn })
    case "circuit_close":
      return event.scope === "key"
        ? alerts.over("key_out", [instance])
        : alerts.over("circuit_open", Alert.circuit(instance, model))
    case "circuit_half_open":
    case "health_check_failed":
    case "health_check_ok":
    case "failover":
      return
  }
}

/** Tells of models that are called and that nobody knows the price of. */
export const prices: Layer.Layer<never, never, Alerts | Unpriced> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const alerts = yield* Alerts
    const { listen } = yield* Unpriced
    yield* Effect.acquireRelease(
      Effect.sync(() => listen(({ instance, model }) => alerts.tell({ kind: "price_unknown", instance, model }))),
      (leave) => Effect.sync(leave)
    )
  })
)

/** Tells of budgets that are spent to a part. */
export const budgets: Layer.Layer<never, never, Alerts | BudgetAlerts> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const alerts = yield* Alerts
    const { listen } = yield* BudgetAlerts
    yield* Effect.acquireRelease(
      Effect.sync(() => listen((alert) => alerts.tell(alert))),
      (leave) => Effect.sync(leave)
    )
  })
)

/** Takes note of the calls that these refuse: also of those that another candidate was then asked for. */
export const refusing = (limits: Budgets["Type"], { refused }: BudgetAlerts["Type"]): Budgets["Type"] => ({
  ...limits,
  reserve: (purses, most) => {
    const reserved = limits.reserve(purses, most)
    if ("reason" in reserved) refused(reserved)
    return reserved
  }
})

/** Tells of a database or a journal that takes nothing, at the second look in a row: a moment is no trouble. A loss is. */
export const stores: Layer.Layer<never, never, Alerts | Database | Journal> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const alerts = yield* Alerts
    const database = yield* Database
    const journal = yield* Journal
    let lost = journal.stats().dropped
    const before: Partial<Record<Alert.StoreTrouble["store"], Trouble>> = {}
    const judge = (store: Alert.StoreTrouble["store"], trouble: Trouble, sure: boolean): void => {
      const was = before[store]
      before[store] = trouble
      if (trouble !== undefined && (sure || was !== undefined)) alerts.tell({ kind: "store_trouble", store, trouble })
      if (trouble === undefined && was !== undefined) alerts.over("store_trouble", [store])
    }
    const look = Effect.sync(() => {
      const status = database.status()
      judge("database", status === "down" || status === "read_only" ? status : undefined, false)
      const { dropped, writable } = journal.stats()
      const losing = dropped > lost
      judge("journal", losing || !writable ? "full" : undefined, losing)
      lost = dropped
    })
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(look, Effect.sleep(lookEvery))))
  })
)

type Trouble = Alert.StoreTrouble["trouble"] | undefined

const lookEvery = "5 seconds"

/** Tells of a request for `model` that nobody answers. It costs one that is answered nothing but this. */
export const watched =
  <A>(
    alerts: Alerts["Type"],
    model: string,
    goOn: (outcome: Call.Outcome<A, GatewayError>) => void
  ): ((outcome: Call.Outcome<A, GatewayError>) => void) =>
  (outcome) =>
    goOn(
      Either.isRight(outcome)
        ? outcome
        : Either.left(
            Effect.tapError(outcome.left, (error) =>
              Effect.sync(() => {
                const alert = exhausted(model, error)
                if (alert !== undefined) alerts.tell(alert)
              })
            )
          )
    )

/** `undefined`: the request is to blame, or waits for nothing but room. */
const exhausted = (model: string, error: GatewayError): Alert.FallbackExhausted | undefined => {
  if (error._tag === "RequestRejected" || error._tag === "ModelNotServed") return undefined
  const categories = new Set(attemptsOf(error).flatMap(({ category }) => category ?? []))
  if (error._tag === "NobodyAvailable" ? error.full : [...categories].every((each) => callersOwn.has(each))) {
    return undefined
  }
  return { kind: "fallback_exhausted", model, categories: [...categories] }
}

/** The same request fails so wherever it is sent, or it names what is not there. */
const callersOwn: ReadonlySet<ErrorCategory> = new Set([
  "invalid_request",
  "content_filter",
  "context_length",
  "model_not_found"
])
