import type { InstanceSettings } from "../config/Settings.js"
import * as PriceList from "../provider/PriceList.js"
import { vendors } from "../provider/Vendor.js"

/** Tokens that a model of an instance can hold, input and output together; `undefined`: nobody knows. */
export type ContextWindows = (instance: InstanceSettings, model: string) => number | undefined

/** As the price catalogue knows them. A lookup takes a tenth of a millisecond and is remembered. */
export const make = (): ContextWindows => {
  const remembered = new Map<string, number | undefined>()
  return (instance, model) => {
    const key = `${instance.id}\n${model}`
    const known = remembered.get(key)
    if (known !== undefined || remembered.has(key)) return known
    // Names of models come from callers: bounded.
    if (remembered.size >= maxRemembered) remembered.clear()
    const found = lookUp(instance, model)
    remembered.set(key, found)
    return found
  }
}

const maxRemembered = 5_000

const lookUp = (instance: InstanceSettings, model: string): number | undefined => {
  const source = PriceList.sourceOf(instance)
  if (source === undefined) return undefined
  const name = vendors[instance.provider].modelName(model)
  // A window has no date; any will do.
  return PriceList.find(source, name, { input_tokens: 1, output_tokens: 1 }, 0)?.model.context_window
}
