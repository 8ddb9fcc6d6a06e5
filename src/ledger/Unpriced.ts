import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type { InstanceSettings } from "../config/Settings.js"

/** A model that was called although nobody knows what it costs. */
export interface UnpricedModel {
  readonly instance: string
  /** The provider's own id. */
  readonly model: string
  /** Calls since then whose cost is not known. */
  readonly calls: number
  /** Of the first call, in Unix ms. */
  readonly since: number
}

/** The models that were called without a known price, since the start. */
export class Unpriced extends Context.Tag("orelse/Unpriced")<
  Unpriced,
  {
    /** Notes a call that ended at `now` (Unix ms). The first of each model is a warning in the log. */
    readonly met: (instance: InstanceSettings, model: string, now: number) => void
    /** The first met first. No more than 1,000 are remembered. */
    readonly list: () => ReadonlyArray<UnpricedModel>
    /** Every model when it is met first, on the spot; the listener must be quick. Gives what ends it. */
    readonly listen: (listener: (model: UnpricedModel) => void) => () => void
  }
>() {
  static readonly layer: Layer.Layer<Unpriced> = Layer.effect(
    Unpriced,
    Effect.gen(function* () {
      const runtime = yield* Effect.runtime<never>()
      const log = Runtime.runFork(runtime)
      const known = new Map<string, UnpricedModel>()
      const listeners = new Set<(model: UnpricedModel) => void>()
      const tell = (model: UnpricedModel): void => {
        log(
          Effect.logWarning("price unknown: its calls are not in any cost; give it one in the instance's pricing").pipe(
            Effect.annotateLogs({ instance: model.instance, model: model.model })
          )
        )
        for (const listener of listeners) {
          try {
            listener(model)
          } catch (defect) {
            // The request that it happened to has no part in this.
            log(Effect.logError("a listener to unknown prices failed", Cause.die(defect)))
          }
        }
      }
      return {
        met: ({ id }, model, now) => {
          const key = `${id}\n${model}`
          const before = known.get(key)
          if (before !== undefined) known.set(key, { ...before, calls: before.calls + 1 })
          else if (known.size < mostModels) {
            const first = { instance: id, model, calls: 1, since: now }
            known.set(key, first)
            tell(first)
          }
        },
        list: () => [...known.values()],
        listen: (listener) => {
          listeners.add(listener)
          return () => {
            listeners.delete(listener)
          }
        }
      }
    })
  )
}

/** Ids of models may come from callers. */
const mostModels = 1_000
