import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LiveSettings } from "../config/LiveSettings.js"
import type { InstanceSettings } from "../config/Settings.js"
import type { ProviderError } from "../domain/ProviderError.js"
import { Providers } from "../provider/Providers.js"
import * as Timers from "../provider/Timers.js"
import * as Blame from "./Blame.js"
import { Circuits } from "./Circuits.js"
import type { HealthEvent } from "./Permit.js"

/** What a check of one instance found. */
export interface Check {
  readonly instance: InstanceSettings
  readonly available: boolean
  /** Why not, or why nobody knows; a safe sentence. */
  readonly reason: string | undefined
  /** How the question failed; also where that failure is a sign of life. */
  readonly failure: ProviderError | undefined
  /** Models that the instance says it has. */
  readonly models: ReadonlyArray<string>
  /** Unix time in ms. */
  readonly checkedAt: number
}

/** Which instances are well. A check is remembered for `health.cacheFor`; then nothing is known again. */
export class Health extends Context.Tag("orelse/Health")<
  Health,
  {
    /** Checks one instance by listing its models, which no vendor bills; or by another question, which finds no models. */
    readonly check: (instance: InstanceSettings, ask?: Effect.Effect<unknown, ProviderError>) => Effect.Effect<Check>
    /** Checks every enabled instance at once. */
    readonly checkAll: Effect.Effect<ReadonlyArray<Check>>
    /** The latest check of an instance, as long as it is remembered. */
    readonly latest: (instance: InstanceSettings, now: number) => Check | undefined
    /** Every model that some check has seen at an enabled instance, also a check that is forgotten by now. */
    readonly discovered: () => ReadonlyArray<{ readonly model: string; readonly instance: InstanceSettings }>
  }
>() {
  static readonly layer: Layer.Layer<Health, never, Circuits | LiveSettings | Providers> = Layer.effect(
    Health,
    Effect.gen(function* () {
      const { current } = yield* LiveSettings
      const providers = yield* Providers
      const { tell } = yield* Circuits
      // A changed instance is a new object, of which nothing is known.
      const latest = new WeakMap<InstanceSettings, Check>()
      const seen = new WeakMap<InstanceSettings, ReadonlyArray<string>>()
      const enabled = (): ReadonlyArray<InstanceSettings> => current().instances.filter((each) => each.enabled)

      const check = (instance: InstanceSettings, ask?: Effect.Effect<unknown, ProviderError>): Effect.Effect<Check> =>
        Effect.gen(function* () {
          const { listModels } = providers.of(instance)
          const listing = listModels ?? Effect.succeed([])
          const listed = yield* Effect.either(ask === undefined ? listing : Effect.as(ask, []))
          const checkedAt = yield* Effect.clockWith((clock) => Effect.succeed(Timers.ofClock(clock).now()))
          const failure = listed._tag === "Left" ? listed.left : undefined
          const failed = failure !== undefined && isDown(failure) ? failure : undefined
          const unasked = listModels === undefined && ask === undefined
          const found: Check = {
            instance,
            available: failed === undefined,
            reason: unasked ? "not checked: its vendor lists no models" : failed?.message,
            failure,
            models: listed._tag === "Right" ? listed.right : [],
            checkedAt
          }
          const before = latest.get(instance)
          latest.set(instance, found)
          if (listed._tag === "Right" && ask === undefined) seen.set(instance, listed.right)
          if (found.available !== (before?.available ?? true)) tell(eventOf(found, current().health.cacheFor))
          return found
        })

      return {
        check,
        checkAll: Effect.suspend(() =>
          Effect.forEach(enabled(), (instance) => check(instance), { concurrency: "unbounded" })
        ),
        latest: (instance, now) => {
          const found = latest.get(instance)
          return found !== undefined && now - found.checkedAt < current().health.cacheFor ? found : undefined
        },
        discovered: () =>
          enabled().flatMap((instance) => (seen.get(instance) ?? []).map((model) => ({ model, instance })))
      }
    })
  )
}

const eventOf = ({ checkedAt, failure, instance, reason }: Check, cacheFor: number): HealthEvent => {
  const change = {
    at: checkedAt,
    instance: instance.id,
    provider: instance.provider,
    scope: (failure && Blame.of(failure)?.scope) ?? "instance",
    model: undefined,
    consecutive_failures: 0
  }
  return reason === undefined
    ? { ...change, event_type: "health_check_ok", next_retry_secs: undefined }
    : { ...change, event_type: "health_check_failed", next_retry_secs: Math.round(cacheFor / 1000), reason }
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
