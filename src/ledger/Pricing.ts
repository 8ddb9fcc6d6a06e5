import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ownPrices } from "../config/OwnPrices.js"
import type { InstanceSettings, ModelPrices } from "../config/Settings.js"
import type { Money } from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import { tellsPrices } from "../provider/ModelFacts.js"
import * as PriceList from "../provider/PriceList.js"
import { vendors } from "../provider/Vendor.js"
import * as ListedRates from "./ListedRates.js"
import * as Rates from "./Rates.js"
import * as RowRates from "./RowRates.js"
import { Unpriced } from "./Unpriced.js"

/**
 * What tokens cost: as the operator's `pricing` says, or else nothing where models run on the operator's machine, or else as
 * the vendor's own list says that was synced, or else as `@pydantic/genai-prices` says as bundled. An unpriced model is
 * `undefined`, never zero.
 *
 * `models` are names of one model, the surest first: the id that was asked for and what the answer calls it, since an Azure
 * deployment's name says nothing. `at` is Unix time in ms.
 */
export class Pricing extends Context.Tag("orelse/Pricing")<
  Pricing,
  {
    /** The price of a usage at an instance. */
    readonly cost: (
      instance: InstanceSettings,
      models: ReadonlyArray<string>,
      usage: Usage,
      at: number
    ) => Money | undefined
    /** The same of a call that was made: a price that is not known is reported to `Unpriced`. */
    readonly charge: (
      instance: InstanceSettings,
      models: ReadonlyArray<string>,
      usage: Usage,
      at: number
    ) => Money | undefined
    /** The most that a call costs, whichever buckets its tokens are in. */
    readonly most: (
      instance: InstanceSettings,
      models: ReadonlyArray<string>,
      tokens: Rates.Most,
      at: number
    ) => Money | undefined
  }
>() {
  /** With the prices that the instances have listed. */
  static readonly layerListed = (listing: RowRates.Listing): Layer.Layer<Pricing | Unpriced> =>
    Layer.provideMerge(
      Layer.effect(
        Pricing,
        Effect.map(Unpriced, (unpriced) => make(listing, unpriced))
      ),
      Unpriced.layer
    )

  /** Without them. */
  static readonly layer: Layer.Layer<Pricing | Unpriced> = Pricing.layerListed(() => undefined)
}

const make = (listing: RowRates.Listing, unpriced: Unpriced["Type"]): Pricing["Type"] => {
  // An instance is another object after its settings changed.
  const instances = new WeakMap<InstanceSettings, Prices>()
  const sheetOf = (
    instance: InstanceSettings,
    models: ReadonlyArray<string>,
    at: number
  ): Rates.PriceSheet | undefined => {
    let prices = instances.get(instance)
    if (prices === undefined) {
      prices = new Prices(instance, listing)
      instances.set(instance, prices)
    }
    return prices.sheetOf(models, at)
  }
  const cost: Pricing["Type"]["cost"] = (instance, models, usage, at) => {
    const sheet = sheetOf(instance, models, at)
    return sheet && Rates.cost(sheet, usage)
  }
  return {
    cost,
    charge: (instance, models, usage, at) => {
      const charged = cost(instance, models, usage, at)
      if (charged === undefined) unpriced.met(instance, models[0] ?? "", at)
      return charged
    },
    most: (instance, models, tokens, at) => {
      const sheet = sheetOf(instance, models, at)
      return sheet && Rates.most(sheet, tokens)
    }
  }
}

/** What the models of one instance cost. */
class Prices {
  private readonly listed = new Map<string, ListedRates.Listed | undefined>()
  private readonly own = new Map<ModelPrices, Rates.PriceSheet>()
  private readonly rows: RowRates.Rows

  constructor(
    private readonly instance: InstanceSettings,
    listing: RowRates.Listing
  ) {
    this.rows = new RowRates.Rows(instance, listing)
  }

  sheetOf(models: ReadonlyArray<string>, at: number): Rates.PriceSheet | undefined {
    const { pricing, provider } = this.instance
    if (pricing !== undefined) {
      const own = ownPrices(pricing, models)
      if (own !== undefined) return this.ownSheet(own)
    }
    if (vendors[provider].free) return Rates.free
    for (const model of models) {
      const listed = this.listedAs(model, at)?.at(at)
      if (listed !== undefined) return tellsPrices(provider) ? this.rows.over(listed, models) : listed
    }
    return this.rows.of(models)
  }

  private ownSheet(prices: ModelPrices): Rates.PriceSheet {
    let sheet = this.own.get(prices)
    if (sheet === undefined) {
      sheet = Rates.ofPrices(prices)
      this.own.set(prices, sheet)
    }
    return sheet
  }

  private listedAs(model: string, at: number): ListedRates.Listed | undefined {
    let listed = this.listed.get(model)
    if (listed === undefined && !this.listed.has(model)) {
      listed = lookUp(this.instance, model, at)
      // Ids of models come from callers.
      if (this.listed.size >= mostRemembered) this.listed.clear()
      this.listed.set(model, listed)
    }
    return listed
  }
}

const lookUp = (instance: InstanceSettings, model: string, at: number): ListedRates.Listed | undefined => {
  const source = PriceList.sourceOf(instance)
  const found = source && PriceList.modelOf(source, vendors[instance.provider].modelName(model), at)
  return found && ListedRates.of(found)
}

const mostRemembered = 5_000
