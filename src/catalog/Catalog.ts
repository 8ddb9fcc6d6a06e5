import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  CurrentSettings,
  type InstanceSettings,
  type ModelSettings,
  type RoutingSettings,
  type Settings
} from "../config/Settings.js"
import type { MidStream } from "../domain/MidStream.js"
import { TokenSampler } from "../protocol/TokenSampler.js"
import * as ContextWindows from "./ContextWindows.js"
import * as ModelName from "./ModelName.js"
import type { Target } from "./Target.js"

/** Everything that is known about instances and models, immutable and swapped whole. */
export interface Snapshot {
  readonly settings: Settings
  /** Enabled ones, lowest priority number first. */
  readonly instances: ReadonlyArray<InstanceSettings>
  /** Every enabled candidate for a model name, in order of preference; empty when nobody serves it. */
  readonly resolve: (model: string) => ReadonlyArray<Target>
  /** What becomes of its broken streams, where the request does not say. */
  readonly midStream: (model: string) => MidStream
  /** The instance of this id, or the first one of this vendor. */
  readonly find: (instanceOrVendor: string) => InstanceSettings | undefined
  /** Tokens that a model of an instance can hold, as far as anybody knows. */
  readonly contextWindow: ContextWindows.ContextWindows
  /** Counts tokens where a plan is made. */
  readonly sampler: TokenSampler
  /** Names that a caller may use, as far as they are known from the configuration. */
  readonly modelNames: ReadonlyArray<string>
}

/** Canonical model -> instances and the provider's own ids. */
export class Catalog extends Context.Tag("orelse/Catalog")<
  Catalog,
  {
    readonly snapshot: () => Snapshot
    /** Lays changes over the routing; requests under way keep the plan that they have. */
    readonly setRouting: (changes: Partial<RoutingSettings>) => Snapshot
  }
>() {
  static readonly layer: Layer.Layer<Catalog, never, CurrentSettings> = Layer.effect(
    Catalog,
    Effect.map(CurrentSettings, (settings) => {
      let snapshot = makeSnapshot(settings)
      return {
        snapshot: () => snapshot,
        setRouting: (changes) => {
          const { settings: before } = snapshot
          snapshot = { ...snapshot, settings: { ...before, routing: { ...before.routing, ...changes } } }
          return snapshot
        }
      }
    })
  )
}

/** The snapshot of settings alone. Lookups are remembered, so that a known model costs one map read. */
export const makeSnapshot = (settings: Settings): Snapshot => {
  const instances = settings.instances
    .filter((instance) => instance.enabled)
    .toSorted((a, b) => a.priority - b.priority)
  const byId = new Map(instances.map((instance) => [instance.id, instance]))
  const configured = new Map<string, ModelSettings>()
  for (const model of settings.models) {
    for (const name of [model.id, ...model.aliases]) configured.set(name, model)
  }

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
              contextWindow: target.contextWindow
            }
          ]
    })

  const contextWindow = ContextWindows.make(settings.models)
  const known = (target: Target): Target => ({
    ...target,
    contextWindow: target.contextWindow ?? contextWindow(target.instance, target.model)
  })

  const resolve = (name: string): ReadonlyArray<Target> => {
    const model = configured.get(name)
    const targets =
      model === undefined ? ModelName.targets(name, instances, find, settings.replacements) : ofModel(model)
    return targets.map(known)
  }

  const remembered = new Map<string, ReadonlyArray<Target>>()
  return {
    settings,
    instances,
    find,
    contextWindow,
    sampler: new TokenSampler(),
    midStream: (name) => configured.get(name)?.midStream ?? settings.routing.midStream,
    resolve: (name) => {
      const made = remembered.get(name)
      if (made !== undefined) return made
      const targets = resolve(name)
      // Names come from callers: bounded, so that a flood of made-up ones cannot fill the memory.
      if (targets.length > 0 && remembered.size < maxRemembered) remembered.set(name, targets)
      return targets
    },
    modelNames: modelNames(settings, instances)
  }
}

const maxRemembered = 10_000

const modelNames = (settings: Settings, instances: ReadonlyArray<InstanceSettings>): ReadonlyArray<string> => {
  const names = new Set<string>()
  for (const model of settings.models) {
    names.add(model.id)
    for (const alias of model.aliases) names.add(alias)
  }
  for (const instance of instances) {
    for (const model of instance.models ?? ModelName.knownModels(instance, settings.replacements)) names.add(model)
  }
  return [...names]
}
