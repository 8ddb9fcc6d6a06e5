import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import { CurrentSettings, type InstanceSettings, type Settings } from "../../src/config/Settings.js"
import * as Live from "../../src/gateway/Live.js"
import * as RecentEvents from "../../src/health/RecentEvents.js"
import { RollupStore } from "../../src/ledger/RollupStore.js"
import { RequestLog } from "../../src/store/RequestLog.js"
import { AccessLog, type AccessLine } from "../../src/http/AccessLog.js"
import * as HttpApp from "../../src/http/HttpApp.js"
import { Readiness } from "../../src/http/Readiness.js"
import { Server } from "../../src/http/Server.js"
import { Database } from "../../src/store/Database.js"
import { Journal } from "../../src/store/Journal.js"
import { instance, model, settings } from "./settings.js"
import type { Upstream } from "./upstream.js"

/** `standalone` is `orelse start`; `mounted` is the HttpApi alone, as a program would serve it beside its own routes. */
export type Door = "standalone" | "mounted"

export const doors: ReadonlyArray<Door> = ["standalone", "mounted"]

/** A gateway that listens. */
export interface Running {
  readonly url: string
  readonly port: number
  readonly readiness: Readiness["Type"]
  /** What analytics answers of. */
  readonly rollups: RollupStore["Type"]
  /** The access log so far. */
  readonly lines: ReadonlyArray<AccessLine>
  /** The next line of it that nobody has waited for. */
  readonly line: Effect.Effect<AccessLine>
  /** Everything that was logged otherwise. */
  readonly log: ReadonlyArray<string>
}

/** Neither a database nor anything to tell it. */
const nothingStored = Layer.merge(Database.layerNone, Journal.none)

/** The whole gateway behind one of its doors, on a free port until the scope ends. */
export const serve = (
  door: Door,
  configured: Settings,
  stored: Layer.Layer<Database | Journal> = nothingStored
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.gen(function* () {
    const lines: Array<AccessLine> = []
    const log: Array<string> = []
    const inbox = yield* Queue.unbounded<AccessLine>()
    const write = (line: AccessLine): void => {
      lines.push(line)
      inbox.unsafeOffer(line)
    }
    const context = yield* Layer.build(
      layers[door].pipe(
        Layer.provide(RequestLog.memory),
        Layer.provide(RecentEvents.layer),
        Layer.provideMerge(Live.layer),
        Layer.provideMerge(Layer.merge(stored, Readiness.layer)),
        Layer.provide(Layer.succeed(AccessLog, { write })),
        Layer.provide(Layer.succeed(CurrentSettings, configured)),
        Layer.provide(
          Logger.replace(
            Logger.defaultLogger,
            Logger.map(Logger.logfmtLogger, (text) => log.push(text))
          )
        )
      )
    )
    const { port, url } = Context.get(context, Server)
    const rollups = Context.get(context, RollupStore)
    return { url, port, readiness: Context.get(context, Readiness), rollups, lines, line: Queue.take(inbox), log }
  })

/** The key that the gateway shows to the nth provider of a `chain`. */
export const keyOf = (position: number): string => `sk-${ids[position]}-3b1f9c7e5d2a8460`

/** What is not at its default in a `chain`. */
export interface Overrides {
  /** Of the first provider's instance. */
  readonly first?: Partial<InstanceSettings>
  readonly settings?: Partial<Settings>
}

/** A gateway whose model `m` is asked of these providers in turn, each of them once. */
export const chain = (
  door: Door,
  providers: ReadonlyArray<Upstream>,
  overrides: Overrides = {}
): Effect.Effect<Running, never, Scope.Scope> => {
  const instances = providers.map((provider, position) => {
    const made = instance(ids[position] ?? `provider-${position}`, {
      provider: "openai-compatible",
      baseUrl: provider.url,
      apiKey: Redacted.make(keyOf(position)),
      pricing: { prompt: 1, completion: 10 }
    })
    return { ...made, retry: { ...made.retry, maxAttempts: 1 }, ...(position === 0 ? overrides.first : {}) }
  })
  const models = [
    model(
      "m",
      instances.map(({ id }) => id)
    )
  ]
  return serve(door, settings({ instances, models, tasks: { default: "m" }, ...overrides.settings }))
}

const ids = ["first", "second", "third"]

const mounted = Layer.scoped(
  Server,
  Effect.gen(function* () {
    const { server } = yield* CurrentSettings
    const listening = yield* NodeHttpServer.make(() => http.createServer(), server)
    yield* HttpServer.serveEffect(yield* HttpApiBuilder.httpApp).pipe(
      Effect.provideService(HttpServer.HttpServer, listening)
    )
    const { address } = listening
    const port = address._tag === "TcpAddress" ? address.port : 0
    return { port, url: `http://127.0.0.1:${port}` }
  })
).pipe(Layer.provide(HttpApp.layer), Layer.provide(NodeHttpServer.layerContext))

const layers = { standalone: Layer.orDie(Server.layer), mounted: Layer.orDie(mounted) }
