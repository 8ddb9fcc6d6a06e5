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

/** `orelse models sync --json`. */
export const ModelSyncBody = Schema.Struct({
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
