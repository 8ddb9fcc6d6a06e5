import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Runtime from "effect/Runtime"
import { LiveSettings } from "../config/LiveSettings.js"
import type { InstanceSettings } from "../config/Settings.js"
import type * as CircuitBreaker from "./CircuitBreaker.js"
import type { CircuitState } from "./CircuitState.js"
import type { Pace } from "./Pace.js"
import type { Admit, Ailment, GoneOn, HealthEvent, InstanceCircuits, Permit } from "./Permit.js"
import { Registry } from "./Registry.js"
import type { Tracking } from "./Tracking.js"

/** The circuit breakers of all keys, instances and their models. It is told by whoever calls, and never asks by itself. */
export class Circuits extends Context.Tag("orelse/Circuits")<
  Circuits,
  {
    /** Why a model of an instance would not be asked now; `undefined`: it would. */
    readonly ailment: (instance: InstanceSettings, model: string, now: number) => Ailment | undefined
    readonly admit: Admit
    /**
     * Leave for a call although a circuit is open, where nobody else is left. The instance's retry budget pays for it. A
     * failure of such a call keeps nobody waiting for longer.
     */
    readonly admitLast: Admit
    /**
     * Leave for a check, which no user waits for. It is made also while a circuit is open, and takes the trial as soon as the
     * time for one has come; not while another trial is under way, a 429 is waited for, or an operator decreed it.
     */
    readonly admitCheck: (instance: InstanceSettings, model: string, now: () => number) => Permit | undefined
    /** Takes a call out of the instance's retry budget, for one that is made to another instance in its place. */
    readonly pay: (instance: InstanceSettings, now: number) => void
    /** Does the instance's retry budget pay for another call? */
    readonly mayRetry: (instance: InstanceSettings, now: number) => boolean
    /** How fast a model of an instance answers, `undefined` before its first answer. */
    readonly pace: (instance: InstanceSettings, model: string, streamed: boolean) => Pace | undefined
    /** Did many of its latest calls fail? Whom nobody has called for five minutes is not held to it. */
    readonly degraded: (instance: InstanceSettings, now: number) => boolean
    readonly of: (instance: InstanceSettings, now: number) => InstanceCircuits
    /** An operator's decree about an instance. Its models begin anew. */
    readonly force: (instance: InstanceSettings, forced: CircuitBreaker.Forced, now: number) => void
    /** What an operator decreed. */
    readonly forced: (instance: InstanceSettings) => CircuitBreaker.Forced
    /** The worst of what would be asked for a model: the key, the instance, or the model there. */
    readonly circuit: (instance: InstanceSettings, model: string) => CircuitBreaker.Circuit
    /** What is to be kept of all circuits, for a restart and for other replicas. */
    readonly states: () => ReadonlyArray<CircuitState>
    /** Those that were changed here after a mark, and the mark to ask with the next time; the first one is 0. */
    readonly changedSince: (mark: number) => { readonly mark: number; readonly states: ReadonlyArray<CircuitState> }
    /**
     * Takes what an earlier run or another replica knows, also of instances that are not known here yet; what is known here
     * later is kept. Gives the states that have turned a circuit. No event tells of them: whoever found them has told already.
     */
    readonly adopt: (states: ReadonlyArray<CircuitState>, now: number) => ReadonlyArray<CircuitState>
    /** How long answers took on average when an earlier run knew it, at `at` (Unix ms). An answer since then is believed more. */
    readonly seed: (instance: string, model: string, averageMs: number, at: number, now: number) => void
    /** Counts all calls but checks. */
    readonly tracking: Tracking
    /** Tells that a request goes on after a failure. */
    readonly failover: (gone: GoneOn, now: number) => void
    /** Tells an event that no circuit knows of, as one of a check. */
    readonly tell: (event: HealthEvent) => void
    /** Every event, on the spot and none left out; the listener must be quick. Gives what ends it. */
    readonly listen: (listener: (event: HealthEvent) => void) => () => void
    /** Every event; what a slow listener misses is dropped, the oldest first. */
    readonly events: PubSub.PubSub<HealthEvent>
  }
>() {
  static readonly layer: Layer.Layer<Circuits, never, LiveSettings> = Layer.effect(
    Circuits,
    Effect.gen(function* () {
      const { current } = yield* LiveSettings
      const random = yield* Effect.random
      const events = yield* PubSub.sliding<HealthEvent>(1_024)
      const runtime = yield* Effect.runtime<never>()
      const listeners = new Set<(event: HealthEvent) => void>()
      const tell = (event: HealthEvent): void => {
        Effect.runSync(PubSub.publish(events, event))
        for (const listener of listeners) {
          try {
            listener(event)
          } catch (defect) {
            // The request that it happened to has no part in this.
            Runtime.runFork(runtime)(Effect.logError("a listener to events failed", Cause.die(defect)))
          }
        }
      }
      // Chance is asked for when a circuit opens, which is rare.
      const registry = new Registry(
        () => current().circuitBreaker,
        current().routing.retryBudget,
        () => Effect.runSync(random.next),
        tell
      )
      return {
        ailment: registry.ailment,
        admit: registry.admit,
        admitLast: registry.admitLast,
        admitCheck: registry.admitCheck,
        mayRetry: registry.mayRetry,
        pay: registry.pay,
        pace: registry.pace,
        degraded: registry.degraded,
        of: registry.of,
        force: registry.force,
        forced: registry.forced,
        circuit: registry.circuit,
        states: registry.states,
        changedSince: registry.changedSince,
        adopt: registry.adopt,
        seed: registry.seed,
        tracking: registry.tracking,
        failover: registry.failover,
        tell,
        listen: (listener) => {
          // One for each time that it was asked for.
          const own = (event: HealthEvent): void => listener(event)
          listeners.add(own)
          return () => void listeners.delete(own)
        },
        events
      }
    })
  )

  /** The changes from now on, as a queue that ends with the scope. */
  static readonly subscribe = Effect.flatMap(Circuits, ({ events }) => PubSub.subscribe(events))
}
