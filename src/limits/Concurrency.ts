import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { InstanceSettings } from "../config/Settings.js"

/** Gives a place back; more than once is once. */
export type Release = () => void

/** A place that was waited for. */
export interface Place {
  readonly instance: string
  readonly release: Release
}

/** Calls under way at each instance, and its `maxConcurrency`. */
export class Concurrency extends Context.Tag("orelse/Concurrency")<
  Concurrency,
  {
    /** Calls under way. */
    readonly busy: (instance: string) => number
    /** A place for a call; `undefined`: there is none, or others wait for it. */
    readonly take: (instance: InstanceSettings) => Release | undefined
    /**
     * Waits for a place at one of these, behind those who wait already, and gives the way to wait no more. `undefined`: too
     * many wait already, and it never comes.
     */
    readonly wait: (
      instances: ReadonlyArray<InstanceSettings>,
      give: (place: Place) => void
    ) => (() => void) | undefined
  }
>() {
  static readonly layer: Layer.Layer<Concurrency> = Layer.sync(Concurrency, () => {
    const counters = new Map<string, Counter>()
    const of = (id: string): Counter => {
      const known = counters.get(id)
      if (known !== undefined) return known
      const made = new Counter(id)
      counters.set(id, made)
      return made
    }
    return {
      busy: (instance) => counters.get(instance)?.calls ?? 0,
      take: (instance) => of(instance.id).take(instance.maxConcurrency),
      wait: (instances, give) => {
        for (const instance of instances) {
          const release = of(instance.id).take(instance.maxConcurrency)
          // Nobody gives back what is free already, so nobody would wake who waits for it.
          if (release !== undefined) {
            give({ instance: instance.id, release })
            return () => {}
          }
        }
        const queues = instances.map(({ id, maxConcurrency }) => ({ counter: of(id), limit: maxConcurrency ?? 0 }))
        const leave = (): void => {
          for (const { counter } of queues) counter.waiting.delete(waiter)
        }
        const waiter: Waiter = (place) => {
          leave()
          give(place)
        }
        // As many may wait as can be served at a time: whoever comes after them would wait too long.
        const short = queues.filter(({ counter, limit }) => counter.waiting.size < limit)
        for (const { counter } of short) counter.waiting.add(waiter)
        return short.length === 0 ? undefined : leave
      }
    }
  })
}

type Waiter = (place: Place) => void

class Counter {
  calls = 0
  readonly waiting = new Set<Waiter>()

  constructor(private readonly id: string) {}

  take(limit: number | undefined): Release | undefined {
    if (limit !== undefined && (this.calls >= limit || this.waiting.size > 0)) return undefined
    this.calls++
    return this.releaseOnce()
  }

  private releaseOnce(): Release {
    let held = true
    return () => {
      if (!held) return
      held = false
      this.calls--
      const [next] = this.waiting
      if (next === undefined) return
      // Handed over at once, so that no newcomer gets in between.
      this.calls++
      next({ instance: this.id, release: this.releaseOnce() })
    }
  }
}
