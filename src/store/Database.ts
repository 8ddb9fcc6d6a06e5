import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { CurrentSettings, type Settings } from "../config/Settings.js"
import {
  DatabaseUnavailable,
  describe,
  isConnection,
  OpenFailed,
  type Refused,
  type SchemaRefused
} from "./DatabaseError.js"
import * as Migrations from "./Migrations.js"
import * as Source from "./Source.js"

/**
 * `off`: there is none by choice. `starting`: it has not answered yet. `read_only`: it answers, and takes nothing. `down`: it
 * could not be opened, or answers no more.
 */
export type DatabaseStatus = "off" | "starting" | "up" | "read_only" | "down"

/** Postgres, or Postgres embedded. Nobody on the way of a request waits for it. */
export class Database extends Context.Tag("orelse/Database")<
  Database,
  {
    readonly status: () => DatabaseStatus
    /** Runs what asks the database. Fails at once while there is none, and with the same error where it stops to answer. */
    readonly use: <A, E, R>(
      effect: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | DatabaseUnavailable, Exclude<R, SqlClient.SqlClient>>
    /** Succeeds as soon as it is up; never where there is none by choice. */
    readonly whenUp: Effect.Effect<void>
    /** Says to who finds the data directory in use where its holder listens. */
    readonly announce: (url: string) => void
  }
>() {
  /**
   * As the settings say. It is opened, brought up to date and watched in the background, again and again where that fails;
   * only what no waiting helps against is a failure.
   */
  static readonly layer: Layer.Layer<Database, Refused, CurrentSettings> = Layer.scoped(
    Database,
    Effect.flatMap(CurrentSettings, ({ store }) => make(store))
  )

  /** None, whatever the settings say. */
  static readonly layerNone: Layer.Layer<Database> = Layer.sync(Database, () => none)

  /** One that somebody has opened, as a command does for itself. Nobody watches it. */
  static readonly opened = (client: SqlClient.SqlClient): Database["Type"] =>
    Database.of({
      status: () => "up",
      use: (effect) =>
        Effect.provideService(effect, SqlClient.SqlClient, client).pipe(
          Effect.catchIf(
            isConnection,
            (error) => new DatabaseUnavailable({ message: `the database does not answer (${describe(error)})` })
          )
        ),
      whenUp: Effect.void,
      announce: () => {}
    })

  /** One that did not open. */
  static readonly closed = (reason: string): Database["Type"] =>
    Database.of({
      status: () => "down",
      use: () => new DatabaseUnavailable({ message: `the database is not there: ${reason}` }),
      whenUp: Effect.never,
      announce: () => {}
    })
}

const none = Database.of({
  status: () => "off",
  use: () => new DatabaseUnavailable({ message: "there is no database: DATABASE_URL is none" }),
  whenUp: Effect.never,
  announce: () => {}
})

const make = (store: Settings["store"]): Effect.Effect<Database["Type"], Refused, Scope.Scope> =>
  Effect.flatMap(Source.of(store), (source) => (source === undefined ? Effect.succeed(none) : watched(source)))

const watched = ({ announce, maintain, open }: Source.Source): Effect.Effect<Database["Type"], never, Scope.Scope> =>
  Effect.gen(function* () {
    let status: DatabaseStatus = "starting"
    let client: SqlClient.SqlClient | undefined
    let reason = "it has not answered yet"
    let up = yield* Deferred.make<void>()
    // Who meets a lost connection has it looked at at once.
    const doubts = yield* Queue.sliding<void>(1)

    const enter = (found: "up" | "read_only", opened: SqlClient.SqlClient) =>
      Effect.gen(function* () {
        client = opened
        if (status === found) return
        if (status === "up") up = yield* Deferred.make<void>()
        status = found
        yield* found === "up"
          ? Effect.logInfo("database: up")
          : Effect.logWarning("database: it is read-only; what is to be written waits")
        if (found === "up") yield* Deferred.succeed(up, undefined)
      })

    const leave = Effect.gen(function* () {
      client = undefined
      if (status === "up") up = yield* Deferred.make<void>()
      status = "down"
    })

    /** From one opening to the loss of the connection, which is its failure. */
    const session = Effect.gen(function* () {
      const opened = yield* open
      yield* Effect.gen(function* () {
        let current = false
        while (true) {
          const found = yield* look
          if (found === "up" && !current) {
            yield* upToDate
            yield* Effect.forkScoped(maintain)
            current = true
          }
          yield* enter(found, opened)
          yield* Effect.timeoutOption(Queue.take(doubts), pause)
        }
      }).pipe(Effect.provideService(SqlClient.SqlClient, opened))
    }).pipe(Effect.ensuring(leave), Effect.scoped)

    const lost = (error: unknown) =>
      Effect.zipRight(
        Queue.offer(doubts, undefined),
        new DatabaseUnavailable({ message: `the database does not answer (${describe(error)})` })
      )

    let failures = 0
    const tell = (error: OpenFailed | SchemaRefused | SqlError) =>
      Effect.gen(function* () {
        const said = error._tag === "SqlError" ? `it does not answer (${describe(error)})` : error.message
        if (said !== reason || failures === 0) {
          yield* Effect.logError(`database: ${said}; requests are answered without it, and it is tried again`)
        }
        reason = said
        yield* Effect.sleep(Math.min(longestPause, shortestPause * 2 ** failures++))
      })

    yield* Effect.forkScoped(Effect.forever(Effect.catchAll(session, tell)))

    return Database.of({
      status: () => status,
      use: (effect) =>
        Effect.suspend(() =>
          client === undefined
            ? new DatabaseUnavailable({ message: `the database is not there: ${reason}` })
            : Effect.provideService(effect, SqlClient.SqlClient, client).pipe(
                Effect.catchIf(isConnection, lost),
                // A COMMIT or ROLLBACK that fails is a defect to who asked for the transaction.
                Effect.catchSomeDefect((defect) => (isConnection(defect) ? Option.some(lost(defect)) : Option.none())),
                // Who is interrupted does not wait until a server that hangs has taken its ROLLBACK.
                Effect.disconnect
              )
        ),
      whenUp: Effect.suspend(() => Deferred.await(up)),
      announce
    })
  })

/** Between two looks at a database that answers. */
const pause = "2 seconds"

/** Between two attempts to open it, in ms. */
const shortestPause = 250
const longestPause = 5_000

/** What takes longer than this to say that it is there is not. */
const patience = "10 seconds"

const look = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ read_only: boolean }>`
      SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only`,
    ([row]): "up" | "read_only" => (row?.read_only === true ? "read_only" : "up")
  )
).pipe(
  Effect.timeoutFail({
    duration: patience,
    onTimeout: () => new OpenFailed({ message: `it did not answer within ${patience}` })
  })
)

const upToDate = Effect.flatMap(Migrations.run(Migrations.bundled()), (applied) =>
  applied.length === 0
    ? Effect.void
    : Effect.logInfo(`database: migrated (${applied.map(({ id, name }) => `${id} ${name}`).join(", ")})`)
)
