import type { Headers } from "../protocol/HeaderTimes.js"
import * as RateLimits from "../protocol/RateLimits.js"
import type { Timers } from "./Timers.js"
import type { HardLimit } from "./Watchdog.js"

/** On which a call is made. */
export interface Terms {
  readonly timers: Timers
  readonly limit: HardLimit
  /** Told when the request goes out on a connection. */
  readonly onSent?: (() => void) | undefined
  /** Told what the answer says of the caller's limits, at this time (Unix ms), as soon as its head is there; also a failed one's. */
  readonly onLimits?: ((limits: ReadonlyArray<RateLimits.RateLimit>, now: number) => void) | undefined
}

/** The head of an answer came. */
export const heard = ({ onLimits, timers }: Terms, status: number, headers: Headers): void => {
  if (onLimits === undefined) return
  const now = timers.now()
  const limits = RateLimits.read(status, headers, now)
  if (limits !== undefined) onLimits(limits, now)
}
