import * as Schema from "effect/Schema"
import type { Snapshot } from "../catalog/Catalog.js"
import type { CatalogRow } from "../catalog/Rows.js"

/** A model as one instance has it. */
const CatalogueRow = Schema.Struct({
  /** Its canonical name, the same at every instance. */
  model: Schema.String,
  instance: Schema.String,
  /** What a request to the instance calls it. */
  provider_model_id: Schema.String,
  /** USD per million tokens as decimal strings; null is unknown. */
  pricing: Schema.Struct({ prompt: Schema.NullOr(Schema.String), completion: Schema.NullOr(Schema.String) }),
  /** Tokens of input and output together; null is unknown. */
  context_window: Schema.NullOr(Schema.Int),
  active: Schema.Boolean
}).annotations({ identifier: "CatalogueRow" })
type CatalogueRow = typeof CatalogueRow.Type

/** `GET /admin/catalogue` and `orelse models list --json`, by canonical name. */
export const CatalogueBody = Schema.Struct({
  rows: Schema.Array(CatalogueRow),
  /** There are more than were asked for. */
  more: Schema.Boolean
}).annotations({ identifier: "Catalogue" })
export type CatalogueBody = typeof CatalogueBody.Type

/** Which rows. */
export const CatalogueParams = Schema.Struct({
  /** A canonical name, or an instance's own. */
  model: Schema.optional(Schema.String),
  instance: Schema.optional(Schema.String),
  /** From 1 to 10000; 1000 where it is not said. */
  limit: Schema.optional(Schema.String)
})

export interface CatalogueQuery {
  readonly model?: string | undefined
  readonly instance?: string | undefined
  readonly limit: number
}

/** What the instances have listed, as the catalogue has it now. */
export const make = ({ rows }: Snapshot, { instance, limit, model }: CatalogueQuery): CatalogueBody => {
  const found: Array<CatalogRow> = []
  const names = model === undefined ? rows.models : [model]
  for (const name of names) {
    for (const row of rows.all(name)) {
      // Without a model every row is met under its canonical name, and once more under its own where that is another model's.
      if (model === undefined && row.modelId !== name) continue
      if (instance !== undefined && row.instance !== instance) continue
      if (found.length === limit) return { rows: sorted(found), more: true }
      found.push(row)
    }
  }
  return { rows: sorted(found), more: false }
}

const sorted = (found: ReadonlyArray<CatalogRow>): ReadonlyArray<CatalogueRow> =>
  found
    .toSorted((a, b) => compare(a.modelId, b.modelId) || compare(a.instance, b.instance))
    .map((row) => ({
      model: row.modelId,
      instance: row.instance,
      provider_model_id: row.providerModelId,
      pricing: { prompt: row.promptPrice ?? null, completion: row.completionPrice ?? null },
      context_window: row.contextWindow ?? null,
      active: row.active
    }))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
