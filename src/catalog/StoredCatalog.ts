import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { reasonOf, type Overlay } from "../config/Overlay.js"
import { same } from "../config/Same.js"
import { CurrentSettings } from "../config/Settings.js"
import { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import * as Seal from "../store/Seal.js"
import { Catalog } from "./Catalog.js"
import { CatalogRows } from "./CatalogRows.js"
import { CatalogStore, ChangedMeanwhile, StoreFailed, type Change } from "./CatalogStore.js"
import * as CatalogTables from "./CatalogTables.js"

/** The catalogue's changes and lists in the database, or in memory where there is none by choice. */
export const layer: Layer.Layer<CatalogRows | CatalogStore, never, Catalog | CurrentSettings | Database> =
  Layer.unwrapEffect(
    Effect.map(
      Database,
      (database): Layer.Layer<CatalogRows | CatalogStore, never, Catalog | CurrentSettings | Database> =>
        database.status() === "off" ? Layer.merge(CatalogRows.layerMemory, CatalogStore.layerMemory) : stored
    )
  )

const stored = Layer.effectContext(
  Effect.gen(function* () {
    const database = yield* Database
    const seal = sealOf(yield* CurrentSettings)
    return Context.make(CatalogStore, {
      save: (change) =>
        Effect.flatMap(sealed(change, seal), (key) => asked(database.use(CatalogTables.save(change, key, seal))))
    }).pipe(
      Context.add(CatalogRows, {
        count: (instance) => asked(database.use(CatalogTables.count(instance))),
        replace: (instance, rows) => asked(database.use(CatalogTables.replace(instance, rows)))
      })
    )
  })
)

/** What takes all that the database has into the catalogue. */
export const reader: Effect.Effect<
  Effect.Effect<void, SqlError, SqlClient.SqlClient>,
  never,
  Catalog | CurrentSettings
> = Effect.gen(function* () {
  const catalog = yield* Catalog
  const seal = sealOf(yield* CurrentSettings)
  return Effect.gen(function* () {
    const overlay = yield* CatalogTables.load(seal)
    const rows = yield* CatalogTables.rows
    yield* catalog.setRows(rows)
    yield* lay(catalog, overlay)
  })
})

/** Lays what is kept over the configuration; says what does not fit. */
const lay = (catalog: Catalog["Type"], overlay: Overlay): Effect.Effect<void> =>
  Effect.forEach(
    catalog.setOverlay(overlay),
    (unfit) =>
      Effect.logWarning(
        `${unfit.section} ${unfit.id}: what was changed over the admin API is not in force (${reasonOf(unfit)})`
      ),
    { discard: true }
  )

/** Follows what the database says of the catalogue, whoever changed it; tells it of the instances that are configured. */
export const following: Layer.Layer<never, never, Catalog | CurrentSettings | Database> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const database = yield* Database
    const seal = sealOf(yield* CurrentSettings)

    let seen: CatalogTables.Versions | undefined
    let followed: Overlay | undefined
    const follow = Effect.gen(function* () {
      const before = catalog.overlay()
      const found = yield* CatalogTables.versions
      // What was changed here counted too, but something else may have come after it.
      if (found.catalog !== seen?.catalog || before !== followed) {
        const overlay = yield* CatalogTables.load(seal)
        // What was changed here meanwhile need not be in what was loaded: the next look finds it.
        if (catalog.overlay() !== before) return
        followed = overlay
        yield* lay(catalog, overlay)
      }
      if (found.models !== seen?.models) {
        const rows = yield* CatalogTables.rows
        // Before the first list there is nothing to take.
        if (seen !== undefined || rows.length > 0) yield* catalog.setRows(rows)
      }
      if (seen !== undefined && !same(seen, found)) yield* Effect.logInfo("the catalogue was changed")
      seen = found
    })

    let registered: unknown
    let looks = 0
    const register = Effect.gen(function* () {
      const { instances } = catalog.snapshot().settings
      // Now and then again: a replica that has not got them in its configuration yet takes them for gone.
      if (++looks % 60 !== 0 && registered !== undefined && same(registered, instances)) return
      yield* CatalogTables.register(instances)
      registered = instances
    })

    let complained = false
    const often = database.use(Effect.zipRight(follow, register)).pipe(
      Effect.tap(() => Effect.sync(() => void (complained = false))),
      Effect.catchAll((error) => {
        if (complained || error._tag === "DatabaseUnavailable") return Effect.void
        complained = true
        return Effect.logWarning(`the catalogue is not followed: the database refuses (${describe(error)})`)
      })
    )
    yield* Effect.forkScoped(Effect.zipRight(database.whenUp, Effect.repeat(often, Schedule.spaced("1 second"))))
  })
)

const sealOf = ({ server }: CurrentSettings["Type"]): Seal.Seal | undefined =>
  server.adminKey === undefined ? undefined : Seal.make(server.adminKey)

/** A key as it is kept; `null`: there is none; `undefined`: the change says nothing of it. */
const sealed = (change: Change, seal: Seal.Seal | undefined): Effect.Effect<string | null | undefined, StoreFailed> => {
  const key = change._tag === "Instance" ? change.entry.apiKey : undefined
  if (key === undefined || key === null) return Effect.succeed(key)
  const written = Redacted.value(key)
  if (CatalogTables.isReference(written)) return Effect.succeed(written)
  return seal === undefined ? new StoreFailed({ message: noSeal }) : Effect.sync(() => seal.close(key))
}

const noSeal =
  "a key is kept in the database only sealed by ORELSE_ADMIN_KEY, which is not set: set it, or name a variable of the environment as ${OPENAI_API_KEY}"

const causeOf = (error: unknown): string =>
  error instanceof Error && "_tag" in error && error._tag === "DatabaseUnavailable"
    ? error.message
    : `the database refuses (${describe(error)})`

const asked = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.mapError(effect, (error) =>
    error instanceof ChangedMeanwhile ? error : new StoreFailed({ message: `nothing was changed: ${causeOf(error)}` })
  )
