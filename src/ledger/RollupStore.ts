import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Database } from "../store/Database.js"
import { DatabaseUnavailable, describe } from "../store/DatabaseError.js"
import { MemoryRollups } from "./MemoryRollups.js"
import type { Figures, Rollup } from "./Rollup.js"
import type { RowsAsked, SpansAsked, Sum, SumsAsked } from "./RollupQuery.js"
import * as RollupTables from "./RollupTables.js"

/** The sums of the ledger by quarters of an hour, for whoever asks what was used. */
export class RollupStore extends Context.Tag("orelse/RollupStore")<
  RollupStore,
  {
    /** The rows of a dimension, the earliest first. */
    readonly query: (asked: RowsAsked) => Effect.Effect<ReadonlyArray<Rollup>, DatabaseUnavailable>
    /** What each value of a dimension comes to, the greatest first. */
    readonly sums: (asked: SumsAsked) => Effect.Effect<ReadonlyArray<Sum>, DatabaseUnavailable>
    /** What one value comes to in each span, in their order. */
    readonly spans: (asked: SpansAsked) => Effect.Effect<ReadonlyArray<Figures>, DatabaseUnavailable>
    /** Adds rows where there is nothing but memory. Tables grow in the transaction that closes a row of the ledger. */
    readonly add: ((rollups: ReadonlyArray<Rollup>) => void) | undefined
  }
>() {
  /** Keeps 35 days, or as much of who used what as fits. */
  static readonly layerMemory: Layer.Layer<RollupStore> = Layer.sync(RollupStore, () => {
    const memory = new MemoryRollups()
    return {
      query: (asked) => Effect.sync(() => memory.rows(asked)),
      sums: (asked) => Effect.sync(() => memory.sums(asked)),
      spans: (asked) => Effect.sync(() => memory.spans(asked)),
      add: (rollups) => memory.add(rollups)
    }
  })

  /** In the tables. */
  static readonly layerTables: Layer.Layer<RollupStore, never, Database> = Layer.effect(
    RollupStore,
    Effect.map(Database, ({ use }) => {
      const ask = <A>(asked: Effect.Effect<A, SqlError, SqlClient>): Effect.Effect<A, DatabaseUnavailable> =>
        Effect.catchTag(
          use(asked),
          "SqlError",
          (error) => new DatabaseUnavailable({ message: `the database refuses (${describe(error)})` })
        )
      return {
        query: (asked) => ask(RollupTables.rows(asked)),
        sums: (asked) => ask(RollupTables.sums(asked)),
        spans: (asked) => ask(RollupTables.spans(asked)),
        add: undefined
      }
    })
  )
}
