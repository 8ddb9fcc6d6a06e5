import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { InstanceSettings } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import { inputTotal, outputTotal, type Usage } from "../domain/Usage.js"
import * as PriceList from "../provider/PriceList.js"
import { vendors } from "../provider/Vendor.js"

/** What tokens cost. An unpriced model is `undefined`, never zero. */
export class Pricing extends Context.Tag("orelse/Pricing")<
  Pricing,
  {
    /**
     * The price of a usage at an instance. `models` are names of one model, the surest first: the id that was asked for
     * and what the answer calls it, since an Azure deployment's name says nothing. `at` is Unix time in ms.
     */
    readonly cost: (
      instance: InstanceSettings,
      models: ReadonlyArray<string>,
      usage: Usage,
      at: number
    ) => Money.Money | undefined
  }
>() {
  /** Prices of `@pydantic/genai-prices` as bundled; an instance's own `pricing` goes before them; local models cost 0. */
  static readonly layer: Layer.Layer<Pricing> = Layer.sync(Pricing, () => make(() => undefined))

  /** The same, and what those lists do not have at the prices that the instances have listed. */
  static readonly layerListed = (listed: Listed): Layer.Layer<Pricing> => Layer.sync(Pricing, () => make(listed))
}

/** What an instance says that a model of its costs, by the id that it has there; `undefined`: nothing. */
export type Listed = (
  instance: InstanceSettings,
  model: string
) => { readonly promptPrice?: string | undefined; readonly completionPrice?: string | undefined } | undefined

const make = (listed: Listed): Pricing["Type"] => {
  const rates = new Map<string, Rates | "tiered" | undefined>()
  const catalogued = (source: PriceList.Source, model: string, usage: Usage, at: number): Money.Money | undefined => {
    const key = `${source.providerId ?? source.providerApiUrl}\n${model}`
    let known = rates.get(key)
    if (known === undefined && !rates.has(key)) {
      known = lookUp(source, model, at)
      // Model ids come from callers: bounded.
      if (rates.size < maxRemembered) rates.set(key, known)
    }
    if (known === undefined) return undefined
    return known === "tiered" ? exactly(source, model, usage, at) : byRates(known, usage)
  }
  return {
    cost: (instance, models, usage, at) => {
      if (instance.pricing !== undefined) {
        const { prompt, completion } = instance.pricing
        return byRates({ input: prompt, cacheRead: prompt, cacheWrite: prompt, output: completion }, usage)
      }
      const vendor = vendors[instance.provider]
      if (vendor.free) return Money.zero
      const source = PriceList.sourceOf(instance)
      for (const model of models) {
        const cost = source && catalogued(source, vendor.modelName(model), usage, at)
        if (cost !== undefined) return cost
      }
      const own = ratesOf(listed, instance, models)
      return own && byRates(own, usage)
    }
  }
}

const ratesOf = (listed: Listed, instance: InstanceSettings, models: ReadonlyArray<string>): Rates | undefined => {
  for (const model of models) {
    const { completionPrice, promptPrice } = listed(instance, model) ?? {}
    if (promptPrice === undefined || completionPrice === undefined) continue
    const input = Number(promptPrice)
    return { input, cacheRead: input, cacheWrite: input, output: Number(completionPrice) }
  }
  return undefined
}

/** USD per million tokens of each bucket. */
interface Rates {
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly output: number
}

const maxRemembered = 5_000

const byRates = (rates: Rates, usage: Usage): Money.Money =>
  Money.sum([
    Money.ofTokens(usage.input, rates.input),
    Money.ofTokens(usage.cacheRead, rates.cacheRead),
    Money.ofTokens(usage.cacheWrite, rates.cacheWrite),
    Money.ofTokens(outputTotal(usage), rates.output)
  ])

/** The flat prices of a model, or `tiered` where the catalogue must be asked with the very usage. */
const lookUp = (source: PriceList.Source, model: string, at: number): Rates | "tiered" | undefined => {
  const found = PriceList.find(source, model, { input_tokens: 1, output_tokens: 1 }, at)
  if (found === undefined) return undefined
  // Prices that change with the time of day are asked for each time, and so is what costs by the request, or more
  // or less for thinking.
  if (Array.isArray(found.model.prices)) return "tiered"
  if (special.some((name) => name in found.model_price)) return "tiered"
  const { input_mtok, output_mtok, cache_read_mtok = input_mtok, cache_write_mtok = input_mtok } = found.model_price
  if (typeof input_mtok !== "number" || typeof output_mtok !== "number") return "tiered"
  if (typeof cache_read_mtok !== "number" || typeof cache_write_mtok !== "number") return "tiered"
  return {
    input: input_mtok,
    output: output_mtok,
    cacheRead: cache_read_mtok,
    cacheWrite: cache_write_mtok
  }
}

const special = ["requests_kcount", "output_reasoning_mtok"]

const exactly = (source: PriceList.Source, model: string, usage: Usage, at: number): Money.Money | undefined => {
  const found = PriceList.find(
    source,
    model,
    {
      input_tokens: inputTotal(usage),
      cache_read_tokens: usage.cacheRead,
      cache_write_tokens: usage.cacheWrite,
      output_tokens: outputTotal(usage),
      ...(usage.reasoning === 0 ? {} : { output_reasoning_tokens: usage.reasoning })
    },
    at
  )
  return found === undefined ? undefined : Money.fromUsd(found.total_price)
}
