import type { SqlClient } from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** There is no database to ask at this moment. `message` is a safe sentence. */
export class DatabaseUnavailable extends Schema.TaggedError<DatabaseUnavailable>()("DatabaseUnavailable", {
  message: Schema.String
}) {}

/** `off`: there is none by choice. `starting`: it has not answered yet. `down`: it could not be opened, or answers no more. */
export type DatabaseStatus = "off" | "starting" | "up" | "down"

/** Postgres, or Postgres embedded. Nobody on the way of a request waits for it. */
export class Database extends Context.Tag("orelse/Database")<
  Database,
  {
    readonly status: () => DatabaseStatus
    /** Runs what asks the database. Fails at once while there is none, and with the same error where it stops to answer. */
    readonly use: <A, E, R>(
      effect: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | DatabaseUnavailable, Exclude<R, SqlClient>>
    /** Succeeds as soon as it is up; never where there is none by choice. */
    readonly whenUp: Effect.Effect<void>
  }
>() {}
