import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Fields } from "../config/FileForm.js"
import type { InstanceEntry, Overlay } from "../config/Overlay.js"
import type { InstanceSettings } from "../config/Settings.js"

/** A change could not be saved. `message` is a safe sentence. */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", { message: Schema.String }) {}

/** What a change was made of is not what the store has any more: another gateway was faster. */
export class ChangedMeanwhile extends Schema.TaggedError<ChangedMeanwhile>()("ChangedMeanwhile", {
  message: Schema.String
}) {}

/** One change of the overlay: what an entry said `before`, and what it says from now on, whole. */
export type Change =
  | {
      readonly _tag: "Instance"
      readonly id: string
      /** `undefined`: it was as it was configured, or not there. */
      readonly before: InstanceEntry | undefined
      readonly entry: InstanceEntry
      /** The instance that comes of it. */
      readonly made: InstanceSettings
    }
  | {
      readonly _tag: "Model"
      readonly id: string
      readonly before: Fields | undefined
      /** `undefined`: it is as it was configured, or gone. */
      readonly entry: Fields | undefined
      readonly enabled: boolean
    }
  | { readonly _tag: "Routing"; readonly before: Overlay["routing"]; readonly routing: Overlay["routing"] }

/** Keeps what is changed over the admin API. */
export class CatalogStore extends Context.Tag("orelse/CatalogStore")<
  CatalogStore,
  {
    /**
     * Keeps a change, which is good and not made yet, where the entry still says what it said before. An API key in it is
     * `Redacted`, and the store's to seal.
     */
    readonly save: (change: Change) => Effect.Effect<void, ChangedMeanwhile | StoreFailed>
  }
>() {
  /** Keeps nothing: what is changed is so until the gateway is started again. */
  static readonly layerMemory: Layer.Layer<CatalogStore> = Layer.succeed(CatalogStore, { save: () => Effect.void })
}

/** The overlay with a change. */
export const changed = (overlay: Overlay, change: Change): Overlay => {
  switch (change._tag) {
    case "Instance":
      return { ...overlay, instances: new Map([...overlay.instances, [change.id, change.entry]]) }
    case "Model": {
      const models = new Map(overlay.models)
      if (change.entry === undefined) models.delete(change.id)
      else models.set(change.id, change.entry)
      return { ...overlay, models }
    }
    case "Routing":
      return { ...overlay, routing: change.routing }
  }
}
