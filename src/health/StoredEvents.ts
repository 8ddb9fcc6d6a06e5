import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Database } from "../store/Database.js"
import { EventLog } from "../store/EventLog.js"
import type { Circuits } from "./Circuits.js"
import * as HealthTables from "./HealthTables.js"
import * as RecentEvents from "./RecentEvents.js"

/** The events of all replicas and earlier runs as the database has them; without it the latest of this run. */
export const layer: Layer.Layer<EventLog, never, Circuits | Database> = Layer.effect(
  EventLog,
  Effect.gen(function* () {
    const database = yield* Database
    const recent = yield* EventLog
    return EventLog.of({
      find: (query) =>
        database.use(HealthTables.events(query)).pipe(
          Effect.timeout(patience),
          Effect.catchAll(() => recent.find(query))
        )
    })
  })
).pipe(Layer.provide(RecentEvents.layer))

const patience = "5 seconds"
