import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Problem } from "../config/ConfigError.js"
import type { Fields } from "../config/FileForm.js"
import * as Overlay from "../config/Overlay.js"
import * as Preset from "../config/Preset.js"
import type { Settings } from "../config/Settings.js"
import { Catalog, type Snapshot } from "./Catalog.js"
import { CatalogStore, changed, type Change, type ChangedMeanwhile, type StoreFailed } from "./CatalogStore.js"

/** A change that cannot be made. */
export class ChangeRefused extends Schema.TaggedError<ChangeRefused>()("ChangeRefused", {
  /** `configured`: the configuration says so, and only its file can say otherwise. */
  reason: Schema.Literal("invalid", "unknown", "taken", "configured"),
  subject: Schema.Literal("instance", "model", "routing"),
  id: Schema.String,
  /** What is wrong with it, by the field's path; none holds a key. */
  problems: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String }))
}) {}

/** Why a change was not made. */
export type NotChanged = ChangedMeanwhile | ChangeRefused | StoreFailed

type Changed = Effect.Effect<Snapshot, NotChanged>

/**
 * Changes the catalogue while it serves. A change is made when the whole catalogue with it is good and the store has it;
 * otherwise nothing changes. Fields have the form of the config file.
 */
export class CatalogEditor extends Context.Tag("orelse/CatalogEditor")<
  CatalogEditor,
  {
    readonly addInstance: (fields: Fields) => Changed
    /** Lays fields over an instance; null takes one away. */
    readonly changeInstance: (id: string, fields: Fields) => Changed
    readonly addModel: (fields: Fields) => Changed
    /** Lays fields over a model; null takes one away. A model that is known by its name alone can be taken out of service. */
    readonly changeModel: (id: string, fields: Fields) => Changed
    /** Takes back a model that was added. */
    readonly removeModel: (id: string) => Changed
    readonly changeRouting: (changes: Overlay.Overlay["routing"]) => Changed
  }
>() {
  static readonly layer: Layer.Layer<CatalogEditor, never, Catalog | CatalogStore> = Layer.effect(
    CatalogEditor,
    Effect.gen(function* () {
      const catalog = yield* Catalog
      const store = yield* CatalogStore
      const turns = yield* Effect.makeSemaphore(1)

      /** Checks a change against what is there now, has it kept, and makes it. */
      const commit = (decide: () => Effect.Effect<Proposed, ChangeRefused>): Changed =>
        Effect.gen(function* () {
          const { changeOf, overlay, subject } = yield* decide()
          const laid = Overlay.lay(catalog.configured(), overlay)
          yield* refuseUnfit(laid.unfit, Overlay.lay(catalog.configured(), catalog.overlay()).unfit, subject)
          const change = changeOf(laid.settings)
          if (change === undefined) return catalog.snapshot()
          yield* store.save(change)
          // The store may have brought the changes of others meanwhile.
          catalog.setOverlay(changed(catalog.overlay(), change))
          return catalog.snapshot()
        }).pipe(Effect.uninterruptible, turns.withPermits(1))

      const hasInstance = (id: string): boolean =>
        catalog.overlay().instances.has(id) || catalog.snapshot().settings.instances.some((each) => each.id === id)
      const isConfigured = (id: string): boolean => catalog.configured().models.some((model) => model.id === id)
      const hasModel = (id: string): boolean => catalog.overlay().models.has(id) || isConfigured(id)

      const putInstance = (id: string, entry: Overlay.InstanceEntry): Proposed => {
        const overlay = catalog.overlay()
        return {
          subject: { section: "instances", id },
          overlay: { ...overlay, instances: new Map([...overlay.instances, [id, entry]]) },
          changeOf: ({ instances }) => {
            const made = instances.find((instance) => instance.id === id)
            return made && { _tag: "Instance", id, before: overlay.instances.get(id), entry, made }
          }
        }
      }

      const putModel = (id: string, entry: Fields | undefined): Proposed => {
        const overlay = catalog.overlay()
        const before = overlay.models.get(id)
        const change = (enabled: boolean): Change => ({ _tag: "Model", id, before, entry, enabled })
        return {
          subject: { section: "models", id },
          overlay: changed(overlay, change(true)),
          changeOf: ({ models }) => change(models.find((model) => model.id === id)?.enabled !== false)
        }
      }

      return {
        addInstance: (given) =>
          commit(() =>
            Effect.gen(function* () {
              const { apiKey, fields, id } = yield* parts("instance", given)
              const known = catalog.snapshot().settings.instances.some((instance) => instance.id === id)
              if (known) return yield* refused("taken", "instance", id)
              return putInstance(id, apiKey === undefined ? { fields } : { fields, apiKey })
            })
          ),
        changeInstance: (id, given) =>
          commit(() =>
            Effect.gen(function* () {
              if (!hasInstance(id)) return yield* refused("unknown", "instance", id)
              const { apiKey, fields } = yield* parts("instance", given, id)
              const before = catalog.overlay().instances.get(id)
              const laid = over(before?.fields, fields)
              // With the fields alone its key stays, or stays locked.
              return putInstance(id, apiKey === undefined ? { ...before, fields: laid } : { fields: laid, apiKey })
            })
          ),
        addModel: (given) =>
          commit(() =>
            Effect.gen(function* () {
              const { fields, id } = yield* parts("model", given)
              if (catalog.snapshot().settings.models.some((model) => model.id === id)) {
                return yield* refused("taken", "model", id)
              }
              return putModel(id, fields)
            })
          ),
        changeModel: (id, given) =>
          commit(() =>
            Effect.gen(function* () {
              const known = hasModel(id) || catalog.snapshot().resolve(id).length > 0
              if (!known) return yield* refused("unknown", "model", id)
              const { fields } = yield* parts("model", given, id)
              const laid = over(catalog.overlay().models.get(id), fields)
              // Nothing is left to say of a model that is known by its name and in service.
              const isPlain = !isConfigured(id) && Object.keys(laid).every((field) => field === "enabled")
              return putModel(id, isPlain && laid["enabled"] !== false ? undefined : laid)
            })
          ),
        removeModel: (id) =>
          commit(() =>
            isConfigured(id)
              ? refused("configured", "model", id)
              : hasModel(id)
                ? Effect.succeed(putModel(id, undefined))
                : refused("unknown", "model", id)
          ),
        changeRouting: (changes) =>
          commit(() =>
            Effect.sync(() => {
              const overlay = catalog.overlay()
              const routing = { ...overlay.routing, ...changes }
              return {
                subject: { section: "routing", id: "" },
                overlay: { ...overlay, routing },
                changeOf: () => ({ _tag: "Routing", before: overlay.routing, routing })
              }
            })
          )
      }
    })
  )
}

/** A change that is still to be checked. */
interface Proposed {
  readonly subject: Pick<Overlay.Unfit, "section" | "id">
  /** The overlay with it. */
  readonly overlay: Overlay.Overlay
  readonly changeOf: (settings: Settings) => Change | undefined
}

const subjects = { instances: "instance", models: "model", routing: "routing" } as const

/** What did not fit before is no reason to refuse something else. */
const refuseUnfit = (
  unfit: ReadonlyArray<Overlay.Unfit>,
  before: ReadonlyArray<Overlay.Unfit>,
  { id, section }: Proposed["subject"]
): Effect.Effect<void, ChangeRefused> => {
  const isOwn = (each: Overlay.Unfit): boolean => each.section === section && each.id === id
  const known = new Set(before.flatMap(Overlay.problemsOf).map(({ message, path }) => `${path}\n${message}`))
  const problems = unfit.flatMap((each) =>
    isOwn(each)
      ? each.problems
      : Overlay.problemsOf(each).filter(({ message, path }) => !known.has(`${path}\n${message}`))
  )
  return problems.length === 0 ? Effect.void : refused("invalid", subjects[section], id, problems)
}

const refused = (
  reason: ChangeRefused["reason"],
  subject: ChangeRefused["subject"],
  id: string,
  problems: ReadonlyArray<Problem> = []
): Effect.Effect<never, ChangeRefused> => Effect.fail(new ChangeRefused({ reason, subject, id, problems }))

/** What was sent, with its id and its key apart. `id` is the one that it is about, if that is known already. */
const parts = (
  subject: "instance" | "model",
  given: Fields,
  id?: string
): Effect.Effect<
  { readonly id: string; readonly apiKey: Redacted.Redacted | null | undefined; readonly fields: Fields },
  ChangeRefused
> => {
  const { apiKey, id: named = id, ...fields } = given
  if (typeof named !== "string") {
    return refused("invalid", subject, "", [
      { path: "id", message: named === undefined ? "is required" : "must be text" }
    ])
  }
  if (id !== undefined && named !== id) {
    return refused("invalid", subject, id, [{ path: "id", message: "cannot be changed; add another one instead" }])
  }
  if (subject === "model") {
    const all = apiKey === undefined ? fields : { ...fields, apiKey }
    return Effect.succeed({ id: named, apiKey: undefined, fields: all })
  }
  if (apiKey === undefined || apiKey === null) return Effect.succeed({ id: named, apiKey, fields })
  return typeof apiKey === "string"
    ? Effect.succeed({ id: named, apiKey: Redacted.make(apiKey), fields })
    : refused("invalid", subject, named, [
        { path: "apiKey", message: "must be a key in printable ASCII without spaces" }
      ])
}

const over = (before: Fields | undefined, fields: Fields): Fields => {
  const laid = Preset.overlay(before ?? {}, fields)
  return typeof laid === "object" && laid !== null ? { ...laid } : {}
}
