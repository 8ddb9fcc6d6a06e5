import * as Either from "effect/Either"
import { makeSnapshot, type Snapshot } from "../catalog/Catalog.js"
import * as Rows from "../catalog/Rows.js"
import type { InstanceSettings } from "../config/Settings.js"
import * as Explain from "./Explain.js"

/** One who serves a model. */
export interface ModelProvider extends Explain.Facts {
  /** Its place in the plan of a request, 1 first; null: it is not asked now. */
  readonly priority: number | null
  /** In service: it is enabled, and so is the model there. That it is well is another matter. */
  readonly active: boolean
  /** Why it is not asked now, in a sentence; null: it is. */
  readonly left_out: string | null
}

/**
 * Who serves a model: those that a request would be sent to now, in the order in which it would, then those that its plan leaves
 * out. With `activeOnly: false` also those that are out of service, the last.
 */
export const providersFor = (
  model: string,
  { activeOnly }: { readonly activeOnly: boolean },
  known: Explain.Knowledge
): ReadonlyArray<ModelProvider> => {
  const found = new Map<string, ModelProvider>()
  const add = (
    instance: InstanceSettings | undefined,
    id: string,
    rest: Pick<ModelProvider, "active" | "left_out" | "priority">
  ): void => {
    const name = `${instance?.id}\n${id}`
    if (instance === undefined || found.has(name)) return
    found.set(name, { ...rest, ...Explain.factsOf(instance, id, known) })
  }
  const { snapshot } = known
  const plan = Explain.planOf(model, known)
  if (Either.isRight(plan)) {
    for (const [at, { instance, model: id }] of plan.right.candidates.entries()) {
      add(instance, id, { priority: at + 1, active: true, left_out: null })
    }
    for (const { detail, instance, model: id } of plan.right.excluded) {
      const owner = snapshot.instances.find((each) => each.id === instance)
      add(owner, id, { priority: null, active: true, left_out: detail })
    }
  }
  for (const { instance, model: id } of snapshot.resolve(model)) {
    add(instance, id, { priority: null, active: true, left_out: "it cannot answer a chat" })
  }
  if (!activeOnly) {
    for (const { instance, model: id } of everybody(snapshot).resolve(model)) {
      const configured = snapshot.settings.instances.find((each) => each.id === instance.id)
      const why =
        configured?.enabled === false ? `${instance.id} is out of service` : "the model is out of service there"
      add(configured, id, { priority: null, active: false, left_out: why })
    }
  }
  return [...found.values()]
}

/** What a provider, an instance or a vendor, calls a model; `undefined`: it does not have it. In service or not. */
export const providerModelId = (model: string, provider: string, known: Explain.Knowledge): string | undefined =>
  of(provider, providersFor(model, { activeOnly: false }, known))[0]?.provider_model_id

/** Does a provider, an instance or a vendor, have this model in service? That it is well is another matter. */
export const isAvailable = (model: string, provider: string, known: Explain.Knowledge): boolean =>
  of(provider, providersFor(model, { activeOnly: true }, known)).length > 0

/** Those of one provider: of the instance of this name, or else of this vendor's. */
export const of = (provider: string, rows: ReadonlyArray<ModelProvider>): ReadonlyArray<ModelProvider> => {
  const own = rows.filter(({ instance }) => instance === provider)
  return own.length > 0 ? own : rows.filter((row) => row.provider === provider)
}

/** As if nobody and nothing were out of service. */
const everybody = ({ rows, settings }: Snapshot): Snapshot =>
  makeSnapshot(
    {
      ...settings,
      instances: settings.instances.map((instance) => ({ ...instance, enabled: true })),
      models: settings.models.flatMap(({ enabled, ...model }) =>
        // One that is only taken out of service has no targets of its own.
        enabled === false && model.targets.length === 0 ? [] : [model]
      )
    },
    Rows.inService(rows)
  )
