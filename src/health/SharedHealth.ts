import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { LiveSettings } from "../config/LiveSettings.js"
import { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import type { Appliers } from "../store/Drain.js"
import { Journal } from "../store/Journal.js"
import { Circuits } from "./Circuits.js"
import type { CircuitState } from "./CircuitState.js"
import { Health } from "./Health.js"
import * as HealthTables from "./HealthTables.js"
import * as RecentEvents from "./RecentEvents.js"
import * as Status from "./Status.js"

/** What of health the journal holds, and how it gets into the tables. */
export const appliers: Appliers = new Map([
  ["event", HealthTables.tell],
  ["calls", HealthTables.count],
  ["sample", HealthTables.sample]
])

/** Takes what earlier runs and other replicas know, for who only looks. */
export const restore: Effect.Effect<void, SqlError, Circuits | SqlClient.SqlClient> = Effect.gen(function* () {
  const circuits = yield* Circuits
  const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
  const { states } = yield* HealthTables.told("0")
  circuits.adopt(states, now)
  for (const { at, instance, model, ms } of yield* HealthTables.paces) circuits.seed(instance, model, ms, at, now)
})

/**
 * What is known of health outlives this process and is shared with other replicas. Events and counts go through the journal.
 * Circuits are told of at once and heard of each second, the latest word counts; a start begins with what is known, aged.
 */
export const layer: Layer.Layer<never, never, Circuits | Database | Health | Journal | LiveSettings> =
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const circuits = yield* Circuits
      const database = yield* Database
      const health = yield* Health
      const journal = yield* Journal
      const live = yield* LiveSettings
      const now = Effect.clockWith((clock) => clock.currentTimeMillis)
      const vendorOf = (id: string): string =>
        live.current().instances.find((instance) => instance.id === id)?.provider ?? id

      yield* Effect.acquireRelease(
        Effect.sync(() =>
          circuits.listen((event) => void journal.append("event", JSON.stringify(RecentEvents.rowOf(event))))
        ),
        (end) => Effect.sync(end)
      )

      const count = Effect.sync(() => {
        for (const delta of circuits.tracking.take()) {
          journal.append("calls", JSON.stringify({ ...delta, provider: vendorOf(delta.instance) }))
        }
      })
      yield* Effect.addFinalizer(() => count)
      yield* Effect.forkScoped(Effect.schedule(count, Schedule.spaced("5 seconds")))

      const sample = Effect.gen(function* () {
        const at = yield* now
        for (const looked of Status.sample(circuits)) {
          journal.append("sample", JSON.stringify({ ...looked, provider: vendorOf(looked.instance), at }))
        }
        const { instances } = Status.all(live.current().instances, circuits, health, at)
        yield* Effect.ignore(database.use(HealthTables.look(instances)))
      })
      yield* Effect.forkScoped(Effect.schedule(sample, Schedule.spaced("1 minute")))

      let heard = "0"
      const hear = Effect.gen(function* () {
        const { states, version } = yield* HealthTables.told(heard)
        heard = version
        return circuits.adopt(states, yield* now)
      })
      let mark = 0
      const tell = Effect.gen(function* () {
        const changed = circuits.changedSince(mark)
        if (changed.states.length > 0) yield* HealthTables.keep(changed.states)
        mark = changed.mark
      })

      const begin = Effect.gen(function* () {
        const turned = yield* hear
        const at = yield* now
        for (const pace of yield* HealthTables.paces) circuits.seed(pace.instance, pace.model, pace.ms, pace.at, at)
        const open = turned.filter(({ circuit, forced }) => circuit !== "closed" || forced !== "auto")
        if (open.length > 0) yield* Effect.logInfo(`circuits from before: ${open.map(words).join(", ")}`)
      })
      const share = Effect.gen(function* () {
        yield* tell
        for (const state of yield* hear) yield* Effect.logInfo(`another replica tells: ${words(state)}`)
      })

      /** Others are heard each second. What has changed here is told sooner, so that telling and hearing take less than two. */
      const pause = Effect.gen(function* () {
        for (let waited = 0; waited < hearEvery; waited += tellEvery) {
          yield* Effect.sleep(tellEvery)
          if (circuits.changedSince(mark).states.length > 0) return
        }
      })

      let complained = false
      const often = database.use(share).pipe(
        Effect.tap(() => Effect.sync(() => void (complained = false))),
        Effect.catchAll((error) => {
          if (complained || error._tag === "DatabaseUnavailable") return Effect.void
          complained = true
          return Effect.logWarning(`circuits are not shared: the database refuses (${describe(error)})`)
        })
      )
      yield* Effect.forkScoped(
        database.whenUp.pipe(
          Effect.zipRight(Effect.retry(database.use(begin), Schedule.spaced("1 second"))),
          Effect.zipRight(Effect.forever(Effect.zipRight(often, pause)))
        )
      )
      // What has just opened is known at the next start.
      yield* Effect.addFinalizer(() =>
        Effect.ignore(database.use(tell)).pipe(Effect.interruptible, Effect.timeoutOption("2 seconds"))
      )
    })
  )

/** In ms. */
const hearEvery = 1_000
const tellEvery = 250

const words = ({ circuit, forced, instance, model, scope }: CircuitState): string => {
  const whose = scope === "model" ? `${instance}/${model}` : scope === "key" ? `the key of ${instance}` : instance
  return `${whose} is ${forced === "auto" ? circuit.replace("_", "-") : `held ${forced} by an operator`}`
}
