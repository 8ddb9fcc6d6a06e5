import type { Snapshot } from "../catalog/Catalog.js"
import type { InstanceSettings } from "../config/Settings.js"

/** A model as OpenAI lists it. */
export interface ListedModel {
  readonly id: string
  readonly object: "model"
  readonly created: number
  readonly owned_by: string
}

/** Models that a caller may name: the configured ones, and what the instances said they have. */
export const make = (
  snapshot: Snapshot,
  discovered: ReadonlyArray<{ readonly model: string; readonly instance: InstanceSettings }>
): ReadonlyArray<ListedModel> => {
  const owners = new Map<string, string>()
  for (const name of snapshot.modelNames) owners.set(name, snapshot.ownerOf(name)?.provider ?? "orelse")
  for (const { instance, model } of discovered) {
    // An instance that lists its models in the configuration serves no others.
    if (instance.models === undefined && !owners.has(model) && !snapshot.isOff(model))
      owners.set(model, instance.provider)
  }
  return [...owners].map(([id, owned_by]) => ({ id, object: "model", created: 0, owned_by }))
}
