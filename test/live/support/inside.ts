import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { CurrentSettings, type InstanceSettings, type Settings } from "../../../src/config/Settings.js"
import * as Live from "../../../src/gateway/Live.js"
import { Circuits } from "../../../src/health/Circuits.js"
import { AccessLog } from "../../../src/http/AccessLog.js"
import { Readiness } from "../../../src/http/Readiness.js"
import { Server } from "../../../src/http/Server.js"
import { Concurrency } from "../../../src/limits/Concurrency.js"
import * as Timers from "../../../src/provider/Timers.js"
import { Database } from "../../../src/store/Database.js"
import { Journal } from "../../../src/store/Journal.js"
import { RequestLog } from "../../../src/store/RequestLog.js"
import * as RecentEvents from "../../../src/health/RecentEvents.js"
import { instance } from "../../support/settings.js"
import { eventually } from "./command.js"
import type { Provider } from "./provider.js"

/** A gateway that listens in this process, so that a test can look into it. */
export interface Inside {
  readonly url: string
  readonly circuits: Circuits["Type"]
  readonly concurrency: Concurrency["Type"]
  /** Calls that the circuits of model `m` at an instance let through now at a time; none of them is made. */
  readonly places: (instance: InstanceSettings) => number
  /** Waits until nothing is under way any more: no call at a provider, no place taken in the gateway. */
  readonly atRest: (providers: ReadonlyArray<Provider>) => Effect.Effect<void>
}

/** `orelse start` on these settings, in this process, without a log. */
export const serve = (configured: Settings): Effect.Effect<Inside, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Layer.build(
      Layer.orDie(Server.layer).pipe(
        Layer.provide(RequestLog.memory),
        Layer.provide(RecentEvents.layer),
        Layer.provideMerge(Live.layer),
        Layer.provide(Layer.mergeAll(Database.layerNone, Journal.none, Readiness.layer)),
        Layer.provide(Layer.succeed(AccessLog, { write: () => {} })),
        Layer.provide(Layer.succeed(CurrentSettings, configured)),
        Layer.provide(Logger.replace(Logger.defaultLogger, Logger.none))
      )
    )
    const circuits = Context.get(context, Circuits)
    const concurrency = Context.get(context, Concurrency)
    const { now } = Timers.ofClock(yield* Effect.clock)

    const places = (at: InstanceSettings): number => {
      const permits = []
      for (;;) {
        const permit = circuits.admit(at, "m", now, { streamed: false, extra: false })
        if (permit === undefined || permits.push(permit) >= unlimited) break
      }
      for (const permit of permits) permit.release()
      return permits.length
    }
    const held = (providers: ReadonlyArray<Provider>): ReadonlyArray<number> => [
      ...providers.map(({ underWay }) => underWay),
      ...configured.instances.map(({ id }) => concurrency.busy(id))
    ]
    return {
      url: Context.get(context, Server).url,
      circuits,
      concurrency,
      places,
      atRest: (providers) =>
        eventually(
          () => `calls and places to be given back: ${held(providers).join(", ")}`,
          Effect.suspend(() => (held(providers).every((each) => each === 0) ? Effect.void : Effect.fail("held")))
        )
    }
  })

/** More places than a half-open circuit of these tests has. */
const unlimited = 20

/** Retries come at once, so that nothing but budgets and circuits holds them back. */
export const retry: InstanceSettings["retry"] = { ...instance("").retry, baseDelay: 1, maxDelay: 4, jitter: "full" }

/** An instance of tests that is this provider, with a key of its own. */
export const at = (id: string, provider: Provider, more: Partial<InstanceSettings> = {}): InstanceSettings =>
  instance(id, {
    provider: "openai-compatible",
    baseUrl: provider.url,
    apiKey: Redacted.make(keyOf(id)),
    retry,
    ...more
  })

/** The key of an instance. */
export const keyOf = (id: string): string => `sk-${id}`
