import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { InstanceSettings } from "../config/Settings.js"
import { Catalog } from "./Catalog.js"
import type { StoreFailed } from "./CatalogStore.js"
import type { ModelRow } from "./ModelRow.js"
import type { CatalogRow } from "./Rows.js"

/** What became of the rows of an instance. A row is the same one as long as the provider's id is. */
export interface Changes {
  readonly added: number
  readonly updated: number
  readonly removed: number
}

/** The models that each instance is known to have. */
export class CatalogRows extends Context.Tag("orelse/CatalogRows")<
  CatalogRows,
  {
    /** How many rows an instance has. */
    readonly count: (instance: InstanceSettings) => Effect.Effect<number, StoreFailed>
    /** Makes these the rows of an instance, all of them or none. No two have the same provider's id. */
    readonly replace: (instance: InstanceSettings, rows: ReadonlyArray<ModelRow>) => Effect.Effect<Changes, StoreFailed>
  }
>() {
  /** Rows that last as long as the process; the catalogue has them at once. */
  static readonly layerMemory: Layer.Layer<CatalogRows, never, Catalog> = Layer.effect(
    CatalogRows,
    Effect.gen(function* () {
      const catalog = yield* Catalog
      const kept = new Map<string, ReadonlyMap<string, ModelRow>>()
      // Of two that hand on their rows the later one hands on all.
      const turns = yield* Effect.makeSemaphore(1)
      return {
        count: ({ id }) => Effect.sync(() => kept.get(id)?.size ?? 0),
        replace: ({ id }, rows) =>
          Effect.gen(function* () {
            const before = kept.get(id) ?? new Map<string, ModelRow>()
            const after = new Map(rows.map((row) => [row.providerModelId, row]))
            kept.set(id, after)
            yield* catalog.setRows([...kept.values()].flatMap((models) => [...models.values()].map(inService)))
            return changes(before, after)
          }).pipe(turns.withPermits(1))
      }
    })
  )
}

const inService = (row: ModelRow): CatalogRow => ({ ...row, active: true })

const changes = (before: ReadonlyMap<string, ModelRow>, after: ReadonlyMap<string, ModelRow>): Changes => {
  let [added, updated] = [0, 0]
  for (const [id, row] of after) {
    const old = before.get(id)
    if (old === undefined) added++
    else if (!isSame(old, row)) updated++
  }
  return { added, updated, removed: before.size - (after.size - added) }
}

const isSame = (one: ModelRow, other: ModelRow): boolean =>
  one.modelId === other.modelId &&
  one.promptPrice === other.promptPrice &&
  one.completionPrice === other.completionPrice &&
  one.contextWindow === other.contextWindow
