import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { LiveSettings } from "../config/LiveSettings.js"
import { same } from "../config/Same.js"
import type { InstanceSettings } from "../config/Settings.js"
import * as Timers from "../provider/Timers.js"
import { Circuits } from "./Circuits.js"
import { Health, type Check } from "./Health.js"

/**
 * Whoever comes while the gateway runs is checked, where `health.checkOnStart` says so, and so is whoever was changed. One with
 * another key or address begins anew: what its circuits know is of the old one.
 */
export const layer: Layer.Layer<never, never, Circuits | Health | LiveSettings> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { current, subscribe } = yield* LiveSettings
    const circuits = yield* Circuits
    const health = yield* Health
    const changes = yield* subscribe
    let known = current().instances

    const welcome = Effect.gen(function* () {
      const { now } = Timers.ofClock(yield* Effect.clock)
      const before = known
      const { health: how, instances } = current()
      known = instances
      for (const instance of instances) {
        if (!instance.enabled || before.includes(instance)) continue
        const old = before.find(({ id }) => id === instance.id)
        if (old !== undefined && isAnother(old, instance) && circuits.forced(instance) === "auto") {
          circuits.force(instance, "auto", now())
        }
        if (how.checkOnStart) yield* Effect.forkScoped(Effect.flatMap(health.check(instance), announce))
      }
    })
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Queue.take(changes), welcome)))
  })
)

/** What a first check found, for the log. */
export const announce = ({ available, instance, models, reason }: Check): Effect.Effect<void> =>
  available
    ? Effect.logInfo(`${instance.id}: available${models.length === 0 ? "" : ` (${models.length} models)`}`)
    : Effect.logWarning(`${instance.id}: unavailable (${reason ?? "the check failed"})`)

const isAnother = (old: InstanceSettings, instance: InstanceSettings): boolean =>
  !same(
    [old.provider, old.baseUrl, old.accountId, old.apiKey],
    [instance.provider, instance.baseUrl, instance.accountId, instance.apiKey]
  )
