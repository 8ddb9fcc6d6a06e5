/** How much fits into a bucket, and how fast it is there again. */
export interface Rate {
  readonly perMinute: number
  /** The most that may be taken at once. */
  readonly capacity: number
}

/**
 * What was taken from a bucket and has not come back. It is counted from full, so that what was used stays used when the rate
 * changes; and in sixty-thousandths, of which a ms brings back as many as the rate has in a minute, so that nothing is
 * rounded.
 */
export interface Bucket {
  readonly used: number
  /** Unix ms. */
  readonly at: number
}

/** What there is to know of a bucket at one moment. */
export interface Level {
  /** May have a fraction; below 0 where more was used than had been taken. */
  readonly remaining: number
  /** Until the amount that was asked for is there, in ms: 0 is now, infinite is never. */
  readonly wait: number
  /** Until it is full, in ms. */
  readonly reset: number
}

/** Full. */
export const full: Bucket = { used: 0, at: 0 }

/** How a bucket is for somebody who wants so much of it. `now` is Unix ms; a clock that steps back brings nothing back. */
export const level = (bucket: Bucket, rate: Rate, amount: number, now: number): Level => {
  const used = usedAt(bucket, rate, now)
  const missing = used + (amount - rate.capacity) * parts
  return {
    remaining: (rate.capacity * parts - used) / parts,
    wait: amount > rate.capacity ? Number.POSITIVE_INFINITY : missing <= 0 ? 0 : missing / rate.perMinute,
    reset: used / rate.perMinute
  }
}

/** Takes so much, whether or not it is there; a negative amount is brought back, and never more than fits. */
export const take = (bucket: Bucket, rate: Rate, amount: number, now: number): Bucket => ({
  used: Math.max(0, usedAt(bucket, rate, now) + amount * parts),
  at: now
})

const parts = 60_000

const usedAt = ({ at, used }: Bucket, { perMinute }: Rate, now: number): number =>
  now <= at ? used : Math.max(0, used - (now - at) * perMinute)
