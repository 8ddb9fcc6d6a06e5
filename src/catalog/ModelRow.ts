import { ownPrices } from "../config/OwnPrices.js"
import type { InstanceSettings } from "../config/Settings.js"
import * as Decimal from "../domain/Decimal.js"
import type { ListedModel } from "../provider/ModelFacts.js"
import * as PriceList from "../provider/PriceList.js"
import { vendors } from "../provider/Vendor.js"

/** A model as one instance has it. What nobody knows is `undefined`. */
export interface ModelRow {
  /** Its canonical name, the same at every provider. */
  readonly modelId: string
  readonly instance: string
  /** What the provider calls it. */
  readonly providerModelId: string
  /** USD per million tokens at the lowest tier, exact, as decimal text. */
  readonly promptPrice: string | undefined
  readonly completionPrice: string | undefined
  /** Tokens, input and output together. */
  readonly contextWindow: number | undefined
}

/**
 * The row of a listed model. Its price is the operator's, or none where models cost nothing, or else the vendor's, or else
 * that of the price list at a time (Unix ms); its window the vendor's, or else that of the price list.
 */
export const make = (instance: InstanceSettings, listed: ListedModel, modelId: string, at: number): ModelRow => {
  const said = ownPrice(instance, listed.id) ?? listedPrice(listed)
  const known = said === undefined || listed.contextWindow === undefined ? lookUp(instance, listed.id, at) : undefined
  return {
    modelId,
    instance: instance.id,
    providerModelId: listed.id,
    // Never one price from here and the other from there.
    promptPrice: said === undefined ? known?.promptPrice : said.promptPrice,
    completionPrice: said === undefined ? known?.completionPrice : said.completionPrice,
    contextWindow: listed.contextWindow ?? known?.contextWindow
  }
}

/** By canonical name, and of several ids for one the plainest first: an alias before what has a date or a path. */
export const inOrder = (rows: ReadonlyArray<ModelRow>): ReadonlyArray<ModelRow> =>
  rows.toSorted(
    (a, b) =>
      compare(a.modelId, b.modelId) ||
      a.providerModelId.length - b.providerModelId.length ||
      compare(a.providerModelId, b.providerModelId)
  )

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

type Prices = Pick<ModelRow, "promptPrice" | "completionPrice">

const ownPrice = ({ pricing, provider }: InstanceSettings, id: string): Prices | undefined => {
  const own = ownPrices(pricing, [id])
  if (own !== undefined) return { promptPrice: usd(own.prompt), completionPrice: usd(own.completion) }
  return vendors[provider].free ? { promptPrice: "0", completionPrice: "0" } : undefined
}

const listedPrice = ({ completionPrice, promptPrice }: ListedModel): Prices | undefined =>
  promptPrice === undefined && completionPrice === undefined ? undefined : { promptPrice, completionPrice }

/** A lookup takes a tenth of a ms. */
const lookUp = (
  instance: InstanceSettings,
  id: string,
  at: number
): Pick<ModelRow, "promptPrice" | "completionPrice" | "contextWindow"> | undefined => {
  const source = PriceList.sourceOf(instance)
  const found =
    source &&
    PriceList.find(source, vendors[instance.provider].modelName(id), { input_tokens: 1, output_tokens: 1 }, at)
  if (found === undefined) return undefined
  const { input_mtok, output_mtok } = found.model_price
  return {
    promptPrice: usd(typeof input_mtok === "object" ? input_mtok.base : input_mtok),
    completionPrice: usd(typeof output_mtok === "object" ? output_mtok.base : output_mtok),
    contextWindow: found.model.context_window
  }
}

/** The shortest text of a number is what was written. */
const usd = (amount: number | string | undefined): string | undefined =>
  amount === undefined ? undefined : Decimal.shifted(amount, 0)
