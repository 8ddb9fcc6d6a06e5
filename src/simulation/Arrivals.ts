import type { Size } from "../provider/SimulatedSize.js"
import { Chance, constant, lognormal, type Spread } from "./Chance.js"
import type { ArrivalFields, ScenarioFile } from "./ScenarioFile.js"

/** One request of a scenario. */
export interface Arrival {
  /** In ms from the start. */
  readonly at: number
  readonly streamed: boolean
  readonly size: Size
  readonly user: string | undefined
}

/** The requests of a scenario in order, the same ones for the same seed. */
export function* make({
  arrivals,
  duration,
  requests,
  seed
}: Pick<ScenarioFile, "arrivals" | "duration" | "requests" | "seed">): Generator<Arrival, void> {
  const times = new Chance(seed, "arrivals")
  const kinds = new Chance(seed, "requests")
  const prompt = spreadOf(requests.promptTokens)
  const answer = spreadOf(requests.answerTokens)
  const highest = peak(arrivals)
  if (highest === 0) return
  // Poisson with a rate that changes: at the highest rate, some of them left out (Lewis and Shedler).
  for (let at = times.gap(highest) * 1000; at < duration; at += times.gap(highest) * 1000) {
    if (!times.happens(rateAt(arrivals, at) / highest)) continue
    yield {
      at,
      streamed: kinds.happens(requests.streamed),
      size: { prompt: tokens(kinds, prompt), answer: tokens(kinds, answer) },
      user: requests.users === undefined ? undefined : `user-${kinds.below(requests.users) + 1}`
    }
  }
}

/** Requests that may be expected at most. */
export const most = (arrivals: ArrivalFields, duration: number): number => (peak(arrivals) * duration) / 1000

/** Requests a second at a time, in ms from the start. */
const rateAt = ({ daily, rate, steps }: ArrivalFields, at: number): number => {
  if (daily !== undefined) {
    const { low, peak: high, peakAt } = daily
    return low + ((high - low) * (1 + Math.cos((2 * Math.PI * (at - peakAt)) / day))) / 2
  }
  return rate ?? steps?.findLast((step) => step.at <= at)?.rate ?? 0
}

const peak = ({ daily, rate, steps }: ArrivalFields): number =>
  daily?.peak ?? rate ?? Math.max(0, ...(steps ?? []).map((step) => step.rate))

const day = 24 * 3_600_000

export const spreadOf = (fields: number | { readonly p50: number; readonly p99: number }): Spread =>
  typeof fields === "number" ? constant(fields) : lognormal(fields.p50, fields.p99)

/** No tail is longer than what any model takes. */
const tokens = (chance: Chance, spread: Spread): number =>
  Math.min(1_000_000, Math.max(1, Math.round(chance.of(spread))))
