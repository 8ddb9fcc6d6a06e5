import type { InstanceSettings, ModelSettings } from "../config/Settings.js"
import * as PriceList from "../provider/PriceList.js"
import { vendors } from "../provider/Vendor.js"

/** Tokens that a model of an instance can hold, input and output together; `undefined`: nobody knows. */
export type ContextWindows = (instance: InstanceSettings, model: string) => number | undefined

/** As the operator's targets have them, or else the price catalogue. A lookup there takes a tenth of a ms and is remembered. */
export const make = (models: ReadonlyArray<ModelSettings>): ContextWindows => {
  const configured = new Map(
    models.flatMap(({ targets }) => targets).map((target) => [key(target.instance, target.model), target.contextWindow])
  )
  const remembered = new Map<string, number | undefined>()
  return (instance, model) => {
    const name = key(instance.id, model)
    const known = configured.get(name) ?? remembered.get(name)
    if (known !== undefined || remembered.has(name)) return known
    // Names of models come from callers: bounded.
    if (remembered.size >= maxRemembered) remembered.clear()
    const found = lookUp(instance, model)
    remembered.set(name, found)
    return found
  }
}

const key = (instance: string, model: string): string => `${instance}\n${model}`

const maxRemembered = 5_000

const lookUp = (instance: InstanceSettings, model: string): number | undefined => {
  const source = PriceList.sourceOf(instance)
  if (source === undefined) return undefined
  const name = vendors[instance.provider].modelName(model)
  // A window has no date; any will do.
  return PriceList.find(source, name, { input_tokens: 1, output_tokens: 1 }, 0)?.model.context_window
}
