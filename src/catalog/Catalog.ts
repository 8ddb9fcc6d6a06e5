import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import { LiveSettings } from "../config/LiveSettings.js"
import * as Overlay from "../config/Overlay.js"
import { same } from "../config/Same.js"
import { CurrentSettings, type InstanceSettings, type ModelSettings, type Settings } from "../config/Settings.js"
import type { MidStream } from "../domain/MidStream.js"
import { TokenSampler } from "../protocol/TokenSampler.js"
import * as ContextWindows from "./ContextWindows.js"
import * as ModelName from "./ModelName.js"
import * as Rows from "./Rows.js"
import type { Target } from "./Target.js"

/** Everything that is known about instances and models, immutable and swapped whole. */
export interface Snapshot {
  readonly settings: Settings
  /** Enabled ones, lowest priority number first. */
  readonly instances: ReadonlyArray<InstanceSettings>
  /** Every enabled candidate for a model name, in order of preference; empty when nobody serves it. */
  readonly resolve: (model: string) => ReadonlyArray<Target>
  /** The canonical name of a model: what an alias stands for, or else the name itself. */
  readonly nameOf: (model: string) => string
  /** Whose model it is, for a list: the first who serves it, or of a long list the first who has listed it. */
  readonly ownerOf: (model: string) => InstanceSettings | undefined
  /** Has the operator taken this name out of service? */
  readonly isOff: (model: string) => boolean
  /** What becomes of its broken streams, where the request does not say. */
  readonly midStream: (model: string) => MidStream
  /** The instance of this id, or the first one of this vendor. */
  readonly find: (instanceOrVendor: string) => InstanceSettings | undefined
  /** Tokens that a model of an instance can hold, as far as anybody knows. */
  readonly contextWindow: ContextWindows.ContextWindows
  /** Counts tokens where a plan is made. */
  readonly sampler: TokenSampler
  /** The instances' own lists. */
  readonly rows: Rows.Rows
  /** Names that a caller may use, as far as they are known from the configuration and from the instances' own lists. */
  readonly modelNames: ReadonlyArray<string>
}

/**
 * Canonical model -> instances and the provider's own ids. What was configured, what was changed over the admin API and what
 * the instances have listed make one snapshot; requests under way keep the one that they have.
 */
export class Catalog extends Context.Tag("orelse/Catalog")<
  Catalog,
  {
    readonly snapshot: () => Snapshot
    /** What was configured, without anything on top. */
    readonly configured: () => Settings
    /** What was changed, and lies on top. */
    readonly overlay: () => Overlay.Overlay
    /** Takes a new configuration, and tells what of the overlay does not fit it. */
    readonly setSettings: (settings: Settings) => ReadonlyArray<Overlay.Unfit>
    /** Takes other changes, and tells which of them do not fit. */
    readonly setOverlay: (overlay: Overlay.Overlay) => ReadonlyArray<Overlay.Unfit>
    /** Takes other lists of the instances. */
    readonly setRows: (rows: ReadonlyArray<Rows.CatalogRow>) => Effect.Effect<void>
    /** Lays changes over the routing. */
    readonly setRouting: (changes: Overlay.Overlay["routing"]) => Snapshot
    /** Every new snapshot. */
    readonly changes: PubSub.PubSub<Snapshot>
  }
>() {
  static readonly layer: Layer.Layer<Catalog | LiveSettings, never, CurrentSettings> = Layer.effectContext(
    Effect.gen(function* () {
      const changes = yield* PubSub.sliding<Snapshot>(16)
      const sampler = new TokenSampler()
      let configured = yield* CurrentSettings
      let overlay = Overlay.none
      let rows = Rows.none
      let snapshot = makeSnapshot(configured, rows, sampler)

      const swap = (): ReadonlyArray<Overlay.Unfit> => {
        const { settings, unfit } = Overlay.lay(configured, overlay)
        snapshot = makeSnapshot(keeping(snapshot.settings, settings), rows, sampler)
        Effect.runSync(PubSub.publish(changes, snapshot))
        return unfit
      }
      const setOverlay = (changed: Overlay.Overlay): ReadonlyArray<Overlay.Unfit> => {
        overlay = changed
        return swap()
      }
      return Context.make(Catalog, {
        snapshot: () => snapshot,
        configured: () => configured,
        overlay: () => overlay,
        setSettings: (settings) => {
          configured = settings
          return swap()
        },
        setOverlay,
        setRows: (listed) =>
          Effect.map(Rows.index(listed), (indexed) => {
            rows = indexed
            swap()
          }),
        setRouting: (routing) => {
          setOverlay({ ...overlay, routing: { ...overlay.routing, ...routing } })
          return snapshot
        },
        changes
      }).pipe(Context.add(LiveSettings, { current: () => snapshot.settings, subscribe: PubSub.subscribe(changes) }))
    })
  )
}

/** An instance that says the same is the same object: what is known of its health and its limits is known by it. */
const keeping = (before: Settings, after: Settings): Settings => {
  const known = new Map(before.instances.map((instance) => [instance.id, instance]))
  return {
    ...after,
    instances: after.instances.map((instance) => {
      const old = known.get(instance.id)
      return old !== undefined && same(old, instance) ? old : instance
    })
  }
}

/** The snapshot of settings and lists. Lookups are remembered, so that a known model costs one map read. */
export const makeSnapshot = (
  settings: Settings,
  rows: Rows.Rows = Rows.none,
  sampler: TokenSampler = new TokenSampler()
): Snapshot => {
  const instances = settings.instances
    .filter((instance) => instance.enabled)
    .toSorted((a, b) => a.priority - b.priority)
  const byId = new Map(instances.map((instance) => [instance.id, instance]))
  const ranks = new Map(instances.map(({ id }, rank) => [id, rank]))
  const configured = new Map<string, ModelSettings>()
  for (const model of settings.models) {
    for (const name of [model.id, ...model.aliases]) configured.set(name, model)
  }
  const isOff = (name: string): boolean => configured.get(name)?.enabled === false

  const find = (name: string): InstanceSettings | undefined =>
    byId.get(name) ?? instances.find((instance) => instance.provider === name)

  const ofModel = (model: ModelSettings): ReadonlyArray<Target> =>
    model.targets.flatMap((target) => {
      const instance = byId.get(target.instance)
      return instance === undefined
        ? []
        : [
            {
              instance,
              model: target.model,
              catch: target.catch,
              // What it catches depends on who stands before it.
              peer: target.catch === undefined,
              placed: true,
              contextWindow: target.contextWindow
            }
          ]
    })

  const contextWindow = ContextWindows.make(settings.models, rows)
  const known = (target: Target): Target => ({
    ...target,
    contextWindow: target.contextWindow ?? contextWindow(target.instance, target.model)
  })

  const targetsOf = (name: string): ReadonlyArray<Target> => {
    const model = configured.get(name)
    if (model === undefined) return ModelName.targets(name, instances, find, settings.replacements, rows)
    return model.enabled === false ? [] : ofModel(model)
  }

  const remembered = new Map<string, ReadonlyArray<Target>>()
  const owners = new Map<string, number>()
  let names: ReadonlyArray<string> | undefined
  return {
    settings,
    instances,
    find,
    contextWindow,
    sampler,
    rows,
    isOff,
    nameOf: (name) => configured.get(name)?.id ?? name,
    midStream: (name) => configured.get(name)?.midStream ?? settings.routing.midStream,
    resolve: (name) => {
      const made = remembered.get(name)
      if (made !== undefined) return made
      const targets = targetsOf(name).map(known)
      // Names come from callers: bounded, so that a flood of made-up ones cannot fill the memory.
      if (targets.length > 0 && remembered.size < maxRemembered) remembered.set(name, targets)
      return targets
    },
    ownerOf: (name) => {
      if (configured.has(name) || !rows.models.has(name)) return targetsOf(name)[0]?.instance
      const rank = owners.get(name) ?? firstListed(name, ranks, rows)
      if (rank === undefined) return undefined
      owners.set(name, rank)
      return instances[rank]
    },
    get modelNames() {
      return (names ??= modelNames(settings, instances, rows).filter((name) => !isOff(name)))
    }
  }
}

const maxRemembered = 10_000

const modelNames = (
  settings: Settings,
  instances: ReadonlyArray<InstanceSettings>,
  rows: Rows.Rows
): ReadonlyArray<string> => {
  const names = new Set<string>()
  for (const model of settings.models) {
    names.add(model.id)
    for (const alias of model.aliases) names.add(alias)
  }
  for (const instance of instances) {
    for (const model of instance.models ?? ModelName.knownModels(instance, settings.replacements)) names.add(model)
  }
  const byId = new Map(instances.map((instance) => [instance.id, instance]))
  for (const model of rows.models) {
    const isServed = rows.all(model).some(({ active, instance, providerModelId }) => {
      const lists = active ? byId.get(instance) : undefined
      return lists !== undefined && ModelName.offers(lists, providerModelId)
    })
    if (isServed) names.add(model)
  }
  return [...names]
}

/** The first of these instances who has listed a model. */
const firstListed = (name: string, ranks: ReadonlyMap<string, number>, rows: Rows.Rows): number | undefined => {
  let first: number | undefined
  for (const { active, instance } of rows.all(name)) {
    const rank = active ? ranks.get(instance) : undefined
    if (rank !== undefined && (first === undefined || rank < first)) first = rank
  }
  return first
}
