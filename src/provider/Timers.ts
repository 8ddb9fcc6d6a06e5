import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Time for code that runs in callbacks, where a fiber a timer would cost more than the call itself. */
export interface Timers {
  /** Unix time in ms, with fractions; it never steps back. */
  readonly now: () => number
  /** Runs the task once after so many ms, unless cancelled. */
  readonly after: (ms: number, task: () => void) => Cancel
}

export type Cancel = () => void

/** A clock whose owner runs callbacks himself, as a simulation does. */
export interface ClockWithTimers extends Clock.Clock {
  readonly timers: Timers
}

/**
 * The timers of a clock. The live clock's are Node's own; a clock may bring some; any other (`TestClock`) is slept on, so
 * that whoever owns the clock owns every time limit.
 */
export const ofClock = (clock: Clock.Clock): Timers =>
  clock === liveClock ? live : hasTimers(clock) ? clock.timers : slept(clock)

const hasTimers = (clock: Clock.Clock): clock is ClockWithTimers => "timers" in clock

const liveClock = Context.get(DefaultServices.liveServices, Clock.Clock)

/** Node's timers wrap at 2^31 ms. */
const longest = 2 ** 31 - 1

/**
 * Unix time in ms, of a clock on the wall (Unix ms) and one that only runs (ms since `origin`): it never steps back, and follows
 * the wall when that is ahead, as it is after a machine has slept.
 */
export const steady = (wall: () => number, running: () => number, origin: number): (() => number) => {
  let start = origin
  let lookedAt = 0
  return () => {
    const elapsed = running()
    if (elapsed - lookedAt >= lookEvery) {
      lookedAt = elapsed
      const ahead = wall() - (start + elapsed)
      if (ahead > tolerance) start += ahead
    }
    return start + elapsed
  }
}

/** In ms; a look at the wall costs more than the rest. */
const lookEvery = 1_000

/** So far apart, in ms, both clocks may be. */
const tolerance = 1_000

const live: Timers = {
  now: steady(Date.now, () => performance.now(), performance.timeOrigin),
  after: (ms, task) => {
    const timer = setTimeout(task, Math.min(ms, longest))
    return () => clearTimeout(timer)
  }
}

const slept = (clock: Clock.Clock): Timers => ({
  now: () => clock.unsafeCurrentTimeMillis(),
  after: (ms, task) => {
    const fiber = Effect.runFork(Effect.zipRight(clock.sleep(Duration.millis(ms)), Effect.sync(task)))
    return () => {
      Effect.runFork(Fiber.interruptFork(fiber))
    }
  }
})
