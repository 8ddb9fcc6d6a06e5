import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import * as HealthTables from "./HealthTables.js"

/** An age as an operator writes it, `30d` or `12h`, in days; `undefined`: it is none. */
export const daysOf = (text: string): number | undefined => {
  const [, amount, unit] = /^(\d{1,5})([dh])$/.exec(text.trim()) ?? []
  const days = Number(amount) / (unit === "h" ? 24 : 1)
  return days > 0 ? days : undefined
}

/** Takes away what is older than 30 days, once a day. */
export const layer: Layer.Layer<never, never, Database> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const database = yield* Database
    const prune = database.use(HealthTables.prune(keptDays)).pipe(
      Effect.flatMap(({ events, requests, samples }) =>
        events + requests + samples === 0
          ? Effect.void
          : Effect.logInfo(
              `older than ${keptDays} days, and gone: ${events} events, ${samples} samples of health, ${requests} requests`
            )
      ),
      Effect.catchAll((error) =>
        error._tag === "SqlError"
          ? Effect.logWarning(`what is old stays for another day: the database refuses (${describe(error)})`)
          : Effect.void
      )
    )
    yield* Effect.forkScoped(Effect.zipRight(database.whenUp, Effect.repeat(prune, Schedule.spaced("1 day"))))
  })
)

const keptDays = 30
