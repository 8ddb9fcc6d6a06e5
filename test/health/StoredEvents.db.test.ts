import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Circuits } from "../../src/health/Circuits.js"
import * as HealthTables from "../../src/health/HealthTables.js"
import * as StoredEvents from "../../src/health/StoredEvents.js"
import { Database } from "../../src/store/Database.js"
import { EventLog } from "../../src/store/EventLog.js"
import { database } from "../support/database.js"
import { fixed } from "../support/liveSettings.js"
import { settings } from "../support/settings.js"

const events = StoredEvents.layer.pipe(
  Layer.provide(Layer.provide(Circuits.layer, fixed(settings()))),
  Layer.provideMerge(database)
)

layer(events, { timeout: "60 seconds" })("events in the tables", (it) => {
  it.effect("are those of all runs, the latest first, and no more than were asked for", () =>
    Effect.gen(function* () {
      const { use } = yield* Database
      const log = yield* EventLog
      const event = { provider: "openai", event_type: "circuit_open", consecutive_failures: 3 }
      const told = ["a", "b", "c"].map((instance, at) => ({
        ...event,
        instance,
        timestamp: new Date(at).toISOString()
      }))
      yield* use(HealthTables.tell(JSON.stringify(told)))
      const found = yield* log.find({ limit: 2, since: undefined, instance: undefined, type: undefined })
      assert.deepStrictEqual(
        found.map(({ instance }) => instance),
        ["c", "b"]
      )
    })
  )
})
