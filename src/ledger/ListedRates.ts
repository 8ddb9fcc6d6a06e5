import type { ConditionalPrice, ModelInfo, ModelPrice } from "@pydantic/genai-prices"
import * as Rates from "./Rates.js"

/** A model's prices in a price list, which may change on a day or with the time of day. */
export interface Listed {
  /** At a time (Unix ms); `undefined`: there is none for tokens. */
  readonly at: (now: number) => Rates.PriceSheet | undefined
}

/** The rules are those of `calcPrice` of `@pydantic/genai-prices`, which takes too long for each call and adds up floats. */
export const of = ({ prices }: Pick<ModelInfo, "prices">): Listed => {
  if (!Array.isArray(prices)) {
    const sheet = sheetOf(prices)
    return { at: () => sheet }
  }
  const dated = prices.map((price) => ({ holds: holding(price.constraint), sheet: sheetOf(price.prices) }))
  // The last that holds; where none does, the first.
  return { at: (now) => (dated.findLast(({ holds }) => holds(now)) ?? dated[0])?.sheet }
}

const holding = (constraint: ConditionalPrice["constraint"]): ((now: number) => boolean) => {
  if (constraint === undefined) return () => true
  if (constraint.type === "start_date") {
    const start = Date.parse(constraint.start_date)
    return (now) => now >= start
  }
  const [start, end] = [timeOfDay(constraint.start_time), timeOfDay(constraint.end_time)]
  return (now) => {
    const time = now % day
    return end < start ? time >= start || time < end : time >= start && time < end
  }
}

/** In ms after midnight in UTC, of `16:30:00Z` or `16:30:00+08:00`. */
const timeOfDay = (text: string): number => (Date.parse(`1970-01-02T${text}`) + day) % day

const day = 86_400_000

const sheetOf = (price: ModelPrice): Rates.PriceSheet | undefined => {
  // The list has no prices at all for what is free.
  if (Object.keys(price).length === 0) return Rates.free
  if (price["input_mtok"] === undefined) return undefined
  const starts = Object.values(price).flatMap((amount) => (typeof amount === "object" ? amount.tiers : []))
  const above = [...new Set(starts.map(({ start }) => start))].toSorted((one, other) => one - other)
  const { requests_kcount: requests } = price
  return {
    base: ratesAt(price, undefined),
    tiers: above.map((start) => ({ above: start, rates: ratesAt(price, start) })),
    request: typeof requests === "number" ? Rates.yocto(requests, 3) : 0n
  }
}

/** The rates of the tier that starts there; `undefined`: of what is below all tiers. */
const ratesAt = (price: ModelPrice, start: number | undefined): Rates.Rates => {
  const rate = (name: string): bigint | undefined => {
    const amount = price[name]
    if (typeof amount !== "object") return amount === undefined ? undefined : Rates.perMillion(amount)
    const tiers = amount.tiers.toSorted((one, other) => one.start - other.start)
    const tier = start === undefined ? undefined : tiers.findLast((each) => each.start <= start)
    return Rates.perMillion(tier?.price ?? amount.base)
  }
  const input = rate("input_mtok") ?? 0n
  const cacheWrite = rate("cache_write_mtok")
  return Rates.completed({
    input,
    cacheRead: rate("cache_read_mtok"),
    cacheWrite,
    cacheWrite1h: rate("cache_write_1h_mtok") ?? forAnHour(input, cacheWrite),
    inputAudio: rate("input_audio_mtok"),
    cacheReadAudio: rate("cache_audio_read_mtok"),
    // What is only read, as for a vector, has no price for output.
    output: rate("output_mtok") ?? 0n,
    reasoning: rate("output_reasoning_mtok"),
    outputAudio: rate("output_audio_mtok")
  })
}

/**
 * Only Anthropic keeps a cache for an hour, for twice the price of fresh input, and so it does where others sell its models,
 * whose lists have a price for five minutes only.
 * @see https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
 */
const forAnHour = (input: bigint, cacheWrite: bigint | undefined): bigint | undefined =>
  cacheWrite !== undefined && cacheWrite > input ? Rates.highest([cacheWrite, 2n * input]) : cacheWrite
