import { LRUCache } from "lru-cache"
import type { InstanceSettings } from "../config/Settings.js"
import * as PlainText from "../domain/PlainText.js"

/** The calls to a model of an instance since they were last taken. A call that nobody is to blame for is none. */
export interface Delta {
  readonly instance: string
  /** The provider's own id. */
  readonly model: string
  readonly success: number
  readonly errors: number
  /** Of those that began to answer, in ms: of a stream its first token, else the whole answer. */
  readonly latencySum: number
  readonly latencyCount: number
  /** Unix ms; when the latest of them ended. */
  readonly lastAt: number
}

/** The calls to a model of an instance since the sample before. */
export interface Recent {
  readonly instance: InstanceSettings
  readonly model: string
  readonly success: number
  readonly errors: number
  /** On average, in ms; `undefined` where none of them began to answer. */
  readonly latency: number | undefined
}

/** Counts calls, for somebody who writes them down now and then. */
export class Tracking {
  /** Names of models come from callers. */
  private readonly all = new LRUCache<string, Tally>({ max: 10_000 })

  /** A call ended, well or through somebody's fault; its answer had begun after so many ms, if at all. `at` is Unix ms. */
  ended(instance: InstanceSettings, model: string, well: boolean, latency: number | undefined, at: number): void {
    const tally = this.tally(instance, model)
    if (tally === undefined) return
    const { now } = tally
    if (well) now.success++
    else now.errors++
    if (latency !== undefined) {
      now.latencySum += latency
      now.latencyCount++
    }
    tally.lastAt = at
  }

  /** What was counted since it was last taken. */
  take(): ReadonlyArray<Delta> {
    const deltas: Array<Delta> = []
    for (const tally of this.all.values()) {
      const { instance, lastAt, model, now, taken } = tally
      const counted = since(taken, now)
      if (counted === undefined) continue
      tally.taken = { ...now }
      deltas.push({ instance: instance.id, model, ...counted, lastAt })
    }
    return deltas
  }

  /** What was called since the sample before. */
  sample(): ReadonlyArray<Recent> {
    const recent: Array<Recent> = []
    for (const tally of this.all.values()) {
      const { instance, model, now, sampled } = tally
      const counted = since(sampled, now)
      if (counted === undefined) continue
      tally.sampled = { ...now }
      const { errors, latencyCount, latencySum, success } = counted
      recent.push({
        instance,
        model,
        success,
        errors,
        latency: latencyCount === 0 ? undefined : latencySum / latencyCount
      })
    }
    return recent
  }

  private tally(instance: InstanceSettings, model: string): Tally | undefined {
    const name = `${instance.id} ${model}`
    const known = this.all.get(name)
    if (known !== undefined) return known
    if (model === "" || !PlainText.isPlain(model)) return undefined
    const made: Tally = { instance, model, now: { ...zero }, taken: zero, sampled: zero, lastAt: 0 }
    this.all.set(name, made)
    return made
  }
}

interface Counts {
  success: number
  errors: number
  latencySum: number
  latencyCount: number
}

/** Counted on and on; who takes remembers how far that was. */
interface Tally {
  readonly instance: InstanceSettings
  readonly model: string
  readonly now: Counts
  taken: Readonly<Counts>
  sampled: Readonly<Counts>
  lastAt: number
}

const zero: Readonly<Counts> = { success: 0, errors: 0, latencySum: 0, latencyCount: 0 }

/** `undefined`: no call has ended. */
const since = (before: Readonly<Counts>, now: Readonly<Counts>): Readonly<Counts> | undefined => {
  const success = now.success - before.success
  const errors = now.errors - before.errors
  return success + errors === 0
    ? undefined
    : {
        success,
        errors,
        latencySum: now.latencySum - before.latencySum,
        latencyCount: now.latencyCount - before.latencyCount
      }
}
