/** What was spent of hard budgets, by quarters of an hour: sums for all may forget the smallest names, and these never do. */
export class SpentByScope {
  /** By scope, then by quarter, the oldest first. */
  private readonly sums = new Map<string, Map<number, bigint>>()

  /** `bucket` is the start of a quarter of an hour, as Unix ms. */
  add(scope: string, bucket: number, cost: bigint): void {
    if (cost === 0n) return
    const known = this.sums.get(scope)
    const buckets = known ?? new Map<number, bigint>()
    if (known === undefined) this.sums.set(scope, buckets)
    buckets.set(bucket, (buckets.get(bucket) ?? 0n) + cost)
    for (const old of buckets.keys()) {
      if (old >= bucket - longestWindow) break
      buckets.delete(old)
    }
  }

  /** Of the quarters from this one on (Unix ms). */
  since(scope: string, from: number): { readonly spent: bigint; readonly oldest: number | undefined } {
    let spent = 0n
    let oldest: number | undefined = undefined
    for (const [bucket, cost] of this.sums.get(scope) ?? none) {
      if (bucket < from) continue
      spent += cost
      oldest = earliest(oldest, bucket)
    }
    return { spent, oldest }
  }
}

/** The earlier one of those that are known. */
export const earliest = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)

const none: ReadonlyMap<number, bigint> = new Map()

/** In ms; a month and its quarters at both ends. */
const longestWindow = 32 * 24 * 3_600_000
