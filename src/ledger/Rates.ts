import type { ModelPrices, TokenPrices } from "../config/Settings.js"
import * as Decimal from "../domain/Decimal.js"
import * as Money from "../domain/Money.js"
import { inputTotal, type Usage } from "../domain/Usage.js"

/**
 * What a token of each bucket costs, in yocto-dollars (1e-24 USD): so small that every price which anybody lists is a whole
 * number, and rounding is only for the sum.
 */
export type Rates = Readonly<Record<keyof Usage, bigint>>

/** What a model costs at a time. */
export interface PriceSheet {
  readonly base: Rates
  /** By `above`, the lowest first. The whole of a request is at the rates of the last tier that its input goes above. */
  readonly tiers: ReadonlyArray<Tier>
  /** In yocto-dollars, besides the tokens. */
  readonly request: bigint
}

export interface Tier {
  /** Tokens of input, cached or not. */
  readonly above: number
  readonly rates: Rates
}

/** What a usage costs, rounded once, to a pico-dollar. */
export const cost = (sheet: PriceSheet, usage: Usage): Money.Money => {
  const rates = sheet.tiers.length === 0 ? sheet.base : ratesOf(sheet, inputTotal(usage))
  let sum = sheet.request
  if (usage.input > 0) sum += BigInt(usage.input) * rates.input
  if (usage.cacheRead > 0) sum += BigInt(usage.cacheRead) * rates.cacheRead
  if (usage.cacheWrite > 0) sum += BigInt(usage.cacheWrite) * rates.cacheWrite
  if (usage.output > 0) sum += BigInt(usage.output) * rates.output
  if (usage.reasoning > 0) sum += BigInt(usage.reasoning) * rates.reasoning
  if (usage.cacheWrite1h) sum += BigInt(usage.cacheWrite1h) * rates.cacheWrite1h
  if (usage.inputAudio) sum += BigInt(usage.inputAudio) * rates.inputAudio
  if (usage.cacheReadAudio) sum += BigInt(usage.cacheReadAudio) * rates.cacheReadAudio
  if (usage.outputAudio) sum += BigInt(usage.outputAudio) * rates.outputAudio
  return rounded(sum)
}

/** What one call can have at most. */
export interface Most {
  /** Tokens. */
  readonly input: number
  readonly output: number
  /** Some of the input may be sound. */
  readonly audio: boolean
  /** Some of it may be written to a cache for an hour. */
  readonly hour: boolean
}

/** The most that such a call costs, whichever buckets its tokens are in. */
export const most = (sheet: PriceSheet, { audio, hour, input, output }: Most): Money.Money => {
  let dearest = 0n
  for (let place = -1; place < sheet.tiers.length; place++) {
    const tier = sheet.tiers[place]
    if (tier !== undefined && input <= tier.above) break
    const rates = tier?.rates ?? sheet.base
    // No more input than this is at these rates.
    const tokens = Math.min(input, sheet.tiers[place + 1]?.above ?? input)
    const read = [rates.input, rates.cacheRead, rates.cacheWrite]
    if (hour) read.push(rates.cacheWrite1h)
    if (audio) read.push(rates.inputAudio, rates.cacheReadAudio)
    const said = highest([rates.output, rates.reasoning, rates.outputAudio])
    const sum = BigInt(tokens) * highest(read) + BigInt(output) * said
    if (sum > dearest) dearest = sum
  }
  return rounded(dearest + sheet.request)
}

export const highest = (rates: ReadonlyArray<bigint>): bigint =>
  rates.reduce((highestYet, rate) => (rate > highestYet ? rate : highestYet), 0n)

const ratesOf = ({ base, tiers }: PriceSheet, input: number): Rates => {
  let rates = base
  for (const tier of tiers) {
    if (input <= tier.above) break
    rates = tier.rates
  }
  return rates
}

const rounded = (yocto: bigint): Money.Money => Money.Money.make((yocto + half) / yoctoPerPico, true)

const yoctoPerPico = 10n ** 12n
const half = yoctoPerPico / 2n

/** Nothing is charged. */
export const free: PriceSheet = { base: completed({ input: 0n, output: 0n }), tiers: [], request: 0n }

/** The prices of an operator. */
export const ofPrices = (prices: ModelPrices): PriceSheet => ({
  base: ratesIn(prices),
  tiers: (prices.tiers ?? [])
    .map((tier) => ({ above: tier.above, rates: ratesIn(tier) }))
    .toSorted((one, other) => one.above - other.above),
  request: prices.request === undefined ? 0n : yocto(prices.request, 0)
})

const ratesIn = (prices: TokenPrices): Rates => {
  const { audioInput, audioOutput, cacheRead, cacheWrite, cacheWrite1h, completion, prompt, reasoning } = prices
  return completed({
    input: perMillion(prompt),
    output: perMillion(completion),
    cacheRead: cacheRead === undefined ? undefined : perMillion(cacheRead),
    cacheWrite: cacheWrite === undefined ? undefined : perMillion(cacheWrite),
    cacheWrite1h: cacheWrite1h === undefined ? undefined : perMillion(cacheWrite1h),
    reasoning: reasoning === undefined ? undefined : perMillion(reasoning),
    inputAudio: audioInput === undefined ? undefined : perMillion(audioInput),
    outputAudio: audioOutput === undefined ? undefined : perMillion(audioOutput)
  })
}

/** Prices of some buckets; the others are parts of `input` or `output`. */
export type Known = Pick<Rates, "input" | "output"> & {
  readonly [bucket in keyof Rates]?: bigint | undefined
}

/** A bucket without a price of its own costs what the one does that it is a part of. */
export function completed({ input, output, ...own }: Known): Rates {
  const { cacheRead = input, cacheWrite = input, inputAudio = input, outputAudio = output, reasoning = output } = own
  return {
    input,
    cacheRead,
    cacheWrite,
    output,
    reasoning,
    cacheWrite1h: own.cacheWrite1h ?? cacheWrite,
    inputAudio,
    cacheReadAudio: own.cacheReadAudio ?? own.cacheRead ?? inputAudio,
    outputAudio
  }
}

/** A token's part of a price in USD for a million. */
export const perMillion = (usd: number | string): bigint => yocto(usd, 6)

/** One of a price in USD for ten to the power of `zeros`. What is finer than a yocto-dollar is cut off. */
export const yocto = (usd: number | string, zeros: number): bigint =>
  BigInt((Decimal.shifted(usd, 24 - zeros) ?? "0").split(".")[0] ?? "0")
