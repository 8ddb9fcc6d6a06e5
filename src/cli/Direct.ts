import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as StoredCatalog from "../catalog/StoredCatalog.js"
import { CurrentSettings, type Settings } from "../config/Settings.js"
import * as Live from "../gateway/Live.js"
import * as SharedHealth from "../health/SharedHealth.js"
import { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import * as Migrations from "../store/Migrations.js"
import * as Source from "../store/Source.js"
import { Failed } from "./Failed.js"

/**
 * What a command needs that works on the database itself, as no gateway holds it. Its schema is brought up to date, and what it
 * knows of the catalogue and of the health is known.
 */
export const layer = (settings: Settings) =>
  Layer.tap(on(settings, Effect.mapError(open(settings, upToDate), failed)), (context) =>
    Effect.provide(Effect.mapError(informed, failed), context)
  )

/** The same for who only looks: nothing is brought up to date, and a database that cannot be had is one that is down. */
export const layerAsItIs = (settings: Settings) =>
  Layer.tap(
    on(
      settings,
      Effect.catchAll(open(settings, Effect.void), (error) => Effect.succeed(Database.closed(failed(error).message)))
    ),
    (context) => Effect.provide(Effect.ignore(informed), context)
  )

const on = <E>(settings: Settings, opened: Effect.Effect<Database["Type"], E, Scope.Scope>) =>
  Live.layerCommand.pipe(
    Layer.provideMerge(Layer.scoped(Database, opened)),
    Layer.provideMerge(Layer.succeed(CurrentSettings, settings)),
    Layer.provideMerge(toStderr)
  )

/** The database of these settings, for as long as the scope lasts. */
const open = <E>(settings: Settings, prepared: Effect.Effect<unknown, E, SqlClient.SqlClient>) =>
  Effect.gen(function* () {
    const source = yield* Source.of(settings.store)
    if (source === undefined) return yield* Effect.provide(Database, Database.layerNone)
    const client = yield* source.open
    yield* Effect.provideService(prepared, SqlClient.SqlClient, client)
    return Database.opened(client)
  })

const upToDate = Migrations.run(Migrations.bundled())

/** What is known from earlier runs and from other replicas. */
const informed = Effect.gen(function* () {
  const database = yield* Database
  if (database.status() === "off") return
  const read = yield* StoredCatalog.reader
  yield* database.use(Effect.zipRight(read, SharedHealth.restore))
})

const failed = (error: { readonly _tag: string; readonly message: string } | SqlError): Failed =>
  new Failed({
    message: error._tag === "SqlError" ? `the database does not answer, or refuses (${describe(error)})` : error.message
  })

/** Stdout is for what was asked for. */
const toStderr = Logger.replace(
  Logger.defaultLogger,
  Logger.withConsoleError(Logger.make<unknown, string>(({ message }) => [message].flat().join(" ")))
)
