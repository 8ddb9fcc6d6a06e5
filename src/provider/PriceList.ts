import { calcPrice, type ModelInfo, type PriceOptions } from "@pydantic/genai-prices"
import type { InstanceSettings } from "../config/Settings.js"
import { vendors } from "./Vendor.js"

/** Whose price list counts: a vendor's by name, or whoever's endpoint it is. */
export type Source = Pick<PriceOptions, "providerId" | "providerApiUrl">

/** The price list of an instance in `@pydantic/genai-prices` as bundled; `undefined`: there is none. */
export const sourceOf = (instance: InstanceSettings): Source | undefined => {
  const { priceId } = vendors[instance.provider]
  if (priceId !== undefined) return { providerId: priceId }
  return instance.baseUrl === undefined ? undefined : { providerApiUrl: instance.baseUrl }
}

/** What the list says of a model, with every price that it has at whatever time; `undefined`: nothing. Takes a tenth of a ms. */
export const modelOf = (source: Source, model: string, at: number): ModelInfo | undefined =>
  find(source, model, {}, at)?.model

/** What is known of a model, and the price of this usage of it at a time (Unix ms); `undefined`: unknown. */
export const find = (
  source: Source,
  model: string,
  usage: Readonly<Record<string, number>>,
  at: number
): Exclude<ReturnType<typeof calcPrice>, null> | undefined => {
  try {
    return calcPrice(usage, model, { ...source, timestamp: new Date(at) }) ?? undefined
  } catch {
    // It throws for a usage that its units cannot price; that is unknown as well.
    return undefined
  }
}
