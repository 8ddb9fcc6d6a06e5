import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type Pg from "pg"
import type { StoreSettings } from "../config/Settings.js"
import { OpenFailed, type Refused } from "./DatabaseError.js"
import * as Embedded from "./Embedded.js"
import * as Maintenance from "./Maintenance.js"
import * as Postgres from "./Postgres.js"

/** A database that can be opened. */
export interface Source {
  readonly open: Effect.Effect<SqlClient.SqlClient, OpenFailed, Scope.Scope>
  /** What runs as long as it is open. */
  readonly maintain: Effect.Effect<void, never, SqlClient.SqlClient>
  /** Says to who finds the data directory in use where its holder listens. */
  readonly announce: (url: string) => void
}

/** The one that the settings name; `undefined`: none, by choice. An embedded one holds its directory from here on. */
export const of = ({ dataDir, database }: StoreSettings): Effect.Effect<Source | undefined, Refused, Scope.Scope> => {
  switch (database._tag) {
    case "None":
      return Effect.succeed(undefined)
    case "Postgres":
      return Effect.succeed({ open: client(Postgres.open(database.url)), maintain: Effect.void, announce: () => {} })
    case "Embedded":
      return Effect.map(Embedded.make(dataDir), ({ lock, open }) => ({
        open: client(open),
        maintain: Maintenance.forever,
        announce: lock.announce
      }))
  }
}

const client = (open: Effect.Effect<Pg.Pool, OpenFailed, Scope.Scope>): Source["open"] =>
  Effect.flatMap(open, (pool) =>
    Layer.build(PgClient.layerFromPool({ acquire: Effect.succeed(pool) })).pipe(
      Effect.map(Context.get(SqlClient.SqlClient)),
      Effect.mapError(() => new OpenFailed({ message: "its driver did not start" }))
    )
  )
