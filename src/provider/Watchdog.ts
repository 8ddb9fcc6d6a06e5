import type { TimeoutPhase } from "../domain/ProviderError.js"
import type { Timeouts } from "../config/Settings.js"
import type { Cancel, Timers } from "./Timers.js"

/** The end that the request itself sets to an attempt: its deadline, or what the deadline leaves to this candidate. */
export interface HardLimit {
  /** Unix time in ms. */
  readonly at: number
  readonly phase: Extract<TimeoutPhase, "share" | "deadline">
}

/**
 * The time limits of one attempt on one timer. A limit that moves into the future costs an assignment; the timer is set
 * again only when it goes off early.
 */
export class Watchdog {
  private readonly start: number
  private hardAt: number
  private hardPhase: TimeoutPhase
  private softAt: number
  private softPhase: TimeoutPhase = "connect"
  private armedAt = Number.POSITIVE_INFINITY
  private cancel: Cancel | undefined = undefined
  private stopped = false
  private silent = true

  constructor(
    private readonly timers: Timers,
    private readonly limits: Timeouts,
    limit: HardLimit,
    private readonly expired: (phase: TimeoutPhase) => void
  ) {
    this.start = timers.now()
    const total = this.start + limits.total
    this.hardAt = Math.min(total, limit.at)
    this.hardPhase = limit.at <= total ? limit.phase : "total"
    this.softAt = this.start + limits.connect
    this.arm()
  }

  /** The connection stands. A buffered answer now has only its total time. */
  connected(streaming: boolean): void {
    this.soften(streaming ? this.start + this.limits.firstToken : Number.POSITIVE_INFINITY, "first_token")
  }

  /** The provider answers; a buffered answer says no more until it is whole. */
  heard(): void {
    this.silent = false
  }

  /** The stream reached its caller: from here only the limits of the attempt count, not the request's deadline. */
  commit(): void {
    this.hardAt = this.start + this.limits.total
    this.hardPhase = "total"
  }

  /** The answer said something. */
  progress(): void {
    this.silent = false
    this.soften(this.timers.now() + this.limits.idle, "idle")
  }

  /** Nothing runs while the caller is slow to read: that is not the provider's time. */
  pause(): void {
    this.soften(Number.POSITIVE_INFINITY, "idle")
  }

  stop(): void {
    this.stopped = true
    this.cancel?.()
    this.cancel = undefined
  }

  private soften(at: number, phase: TimeoutPhase): void {
    this.softAt = at
    this.softPhase = phase
    if (at < this.armedAt) this.arm()
  }

  private arm(): void {
    if (this.stopped) return
    this.cancel?.()
    this.armedAt = Math.min(this.softAt, this.hardAt)
    this.cancel = this.timers.after(Math.max(shortest, this.armedAt - this.timers.now()), this.ring)
  }

  private readonly ring = (): void => {
    if (this.stopped) return
    const now = this.timers.now()
    if (now >= this.hardAt) this.expire(this.hardPhase)
    else if (now >= this.softAt) this.expire(this.softPhase)
    else this.arm()
  }

  /** A share that others left of the deadline blames nobody, unless not a byte came in half of what a first token may take. */
  private hangs(): boolean {
    return this.silent && this.timers.now() - this.start >= this.limits.firstToken / 2
  }

  private expire(phase: TimeoutPhase): void {
    this.stop()
    this.expired(phase === "share" && this.hangs() ? "first_token" : phase)
  }
}

/** Never on the spot: whoever is watched must hold its watch first. In ms. */
const shortest = 1
