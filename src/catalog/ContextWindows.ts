import type { InstanceSettings, ModelSettings } from "../config/Settings.js"
import * as PriceList from "../provider/PriceList.js"
import { vendors } from "../provider/Vendor.js"
import * as Rows from "./Rows.js"

/** Tokens that a model of an instance can hold, input and output together; `undefined`: nobody knows. */
export type ContextWindows = (instance: InstanceSettings, model: string) => number | undefined

/**
 * As the operator's targets have them, or else the instance's own list, or else the price catalogue. A lookup there takes a
 * tenth of a ms and is remembered for all instances that share a price list.
 */
export const make = (models: ReadonlyArray<ModelSettings>, rows: Rows.Rows = Rows.none): ContextWindows => {
  const configured = new Map(
    models.flatMap(({ targets }) => targets).map((target) => [key(target.instance, target.model), target.contextWindow])
  )
  const remembered = new Map<string, number | undefined>()
  const catalogued = (source: PriceList.Source, name: string): number | undefined => {
    const asked = key(source.providerId ?? String(source.providerApiUrl), name)
    const known = remembered.get(asked)
    if (known !== undefined || remembered.has(asked)) return known
    // Names of models come from callers: bounded.
    if (remembered.size >= maxRemembered) remembered.clear()
    // A window has no date; any will do.
    const found = PriceList.find(source, name, { input_tokens: 1, output_tokens: 1 }, 0)?.model.context_window
    remembered.set(asked, found)
    return found
  }
  return (instance, model) => {
    const known = configured.get(key(instance.id, model)) ?? rows.own(instance.id, model)?.contextWindow
    if (known !== undefined) return known
    const source = PriceList.sourceOf(instance)
    return source === undefined ? undefined : catalogued(source, vendors[instance.provider].modelName(model))
  }
}

const key = (instance: string, model: string): string => `${instance}\n${model}`

const maxRemembered = 5_000
