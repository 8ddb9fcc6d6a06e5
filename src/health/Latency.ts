/** Latencies of an instance, in ms: of a stream its first token, else the whole answer. */
export interface LatencySummary {
  readonly ewma: number | undefined
  readonly p50: number | undefined
  readonly p95: number | undefined
  readonly p99: number | undefined
}

/** The latest calls to an instance: how long they took, and which of them failed. */
export class RecentCalls {
  private readonly latencies: Array<number> = []
  private readonly outcomes: Array<boolean> = []
  private next = 0
  private nextOutcome = 0
  private ewma: number | undefined = undefined
  private endedAt = Number.NEGATIVE_INFINITY

  /** An answer began after so many ms. */
  began(latency: number): void {
    this.latencies[this.next] = latency
    this.next = (this.next + 1) % remembered
    this.ewma = this.ewma === undefined ? latency : this.ewma + weight * (latency - this.ewma)
  }

  /** A call ended, well or not, at this time (Unix ms). */
  ended(well: boolean, at = 0): void {
    this.endedAt = at
    this.outcomes[this.nextOutcome] = well
    this.nextOutcome = (this.nextOutcome + 1) % remembered
  }

  /** Of the latest calls; `undefined` before the first one. */
  get errorRate(): number | undefined {
    const { outcomes } = this
    return outcomes.length === 0 ? undefined : outcomes.filter((ok) => !ok).length / outcomes.length
  }

  /** Did many of its latest calls fail? Whom nobody has called for a while is not held to it. */
  isDegraded(now: number): boolean {
    return now - this.endedAt < outdated && isDegraded(this)
  }

  get calls(): number {
    return this.outcomes.length
  }

  get summary(): LatencySummary {
    const sorted = this.latencies.toSorted((a, b) => a - b)
    const at = (share: number): number | undefined => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
    return { ewma: this.ewma, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
  }
}

/** Do so many calls fail that it shows? */
export const isDegraded = ({
  calls,
  errorRate = 0
}: {
  readonly calls: number
  readonly errorRate: number | undefined
}): boolean => calls >= enoughCalls && errorRate > acceptable

/** An error rate of fewer calls than these says nothing. */
const enoughCalls = 10
const acceptable = 0.1

/** In ms. */
const outdated = 300_000

/** Enough for a p99 that means something, and little enough to sort when somebody asks. */
const remembered = 256

/** Of the newest latency in the moving average. */
const weight = 0.2
