import { LRUCache } from "lru-cache"

/**
 * How fast the answers of one kind are that a model of an instance gives: streams to their first token, or whole answers.
 * Only of calls that went well.
 */
export class Pace {
  private readonly latencies: Array<number> = []
  private next = 0
  private peak = 0
  private at = Number.NEGATIVE_INFINITY
  private speed: number | undefined = undefined
  private average: number | undefined = undefined

  /** An answer began after so many ms; `now` is Unix ms. */
  began(latency: number, now: number): void {
    this.latencies[this.next] = latency
    this.next = (this.next + 1) % remembered
    this.average = this.average === undefined ? latency : this.average + weight * (latency - this.average)
    const kept = Math.exp((this.at - now) / forgetting)
    // A peak is believed at once, and forgotten slowly.
    this.peak = latency > this.peak ? latency : this.peak * kept + latency * (1 - kept)
    this.at = now
  }

  /**
   * What an earlier run knew: so many ms on average, at that time. It is forgotten like any other latency, counts for no
   * percentile, and is not heard where there was an answer already.
   */
  seed(latency: number, at: number): void {
    if (this.at !== Number.NEGATIVE_INFINITY) return
    this.peak = latency
    this.average = latency
    this.at = at
  }

  /** An answer had not begun after so many ms, and was given up. */
  late(latency: number, now: number): void {
    // Less than usual says nothing.
    if (latency > this.latency(now)) this.began(latency, now)
  }

  /** An answer of so many tokens took so many ms from its first one, or from the start where it came whole. */
  ended(tokens: number, ms: number): void {
    if (tokens < fewTokens || ms <= 0) return
    const speed = (tokens * 1000) / ms
    this.speed = this.speed === undefined ? speed : this.speed + weight * (speed - this.speed)
  }

  /** Peak EWMA in ms. With time it falls, so that who was slow once is tried again. */
  latency(now: number): number {
    return this.peak * Math.exp((this.at - now) / forgetting)
  }

  /** EWMA in ms, which no time passes for; `undefined`: nobody knows, or not any more. */
  usual(now: number): number | undefined {
    return now - this.at < outdated ? this.average : undefined
  }

  /** Output tokens a second; `undefined`: nobody knows. */
  get throughput(): number | undefined {
    return this.speed
  }

  /** How long all but the slowest answers take to begin, in ms; `undefined` before there are enough of them. */
  get p95(): number | undefined {
    const { latencies } = this
    if (latencies.length < enough) return undefined
    const sorted = latencies.toSorted((a, b) => a - b)
    return sorted[Math.ceil(0.95 * sorted.length) - 1]
  }
}

/** Latencies that a percentile is taken of. */
const remembered = 128
const enough = 20

/** After so many ms little more than a third of a latency is left in the average. */
const forgetting = 30_000

/** What was measured so many ms ago says nothing of now. */
const outdated = 600_000

/** Of the newest speed or latency in the moving average. */
const weight = 0.2

/** What the network does to a shorter answer says more than what the model does. */
const fewTokens = 8

/** The paces of all that was asked lately. */
export class Paces {
  /** Names of models come from callers. */
  private readonly all = new LRUCache<string, Pace>({ max: 10_000 })

  known(instance: string, model: string, streamed: boolean): Pace | undefined {
    return this.all.get(nameOf(instance, model, streamed))
  }

  /** An average of streams and whole answers alike: it tells who was faster than whom. */
  seed(instance: string, model: string, latency: number, at: number): void {
    for (const streamed of [true, false]) this.of(instance, model, streamed).seed(latency, at)
  }

  of(instance: string, model: string, streamed: boolean): Pace {
    const name = nameOf(instance, model, streamed)
    const known = this.all.get(name)
    if (known !== undefined) return known
    const made = new Pace()
    this.all.set(name, made)
    return made
  }
}

const nameOf = (instance: string, model: string, streamed: boolean): string =>
  `${streamed ? "stream" : "whole"} ${instance} ${model}`
