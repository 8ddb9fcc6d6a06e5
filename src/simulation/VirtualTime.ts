import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import type { Cancel, ClockWithTimers, Timers } from "../provider/Timers.js"
import { EventHeap } from "./EventHeap.js"

/**
 * Time that nobody waits for: it steps to the next thing that is due as soon as all that could run has run. It owns the
 * clock, the timers and the scheduler of the fibers on it, so that the same program does the same each time.
 */
export class VirtualTime implements ClockWithTimers {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  private readonly due = new EventHeap()
  private ready: Array<() => void> = []

  /** `now` is where it begins, in Unix ms. */
  constructor(private now: number) {}

  readonly timers: Timers = {
    now: () => this.now,
    after: (ms, task) => this.after(ms, task)
  }

  /** Runs a task at this very time, when all that could run before it has run. */
  readonly soon = (task: () => void): void => {
    this.ready.push(task)
  }

  readonly unsafeCurrentTimeMillis = (): number => this.now
  readonly unsafeCurrentTimeNanos = (): bigint => BigInt(Math.round(this.now * 1_000)) * 1_000n
  readonly currentTimeMillis: Effect.Effect<number> = Effect.sync(this.unsafeCurrentTimeMillis)
  readonly currentTimeNanos: Effect.Effect<bigint> = Effect.sync(this.unsafeCurrentTimeNanos)

  readonly sleep = (duration: Duration.Duration): Effect.Effect<void> =>
    Effect.async((resume) => Effect.sync(this.after(Duration.toMillis(duration), () => resume(Effect.void))))

  /** Timers that are set and neither due nor cancelled. */
  get waiting(): number {
    return this.due.size
  }

  /**
   * Runs an effect on this time to its end; chance is the seed's. Nothing of the caller's clock, logger and services is
   * seen by it. Now and then it lets Node breathe.
   */
  run<A, E>(effect: Effect.Effect<A, E>, seed: string): Effect.Effect<A, E> {
    return Effect.async<A, E>((resume) => {
      let end: Exit.Exit<A, E> | undefined
      let stopped = false
      const fiber = Effect.runFork(effect.pipe(Effect.withClock(this), Effect.withRandom(Random.make(seed))), {
        scheduler: this.scheduler
      })
      fiber.addObserver((exit) => {
        end = exit
      })
      const slice = (): void => {
        if (stopped) return
        try {
          for (let step = 0; step < slices && end === undefined; step++) {
            if (!this.step() && end === undefined) return resume(Effect.die(stuck))
          }
        } catch (defect) {
          return resume(Effect.die(defect))
        }
        if (end === undefined) setImmediate(slice)
        else resume(end)
      }
      slice()
      return Effect.sync(() => {
        stopped = true
      })
    })
  }

  private readonly scheduler: Scheduler.Scheduler = Scheduler.make((task) => this.ready.push(task))

  /** All that can run now, and then the next thing that is due. */
  private step(): boolean {
    // What runs may add to it.
    for (let at = 0; at < this.ready.length; at++) this.ready[at]?.()
    this.ready = []
    const next = this.due.pop()
    if (next === undefined) return false
    this.now = next.at
    next.task()
    return true
  }

  private after(ms: number, task: () => void): Cancel {
    return this.due.push(this.now + Math.max(0, ms), task)
  }
}

const stuck = new Error("the simulation waits for something that will never happen")

/** Steps between two breaths. */
const slices = 2_000
