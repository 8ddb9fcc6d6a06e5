import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { LiveSettings } from "../config/LiveSettings.js"
import { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import { Journal } from "../store/Journal.js"
import * as Positions from "../store/Positions.js"
import * as HealthTables from "./HealthTables.js"

/** An age as an operator writes it, `30d` or `12h`, in days; `undefined`: it is none. */
export const daysOf = (text: string): number | undefined => {
  const [, amount, unit] = /^(\d{1,5})([dh])$/.exec(text.trim()) ?? []
  const days = Number(amount) / (unit === "h" ? 24 : 1)
  return days > 0 ? days : undefined
}

/** Takes away what is older than 30 days, and what is kept of instances and journals that are gone for as long, once a day. */
export const layer: Layer.Layer<never, never, Database | Journal | LiveSettings> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const database = yield* Database
    const journal = yield* Journal
    const live = yield* LiveSettings
    const prune = Effect.gen(function* () {
      const { events, requests, samples } = yield* HealthTables.prune(keptDays)
      const instances = live.current().instances.map(({ id }) => id)
      const forgotten = yield* HealthTables.forget(instances, keptDays)
      // Where its directory cannot be read, nobody knows which journals are here.
      const journals = yield* Effect.option(journal.ids)
      if (Option.isSome(journals)) yield* Positions.prune(journals.value, keptDays)
      if (events + requests + samples + forgotten === 0) return
      yield* Effect.logInfo(
        `older than ${keptDays} days, and gone: ${events} events, ${samples} samples of health, ${requests} requests, ${forgotten} circuits and counts of instances that are no more`
      )
    })
    const daily = Effect.catchAll(database.use(prune), (error) =>
      error._tag === "SqlError"
        ? Effect.logWarning(`what is old stays for another day: the database refuses (${describe(error)})`)
        : Effect.void
    )
    yield* Effect.forkScoped(Effect.zipRight(database.whenUp, Effect.repeat(daily, Schedule.spaced("1 day"))))
  })
)

const keptDays = 30
