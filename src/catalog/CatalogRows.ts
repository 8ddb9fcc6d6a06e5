import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { InstanceSettings } from "../config/Settings.js"
import type { StoreFailed } from "./CatalogStore.js"
import type { ModelRow } from "./ModelRow.js"

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
  /** Rows that last as long as the process. */
  static readonly layerMemory: Layer.Layer<CatalogRows> = Layer.sync(CatalogRows, () => {
    const kept = new Map<string, ReadonlyMap<string, ModelRow>>()
    return {
      count: ({ id }) => Effect.sync(() => kept.get(id)?.size ?? 0),
      replace: ({ id }, rows) =>
        Effect.sync(() => {
          const before = kept.get(id) ?? new Map<string, ModelRow>()
          const after = new Map(rows.map((row) => [row.providerModelId, row]))
          kept.set(id, after)
          return changes(before, after)
        })
    }
  })
}

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
