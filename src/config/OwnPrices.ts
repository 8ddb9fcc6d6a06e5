import type { ModelPrices, PriceSettings } from "./Settings.js"

/** What an operator says that a model costs which an instance knows by one of these ids; `undefined`: nothing. */
export const ownPrices = (
  pricing: PriceSettings | undefined,
  models: ReadonlyArray<string>
): ModelPrices | undefined => {
  if (pricing === undefined) return undefined
  if (pricing.models !== undefined) {
    for (const model of models) {
      // Ids come from callers: `constructor` is no model.
      if (Object.hasOwn(pricing.models, model)) return pricing.models[model]
    }
  }
  return hasPrices(pricing) ? pricing : undefined
}

const hasPrices = (pricing: PriceSettings): pricing is PriceSettings & ModelPrices =>
  pricing.prompt !== undefined && pricing.completion !== undefined
