/**
 * What an instance may be asked on top of each request's first call to it: retries, hedges, and calls in spite of an open
 * circuit. Each first call pays a share in, so that retries never add more than that share to the load, however much fails.
 * A second counts as a call, so that an instance which is seldom asked may be asked again all the same.
 * @see https://finagle.github.io/blog/2016/02/08/retry-budgets/
 */
export class RetryBudget {
  private tokens: number
  private at: number | undefined = undefined
  private lastAt = Number.NEGATIVE_INFINITY

  /** `ratio`: extra calls a first call; `reserve`: extra calls that may be made at once. */
  constructor(
    private readonly ratio: number,
    private readonly reserve: number
  ) {
    this.tokens = reserve
  }

  /** A request calls the instance for the first time. */
  deposit(): void {
    this.tokens = Math.min(this.reserve, this.tokens + this.ratio)
  }

  /** Is one more call in the budget? `now` is Unix ms. */
  covers(now: number): boolean {
    this.fill(now)
    return this.tokens >= 1
  }

  /** Takes one more call out of the budget; false: there is none in it. */
  withdraw(now: number): boolean {
    if (!this.covers(now)) return false
    this.tokens--
    return true
  }

  /** Takes out one more call where nobody else is left: once in a while there is one, whatever was spent. */
  withdrawLast(now: number): boolean {
    if (!this.withdraw(now) && now - this.lastAt < seldom) return false
    this.lastAt = now
    return true
  }

  private fill(now: number): void {
    const passed = Math.max(0, now - (this.at ?? now))
    this.at = now
    this.tokens = Math.min(this.reserve, this.tokens + (passed / 1000) * this.ratio)
  }
}

/** In ms. */
const seldom = 10_000
