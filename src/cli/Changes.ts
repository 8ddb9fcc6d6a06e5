import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { Circuits } from "../health/Circuits.js"
import type { HealthEvent } from "../health/Permit.js"

/** Writes every change of a circuit and of a check into the log, as long as the scope lasts. */
export const log = Effect.flatMap(Circuits.subscribe, (changes) =>
  Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(changes), tell)))
)

const tell = (event: HealthEvent): Effect.Effect<void> => {
  const { consecutive_failures: failures, instance, model, next_retry_secs: seconds } = event
  const whose = model === undefined ? instance : `${instance}/${model}`
  const until = seconds === undefined ? "" : ` for ${seconds} s`
  switch (event.event_type) {
    case "circuit_open":
      return Effect.logWarning(
        `${whose}: circuit opened${until}${failures > 0 ? ` after ${failures} failures in a row` : ""}`
      )
    case "key_out":
      return Effect.logWarning(`${instance}: its key is out${until}`)
    case "circuit_half_open":
      return Effect.logInfo(`${whose}: circuit half-open, it is tried again`)
    case "circuit_close":
      return Effect.logInfo(`${whose}: circuit closed, it is asked as before`)
    case "health_check_failed":
      return Effect.logWarning(`${instance}: a check failed (${event.reason})`)
    case "health_check_ok":
      return Effect.logInfo(`${instance}: a check went well again`)
    // The request that goes on says so itself.
    case "failover":
      return Effect.void
  }
}
