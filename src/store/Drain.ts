import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as ErrorCode from "../domain/ErrorCode.js"
import type { Batch } from "./Backlog.js"
import type { Database } from "./Database.js"

/** Writes records of one kind, inside a transaction. They are a JSON array, in order. */
export type Applier = (records: string) => Effect.Effect<void, SqlError, SqlClient.SqlClient>

/** By kind. Of one batch, the kinds are applied in the order of this map: whoever refers to another kind's rows is later. */
export type Appliers = ReadonlyMap<string, Applier>

/** What is to be done about a process that is gone, by the id of its journal. */
export type Abandon = (journal: string) => Effect.Effect<void, SqlError, SqlClient.SqlClient>

/** The database takes nothing at this moment; nobody knows whether it took the last batch. `reason` is safe to log. */
export class Postponed extends Schema.TaggedError<Postponed>()("ReplayPostponed", { reason: Schema.String }) {}

/** How a batch went. */
export interface Outcome {
  /** Where the database stands. The batch was applied where `applied` is there, else at some other time, or by another. */
  readonly position: number
  readonly applied?: Applied
}

export interface Applied {
  readonly records: number
  /** Kinds that nobody applies, and how many of each. */
  readonly unknown: ReadonlyMap<string, number>
  /** Records that the database refused, by kind and SQLSTATE. */
  readonly poisoned: ReadonlyMap<string, number>
}

/**
 * Applies a batch and moves the journal's position in one transaction. A position that is not the batch's start is the
 * truth: then nothing is applied. Records that the database refuses for what they are do not keep the others back.
 */
export const apply = (
  database: Database["Type"],
  appliers: Appliers,
  journal: string,
  batch: Batch
): Effect.Effect<Outcome, Postponed> =>
  Effect.gen(function* () {
    const sorted = sort(appliers, batch)
    const together = yield* Effect.exit(transaction(database, journal, batch, allAtOnce(sorted)))
    if (Exit.isSuccess(together)) return together.value
    if (waitsFor(together.cause) !== undefined) return yield* postponed(together.cause)
    const singly = yield* Effect.exit(transaction(database, journal, batch, oneByOne(sorted)))
    return Exit.isSuccess(singly) ? singly.value : yield* postponed(singly.cause)
  })

/** Does what is to be done when all of a journal is applied. */
export const abandoned = (
  database: Database["Type"],
  abandon: Abandon,
  journal: string
): Effect.Effect<void, Postponed> =>
  database
    .use(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(abandon(journal))))
    .pipe(Effect.catchAllCause((cause) => postponed(cause)))

interface Sorted {
  readonly known: ReadonlyArray<{
    readonly kind: string
    readonly applier: Applier
    readonly rows: ReadonlyArray<string>
  }>
  readonly unknown: ReadonlyMap<string, number>
}

const sort = (appliers: Appliers, { records }: Batch): Sorted => {
  const rows = new Map<string, Array<string>>()
  for (const { json, kind } of records) {
    const same = rows.get(kind)
    if (same === undefined) rows.set(kind, [json])
    else same.push(json)
  }
  const known = [...appliers].flatMap(([kind, applier]) => {
    const found = rows.get(kind)
    return found === undefined ? [] : [{ kind, applier, rows: found }]
  })
  const unknown = [...rows].flatMap(([kind, { length }]) => (appliers.has(kind) ? [] : [[kind, length] as const]))
  return { known, unknown: new Map(unknown) }
}

const transaction = <E>(
  database: Database["Type"],
  journal: string,
  { from, next }: Batch,
  write: Effect.Effect<Applied, E, SqlClient.SqlClient>
) =>
  database.use(
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql.withTransaction(
        Effect.gen(function* () {
          // Whoever else drains the same journal waits here, and finds the position moved.
          const [row] = yield* sql<{ position: string }>`
            INSERT INTO journals (id, position) VALUES (${journal}, 0)
            ON CONFLICT (id) DO UPDATE SET updated_at = now()
            RETURNING position`
          const position = Number(row?.position ?? 0)
          if (position !== from) return { position }
          const applied = yield* write
          yield* sql`UPDATE journals SET position = ${next}, updated_at = now() WHERE id = ${journal}`
          return { position: next, applied }
        })
      )
    )
  )

const allAtOnce = ({ known, unknown }: Sorted) =>
  Effect.gen(function* () {
    let records = 0
    for (const { applier, rows } of known) {
      yield* applier(`[${rows.join(",")}]`)
      records += rows.length
    }
    return { records, unknown, poisoned: new Map<string, number>() }
  })

const oneByOne = ({ known, unknown }: Sorted) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const poisoned = new Map<string, number>()
    let records = 0
    for (const { applier, kind, rows } of known) {
      for (const row of rows) {
        const exit = yield* Effect.exit(sql.withTransaction(applier(`[${row}]`)))
        if (Exit.isSuccess(exit)) records++
        else if (waitsFor(exit.cause) !== undefined) return yield* Effect.failCause(exit.cause)
        else {
          const what = `${kind} (${codesOf(exit.cause)})`
          poisoned.set(what, (poisoned.get(what) ?? 0) + 1)
        }
      }
    }
    return { records, unknown, poisoned }
  })

const postponed = (cause: Cause.Cause<unknown>) => new Postponed({ reason: waitsFor(cause) ?? codesOf(cause) })

/** Why it may go better later; `undefined` where it is the records' fault, or their applier's. */
const waitsFor = (cause: Cause.Cause<unknown>): string | undefined => {
  if (Cause.isInterrupted(cause)) return "interrupted"
  for (const error of errorsOf(cause)) {
    if (isUnavailable(error)) return "it is not there"
    if (error instanceof SqlError && !/^(?:22|23|54)...$/.test(codeOf(error))) return codeOf(error)
  }
  return undefined
}

/** A `COMMIT` or `ROLLBACK` that fails is a defect of the client. */
const errorsOf = (cause: Cause.Cause<unknown>): ReadonlyArray<unknown> => [
  ...Chunk.toReadonlyArray(Cause.failures(cause)),
  ...Chunk.toReadonlyArray(Cause.defects(cause))
]

const isUnavailable = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "DatabaseUnavailable"

const codesOf = (cause: Cause.Cause<unknown>): string =>
  errorsOf(cause)
    .map((error) => (error instanceof SqlError ? codeOf(error) : "a defect of who applies it"))
    .join(", ")

/** SQLSTATE, or what Node calls it: never the text, which may hold values. */
const codeOf = ({ cause }: SqlError): string => ErrorCode.of(cause) ?? "the connection is lost"
