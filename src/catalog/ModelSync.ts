import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { InstanceSettings } from "../config/Settings.js"
import { maxModels } from "../provider/ListCall.js"
import type { ListedModel } from "../provider/ModelFacts.js"
import * as ModelList from "../provider/ModelList.js"
import { Providers } from "../provider/Providers.js"
import * as Timers from "../provider/Timers.js"
import * as CanonicalName from "./CanonicalName.js"
import { Catalog } from "./Catalog.js"
import { CatalogRows, type Changes } from "./CatalogRows.js"
import * as ModelRow from "./ModelRow.js"

/** What a sync did for one instance. Where it failed or was skipped, what was known before stays. */
export interface SyncResult extends Changes {
  readonly instance: string
  /** Its vendor. */
  readonly provider: string
  /** Rows that it has now, as far as this sync knows. */
  readonly models: number
  /** Models of the list that make pictures or sound, or something else that is not text: they get no row. */
  readonly leftOut: number
  readonly ms: number
  /** A safe sentence. */
  readonly failed: string | undefined
  /** Why nobody asked; a safe sentence. */
  readonly skipped: string | undefined
  /** What is to be known of a sync that did not fail; a safe sentence. */
  readonly note: string | undefined
  /** How each id got its canonical name; empty unless it was asked for. */
  readonly names: ReadonlyArray<SyncedName>
}

export interface SyncedName {
  readonly providerModelId: string
  readonly modelId: string
  /** A line for people. */
  readonly explanation: string
}

/** What is to be synced, and who hears of it. */
export interface SyncOptions {
  /** Ids of instances or slugs of vendors; `undefined`: every enabled instance. */
  readonly instances?: ReadonlyArray<string> | undefined
  /** Whether the results say how each id got its name. */
  readonly explain?: boolean
  /** Hears of each instance as soon as it is done. */
  readonly onResult?: (result: SyncResult) => Effect.Effect<void>
}

/** Somebody is to be synced who is not there. `message` says who is. */
export class NoSuchInstance extends Schema.TaggedError<NoSuchInstance>()("NoSuchInstance", {
  message: Schema.String
}) {}

/** Asks the instances for their models, and keeps what they say in the catalogue. */
export class ModelSync extends Context.Tag("orelse/ModelSync")<
  ModelSync,
  {
    /** The results in the order of the instances. One that fails takes nobody with it. */
    readonly sync: (options?: SyncOptions) => Effect.Effect<ReadonlyArray<SyncResult>, NoSuchInstance>
  }
>() {
  static readonly layer: Layer.Layer<ModelSync, never, Catalog | CatalogRows | Providers> = Layer.effect(
    ModelSync,
    Effect.gen(function* () {
      const catalog = yield* Catalog
      const kept = yield* CatalogRows
      const providers = yield* Providers

      const one = (instance: InstanceSettings, explain: boolean): Effect.Effect<SyncResult> =>
        Effect.gen(function* () {
          const timers = Timers.ofClock(yield* Effect.clock)
          const startedAt = timers.now()
          const done = (outcome: Partial<SyncResult>): SyncResult => ({
            ...nothing,
            instance: instance.id,
            provider: instance.provider,
            ms: Math.round(timers.now() - startedAt),
            ...outcome
          })
          const { listCatalogue } = providers.of(instance)
          if (listCatalogue === undefined) {
            return done({ skipped: ModelList.unusable(instance.provider) ?? "its vendor lists no models" })
          }
          return yield* Effect.gen(function* () {
            const listed = yield* listCatalogue
            const wanted = listed.filter(isWanted)
            const before = wanted.length === 0 ? yield* kept.count(instance) : 0
            if (before > 0) {
              return done({ models: before, failed: `it lists no models any more; the ${before} known before stay` })
            }
            const named = yield* rowsOf(instance, wanted, startedAt)
            const rows = ModelRow.inOrder(named.map(({ row }) => row))
            const changes = yield* kept.replace(instance, rows)
            return done({
              ...changes,
              models: rows.length,
              leftOut: listed.length - wanted.length,
              note: listed.length < maxModels ? undefined : `of its list the first ${maxModels} models were taken`,
              names: explain ? named.map(({ name }) => name) : []
            })
          }).pipe(Effect.catchAll(({ message }) => Effect.succeed(done({ failed: message }))))
        })

      return {
        sync: ({ explain = false, instances, onResult } = {}) =>
          Effect.flatMap(chosen(catalog.snapshot().instances, instances), (found) =>
            Effect.forEach(
              found,
              (instance) => Effect.tap(one(instance, explain), (result) => onResult?.(result) ?? Effect.void),
              { concurrency: atATime }
            )
          )
      }
    })
  )
}

/** How many instances are asked at a time. */
const atATime = 4

const nothing = {
  models: 0,
  leftOut: 0,
  added: 0,
  updated: 0,
  removed: 0,
  failed: undefined,
  skipped: undefined,
  note: undefined,
  names: []
}

const isCalled = (name: string) => (instance: InstanceSettings) => instance.id === name || instance.provider === name

const chosen = (
  instances: ReadonlyArray<InstanceSettings>,
  names: ReadonlyArray<string> | undefined
): Effect.Effect<ReadonlyArray<InstanceSettings>, NoSuchInstance> => {
  if (names === undefined) return Effect.succeed(instances)
  const unknown = names.find((name) => !instances.some(isCalled(name)))
  if (unknown === undefined)
    return Effect.succeed(instances.filter((each) => names.some((name) => isCalled(name)(each))))
  const there = instances.map(({ id, provider }) => (id === provider ? id : `${id} (${provider})`)).join(", ")
  return new NoSuchInstance({
    message: `no enabled instance or vendor is called '${unknown}'; there ${there === "" ? "is none" : `are: ${there}`}`
  })
}

/** The gateway answers with text and with vectors. Who does not say what a model is for is believed to mean text. */
const isWanted = ({ kind }: ListedModel): boolean => kind === undefined || kind === "chat" || kind === "embedding"

interface Named {
  readonly row: ModelRow.ModelRow
  readonly name: SyncedName
}

const rowsOf = (
  instance: InstanceSettings,
  listed: ReadonlyArray<ListedModel>,
  at: number
): Effect.Effect<ReadonlyArray<Named>> =>
  Effect.gen(function* () {
    const made: Array<Named> = []
    for (const model of listed) {
      if (made.length % atOnce === 0) yield* breath
      const found = CanonicalName.of(instance.provider, model.id, model)
      const { modelId } = found
      made.push({
        row: ModelRow.make(instance, model, modelId, at),
        name: { providerModelId: model.id, modelId, explanation: CanonicalName.explain(model.id, found) }
      })
    }
    return made
  })

/** Lookups without a pause, so that requests that run meanwhile wait for less than 2 ms. */
const atOnce = 16

/** Lets the event loop do what is due. */
const breath = Effect.async<void>((resume) => {
  const due = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(due))
})
