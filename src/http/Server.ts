import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as http from "node:http"
import { LiveSettings } from "../config/LiveSettings.js"
import { CurrentSettings } from "../config/Settings.js"
import { RateLimiter } from "../limits/RateLimiter.js"
import { RequestLog } from "../store/RequestLog.js"
import { AccessLog } from "./AccessLog.js"
import * as Answering from "./Answering.js"
import * as Guard from "./Guard.js"
import * as HttpApp from "./HttpApp.js"
import * as Inbounds from "./Inbounds.js"
import * as NodeDoor from "./NodeDoor.js"
import { Readiness } from "./Readiness.js"

/** The address could not be listened on. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  message: Schema.String
}) {}

/** The standalone server, listening. */
export class Server extends Context.Tag("orelse/Server")<Server, { readonly url: string; readonly port: number }>() {
  /** Listens as the settings say. With its scope it drains: requests in flight are finished before anything is closed. */
  static readonly layer = Layer.scoped(
    Server,
    Effect.gen(function* () {
      const settings = yield* CurrentSettings
      const { current } = yield* LiveSettings
      const handlers = new Map(Object.entries(yield* Answering.make))
      const readiness = yield* Readiness
      const limiter = yield* RateLimiter
      const log = yield* AccessLog
      const requests = yield* RequestLog
      const runtime = yield* Effect.runtime<never>()
      const otherwise = yield* NodeHttpServer.makeHandler(yield* HttpApiBuilder.httpApp)
      const listener = NodeDoor.make({
        handlers,
        otherwise,
        guard: Guard.make(settings.server),
        inboundOf: Inbounds.naming(),
        bodyLimit: () => current().server.bodyLimit,
        readiness,
        log,
        requests,
        runtime
      })
      const { host, port } = settings.server
      const server = http.createServer(limits, listener)
      yield* Effect.acquireRelease(listen(server, host, port), () =>
        // A release cannot be interrupted, so the waiting must say that it can.
        Effect.interruptible(Effect.zipRight(limiter.close, readiness.drain)).pipe(
          Effect.timeoutTo({
            duration: Duration.millis(current().server.drain),
            onSuccess: () => true,
            onTimeout: () => false
          }),
          // What is cut off is told so, and gets a moment to hear it.
          Effect.flatMap((idle) => (idle ? Effect.void : Effect.zipRight(readiness.cut, Effect.sleep(lastWords)))),
          Effect.zipRight(
            Effect.sync(() => {
              server.close()
              server.closeAllConnections()
            })
          )
        )
      )
      const address = server.address()
      const actual = typeof address === "object" && address !== null ? address.port : port
      return { port: actual, url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}` }
    })
  ).pipe(Layer.provide(HttpApp.layer), Layer.provide(NodeHttpServer.layerContext))
}

const lastWords = Duration.millis(200)

/** Headers must come soon; a body may be large and slow. An idle connection outlives the balancers' usual minute. */
const limits: http.ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024
}

const listen = (server: http.Server, host: string, port: number): Effect.Effect<void, ListenFailed> =>
  Effect.async((resume) => {
    server.once("error", (error) => {
      const inUse = "code" in error && error.code === "EADDRINUSE"
      const message = inUse
        ? `port ${port} on ${host} is in use; choose another with --port or PORT`
        : `cannot listen on ${host}:${port}: ${error.message}`
      resume(Effect.fail(new ListenFailed({ message })))
    })
    server.listen(port, host, () => resume(Effect.void))
  })
