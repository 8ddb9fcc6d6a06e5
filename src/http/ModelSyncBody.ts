import * as Schema from "effect/Schema"
import type { SyncResult } from "../catalog/ModelSync.js"

const Sentence = Schema.NullOr(Schema.String)

/** What a sync did for one instance; `null` where there is nothing to say. */
export const SyncedInstance = Schema.Struct({
  instance: Schema.String,
  provider: Schema.String,
  models: Schema.Int,
  left_out: Schema.Int,
  added: Schema.Int,
  updated: Schema.Int,
  removed: Schema.Int,
  ms: Schema.Number,
  failed: Sentence,
  skipped: Sentence,
  note: Sentence,
  names: Schema.Array(
    Schema.Struct({ provider_model_id: Schema.String, model_id: Schema.String, explanation: Schema.String })
  )
}).annotations({ identifier: "SyncedInstance" })
export type SyncedInstance = typeof SyncedInstance.Type

/** `POST /admin/models/sync`; absent: every enabled instance, and without the names. */
export const ModelSyncPayload = Schema.Struct({
  /** Ids of instances or names of vendors. */
  providers: Schema.optional(Schema.Array(Schema.String)),
  /** Whether each id is shown with its canonical name and the rules that made it. */
  explain: Schema.optional(Schema.Boolean)
}).annotations({ identifier: "ModelSyncWish" })

/** What `POST /admin/models/sync` answers, and `orelse models sync --json` prints. */
export const ModelSyncBody = Schema.Struct({
  /** Where the models are now; `memory`: with the gateway, as long as it runs. */
  kept: Schema.Literal("database", "memory", "nowhere"),
  instances: Schema.Array(SyncedInstance)
}).annotations({ identifier: "ModelSync" })
export type ModelSyncBody = typeof ModelSyncBody.Type

/** As it goes out. */
export const of = ({ leftOut, names, ...result }: SyncResult): SyncedInstance => ({
  instance: result.instance,
  provider: result.provider,
  models: result.models,
  left_out: leftOut,
  added: result.added,
  updated: result.updated,
  removed: result.removed,
  ms: result.ms,
  failed: result.failed ?? null,
  skipped: result.skipped ?? null,
  note: result.note ?? null,
  names: names.map(({ explanation, modelId, providerModelId }) => ({
    provider_model_id: providerModelId,
    model_id: modelId,
    explanation
  }))
})

/** What became of one instance, as part of a line. */
export const outcome = (result: SyncedInstance): string => {
  if (result.skipped !== null) return `skipped: ${result.skipped}`
  if (result.failed !== null) return `failed: ${result.failed}, ${seconds(result.ms)}`
  const leftOut = result.left_out === 0 ? [] : [`without ${result.left_out} that are not for text`]
  const note = result.note === null ? [] : [result.note]
  return [counted(result), seconds(result.ms), ...leftOut, ...note].join(", ")
}

type Counts = Pick<SyncedInstance, "models" | "added" | "updated" | "removed">

/** How many models there are, and what is different about them. */
export const counted = (counts: Counts): string =>
  `${counts.models} ${counts.models === 1 ? "model" : "models"} (${counts.added} new, ${counts.updated} changed, ${counts.removed} gone)`

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
