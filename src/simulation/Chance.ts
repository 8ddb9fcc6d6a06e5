import * as Hash from "effect/Hash"
import { PCGRandom } from "effect/Utils"

/** One stream of chance. Streams of the same seed are independent, so that one of them may use more than before. */
export class Chance {
  private readonly source: PCGRandom

  constructor(seed: number, stream: string) {
    this.source = new PCGRandom(seed, Hash.string(stream))
  }

  /** From 0 to just below 1. */
  next(): number {
    return this.source.number()
  }

  /** A whole number below `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** True in so many cases; 0 is never. */
  happens(share: number): boolean {
    return share > 0 && this.next() < share
  }

  /** The time to the next of events that come independently, so many in a unit of time. */
  gap(rate: number): number {
    return -Math.log(1 - this.next()) / rate
  }

  /** One value of a spread. */
  of(spread: Spread): number {
    const { median, sigma } = spread
    return sigma === 0 ? median : median * Math.exp(sigma * this.normal())
  }

  /** Box and Muller's; the other half is thrown away, so that each value costs the same of the stream. */
  private normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }
}

/** A lognormal distribution, as of latencies and lengths; without sigma it is a constant. */
export interface Spread {
  readonly median: number
  readonly sigma: number
}

export const constant = (value: number): Spread => ({ median: value, sigma: 0 })

/** The one with this median and 99th percentile. */
export const lognormal = (p50: number, p99: number): Spread => ({ median: p50, sigma: Math.log(p99 / p50) / z99 })

/** Where 99 % of a standard normal distribution lie below. */
const z99 = 2.326_347_874
