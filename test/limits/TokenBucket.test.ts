import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as TokenBucket from "../../src/limits/TokenBucket.js"

/** The same bucket once more: a tank that is filled drop by drop, one ms after the other. A unit has 60,000 drops. */
class Tank {
  private drops: bigint
  private clock: number | undefined = undefined

  constructor(
    private rate: TokenBucket.Rate,
    private capacity = BigInt(rate.capacity) * 60_000n
  ) {
    this.drops = this.capacity
  }

  runTo(now: number): void {
    for (let ms = this.clock ?? now; ms < now; ms++) {
      this.drops += BigInt(this.rate.perMinute)
      if (this.drops > this.capacity) this.drops = this.capacity
    }
    this.clock = now
  }

  /** What is gone from it stays gone. */
  resize(rate: TokenBucket.Rate): void {
    const capacity = BigInt(rate.capacity) * 60_000n
    this.drops += capacity - this.capacity
    this.rate = rate
    this.capacity = capacity
  }

  holds(amount: number): boolean {
    return amount <= this.rate.capacity && this.drops >= BigInt(amount) * 60_000n
  }

  pour(amount: number): void {
    this.drops -= BigInt(amount) * 60_000n
    if (this.drops > this.capacity) this.drops = this.capacity
  }

  get remaining(): number {
    return Number(this.drops) / 60_000
  }
}

const rates = FastCheck.record({
  perMinute: FastCheck.integer({ min: 1, max: 5_000 }),
  capacity: FastCheck.integer({ min: 1, max: 500 })
})

const steps = FastCheck.array(
  FastCheck.oneof(
    FastCheck.record({ pass: FastCheck.integer({ min: -500, max: 3_000 }) }),
    FastCheck.record({ ask: FastCheck.integer({ min: 0, max: 600 }) }),
    FastCheck.record({ correct: FastCheck.integer({ min: -300, max: 300 }) }),
    FastCheck.record({ rate: rates })
  ),
  { maxLength: 60 }
)

const start = 1_700_000_000_000

describe("a token bucket", () => {
  it("does what a tank does that is filled drop by drop, also when the clock steps back or its size changes", () => {
    FastCheck.assert(
      FastCheck.property(rates, steps, (first, all) => {
        let [bucket, rate, now] = [TokenBucket.full, first, start]
        const tank = new Tank(first)
        tank.runTo(now)
        for (const step of all) {
          if ("pass" in step) {
            now += step.pass
            // A look at it is no event: the bucket learns of the time when something is taken.
            bucket = TokenBucket.take(bucket, rate, 0, now)
          } else if ("ask" in step) {
            const granted = TokenBucket.level(bucket, rate, step.ask, now).wait === 0
            assert.strictEqual(granted, tank.holds(step.ask))
            if (granted) {
              bucket = TokenBucket.take(bucket, rate, step.ask, now)
              tank.pour(step.ask)
            }
          } else if ("correct" in step) {
            bucket = TokenBucket.take(bucket, rate, step.correct, now)
            tank.pour(step.correct)
          } else {
            rate = step.rate
            tank.resize(rate)
          }
          tank.runTo(now)
          assert.strictEqual(TokenBucket.level(bucket, rate, 1, now).remaining, tank.remaining)
          assert.isAtMost(tank.remaining, rate.capacity)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("says how long to wait: then it is there, and a ms before it is not", () => {
    FastCheck.assert(
      FastCheck.property(rates, FastCheck.integer({ min: 1, max: 500 }), FastCheck.nat(1_000), (rate, amount, used) => {
        const bucket = TokenBucket.take(TokenBucket.full, rate, used, start)
        const { wait } = TokenBucket.level(bucket, rate, amount, start)
        if (amount > rate.capacity) return assert.strictEqual(wait, Number.POSITIVE_INFINITY)
        const at = Math.ceil(wait)
        assert.strictEqual(TokenBucket.level(bucket, rate, amount, start + at).wait, 0)
        if (at > 0) assert.isAbove(TokenBucket.level(bucket, rate, amount, start + at - 1).wait, 0)
      })
    )
  })

  it("is full again when it says so", () => {
    const rate = { perMinute: 7, capacity: 7 }
    const bucket = TokenBucket.take(TokenBucket.full, rate, 3, start)
    const { reset } = TokenBucket.level(bucket, rate, 0, start)
    assert.strictEqual(TokenBucket.level(bucket, rate, 0, start + Math.ceil(reset)).remaining, 7)
    assert.isBelow(TokenBucket.level(bucket, rate, 0, start + Math.floor(reset) - 1).remaining, 7)
  })
})
