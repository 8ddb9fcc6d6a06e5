import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { SchemaRefused } from "./DatabaseError.js"

/** A numbered file of `migrations/`. It runs inside a transaction. */
export interface Migration {
  readonly id: number
  readonly name: string
  readonly text: string
}

/** Those that this version brings, in order. */
export const bundled = (): ReadonlyArray<Migration> =>
  readdirSync(directory)
    .flatMap((file) => {
      const [, id, name] = /^(\d{4})_(\w+)\.sql$/.exec(file) ?? []
      return id === undefined || name === undefined
        ? []
        : [{ id: Number(id), name, text: readFileSync(new URL(file, directory), "utf8") }]
    })
    .toSorted((a, b) => a.id - b.id)

const directory = new URL("../../migrations/", import.meta.url)

/**
 * Brings the schema up to date, in one transaction that only one process at a time is in; gives those that were missing. One
 * that is up to date is only read: that needs no right to create anything. Refuses a schema that is newer than this version,
 * and one whose migrations are not the ones that this version knows.
 */
export const run = (
  migrations: ReadonlyArray<Migration>
): Effect.Effect<ReadonlyArray<Migration>, SchemaRefused | SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [found] = yield* sql<{ there: boolean }>`SELECT to_regclass('schema_migrations') IS NOT NULL AS there`
    if (found?.there === true && (yield* missingOf(migrations)).length === 0) return []
    return yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`SELECT pg_advisory_xact_lock(${lock})`
        // Inside the lock: of two that create a table at once one would fail.
        yield* sql`CREATE TABLE IF NOT EXISTS schema_migrations (
          id integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
        )`
        const missing = yield* missingOf(migrations)
        for (const { id, name, text } of missing) {
          yield* sql.unsafe(text).raw
          yield* sql`INSERT INTO schema_migrations ${sql.insert({ id, name, checksum: checksum(text) })}`
        }
        return missing
      })
    )
  })

/** Those that are not in the database yet. */
const missingOf = (
  migrations: ReadonlyArray<Migration>
): Effect.Effect<ReadonlyArray<Migration>, SchemaRefused | SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const applied = yield* sql<Applied>`SELECT id, name, checksum FROM schema_migrations ORDER BY id`
    const problem = problemOf(migrations, applied)
    if (problem !== undefined) return yield* new SchemaRefused({ message: problem })
    return migrations.filter(({ id }) => applied.every((known) => known.id !== id))
  })

/** Any number that nobody else in the database takes. */
const lock = 7_041_776

interface Applied {
  readonly id: number
  readonly name: string
  readonly checksum: string
}

const checksum = (text: string): string => createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex")

const problemOf = (migrations: ReadonlyArray<Migration>, applied: ReadonlyArray<Applied>): string | undefined => {
  const last = migrations.at(-1)?.id ?? 0
  for (const { checksum: known, id, name } of applied) {
    const own = migrations.find((migration) => migration.id === id)
    if (own === undefined) {
      return id > last
        ? `the database has migration ${id} (${name}), which this orelse does not know: it was made by a newer one; update orelse`
        : `the database has a migration ${id} (${name}) that this orelse never had: it is another program's, or a branch's`
    }
    if (checksum(own.text) !== known) {
      return `migration ${id} (${own.name}) was changed after it had been applied: restore the file, and put the change into a new one`
    }
  }
  const newest = applied.at(-1)?.id ?? 0
  const gap = migrations.find(({ id }) => id < newest && applied.every((known) => known.id !== id))
  return gap === undefined
    ? undefined
    : `migration ${gap.id} (${gap.name}) is older than what the database has already: give it the next number`
}
