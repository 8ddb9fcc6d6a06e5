import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CurrentSettings, type InstanceSettings } from "../config/Settings.js"
import type { ProviderError } from "../domain/ProviderError.js"
import { Providers } from "../provider/Providers.js"
import * as Timers from "../provider/Timers.js"

/** What a check of one instance found. */
export interface Check {
  readonly instance: InstanceSettings
  readonly available: boolean
  /** Why not, or why nobody knows; a safe sentence. */
  readonly reason: string | undefined
  /** Models that the instance says it has. */
  readonly models: ReadonlyArray<string>
  /** Unix time in ms. */
  readonly checkedAt: number
}

/** Which instances are well. A check is remembered for `health.cacheFor`; then nothing is known again. */
export class Health extends Context.Tag("orelse/Health")<
  Health,
  {
    /** Checks one instance by listing its models, which no vendor bills. */
    readonly check: (instance: InstanceSettings) => Effect.Effect<Check>
    /** Checks every enabled instance at once. */
    readonly checkAll: Effect.Effect<ReadonlyArray<Check>>
    /** The latest check of an instance, as long as it is remembered. */
    readonly latest: (instance: InstanceSettings, now: number) => Check | undefined
    /** Every model that some check has seen, also by now forgotten ones. */
    readonly discovered: () => ReadonlyArray<{ readonly model: string; readonly instance: InstanceSettings }>
  }
>() {
  static readonly layer: Layer.Layer<Health, never, CurrentSettings | Providers> = Layer.effect(
    Health,
    Effect.gen(function* () {
      const settings = yield* CurrentSettings
      const providers = yield* Providers
      const latest = new Map<InstanceSettings, Check>()

      const check = (instance: InstanceSettings): Effect.Effect<Check> =>
        Effect.gen(function* () {
          const { listModels } = providers.of(instance)
          const listed = yield* Effect.either(listModels ?? Effect.succeed([]))
          const checkedAt = yield* Effect.clockWith((clock) => Effect.succeed(Timers.ofClock(clock).now()))
          const failed = listed._tag === "Left" && isDown(listed.left) ? listed.left : undefined
          const found: Check = {
            instance,
            available: failed === undefined,
            reason: listModels === undefined ? "not checked: its vendor lists no models" : failed?.message,
            models: listed._tag === "Right" ? listed.right : [],
            checkedAt
          }
          latest.set(instance, found)
          return found
        })

      return {
        check,
        checkAll: Effect.forEach(
          settings.instances.filter((instance) => instance.enabled),
          check,
          { concurrency: "unbounded" }
        ),
        latest: (instance, now) => {
          const found = latest.get(instance)
          return found !== undefined && now - found.checkedAt < settings.health.cacheFor ? found : undefined
        },
        discovered: () =>
          [...latest.values()].flatMap(({ instance, models }) => models.map((model) => ({ model, instance })))
      }
    })
  )
}

/** Many compatible endpoints list no models: an answer that only says so is a sign of life. */
const isDown = (error: ProviderError): boolean => {
  switch (error.category) {
    case "auth":
      // A key that may chat need not be allowed to list models.
      return error.status !== 403
    case "network":
    case "timeout":
    case "provider_unavailable":
      return true
    default:
      return false
  }
}
