import type { InstanceSettings } from "../config/Settings.js"
import * as Rates from "./Rates.js"

/** What an instance says that a model of its costs, by the id that it has there; `undefined`: nothing. */
export type Listing = (instance: InstanceSettings, model: string) => Row | undefined

/** USD per million tokens, as decimal text. */
interface Row {
  readonly promptPrice?: string | undefined
  readonly completionPrice?: string | undefined
}

interface Pair {
  readonly input: bigint
  readonly output: bigint
}

/** The prices that one instance has listed itself. Its list has two for each model, and nothing of tiers or caches. */
export class Rows {
  /** By the row, which is another object after the next sync. */
  private readonly sheets = new WeakMap<Row, Rates.PriceSheet>()
  private readonly merged = new WeakMap<Row, { readonly list: Rates.PriceSheet; readonly sheet: Rates.PriceSheet }>()

  constructor(
    private readonly instance: InstanceSettings,
    private readonly listing: Listing
  ) {}

  /** Of the first of these names that is listed with both prices. */
  of(models: ReadonlyArray<string>): Rates.PriceSheet | undefined {
    const row = this.rowOf(models)
    if (row === undefined) return undefined
    let sheet = this.sheets.get(row)
    if (sheet === undefined) {
      sheet = { base: Rates.completed(pairOf(row)), tiers: [], request: 0n }
      this.sheets.set(row, sheet)
    }
    return sheet
  }

  /** A price list's sheet, with the vendor's own word for its two prices. */
  over(list: Rates.PriceSheet, models: ReadonlyArray<string>): Rates.PriceSheet {
    const row = this.rowOf(models)
    if (row === undefined) return list
    const known = this.merged.get(row)
    if (known?.list === list) return known.sheet
    const sheet = inProportion(list, pairOf(row))
    this.merged.set(row, { list, sheet })
    return sheet
  }

  private rowOf(models: ReadonlyArray<string>): Row | undefined {
    for (const model of models) {
      const row = this.listing(this.instance, model)
      if (row?.promptPrice !== undefined && row.completionPrice !== undefined) return row
    }
    return undefined
  }
}

const pairOf = ({ completionPrice = "0", promptPrice = "0" }: Row): Pair => ({
  input: Rates.perMillion(promptPrice),
  output: Rates.perMillion(completionPrice)
})

/** What the vendor does not say keeps its proportion to what it says: its tiers and caches stay so many times as dear. */
const inProportion = (list: Rates.PriceSheet, { input, output }: Pair): Rates.PriceSheet => {
  const { base } = list
  if (base.input === input && base.output === output) return list
  // Nothing is in proportion to zero.
  if (base.input === 0n || base.output === 0n)
    return { base: Rates.completed({ input, output }), tiers: [], request: list.request }
  const read = (rate: bigint): bigint => (rate * input) / base.input
  const said = (rate: bigint): bigint => (rate * output) / base.output
  const scaled = (rates: Rates.Rates): Rates.Rates => ({
    input: read(rates.input),
    cacheRead: read(rates.cacheRead),
    cacheWrite: read(rates.cacheWrite),
    cacheWrite1h: read(rates.cacheWrite1h),
    inputAudio: read(rates.inputAudio),
    cacheReadAudio: read(rates.cacheReadAudio),
    output: said(rates.output),
    reasoning: said(rates.reasoning),
    outputAudio: said(rates.outputAudio)
  })
  return {
    base: scaled(base),
    tiers: list.tiers.map(({ above, rates }) => ({ above, rates: scaled(rates) })),
    request: list.request
  }
}
