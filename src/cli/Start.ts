import * as Command from "@effect/cli/Command"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Catalog } from "../catalog/Catalog.js"
import type * as LoadSettings from "../config/LoadSettings.js"
import { CurrentSettings, type Settings } from "../config/Settings.js"
import * as Live from "../gateway/Live.js"
import * as FirstChecks from "../health/FirstChecks.js"
import { Health } from "../health/Health.js"
import { Readiness } from "../http/Readiness.js"
import { Server, type ListenFailed } from "../http/Server.js"
import { Database } from "../store/Database.js"
import type { Refused } from "../store/DatabaseError.js"
import * as Changes from "./Changes.js"
import type { Failed } from "./Failed.js"
import * as Logging from "./Logging.js"
import * as Options from "./Options.js"
import * as Reload from "./Reload.js"

/** `orelse start`: serves until it is told to stop. */
export const start = Command.make(
  "start",
  { config: Options.config, port: Options.port, host: Options.host },
  (options) =>
    Effect.flatMap(Options.settings(options), (settings) => Layer.launch(app(settings, Options.sources(options))))
).pipe(Command.withDescription("serve the gateway"))

/** The gateway, its server and its log; in that order they come down again from the right. */
const app = (
  settings: Settings,
  sources: LoadSettings.LoadOptions
): Layer.Layer<never, ListenFailed | Failed | Refused, FileSystem.FileSystem> =>
  Layer.scopedDiscard(Effect.zipRight(greet(settings), Reload.run(sources))).pipe(
    Layer.provide(Server.layer),
    Layer.provide(Live.layerStored),
    Layer.provide(Readiness.layer),
    Layer.provide(Logging.layer(settings.log)),
    Layer.provide(Layer.succeed(CurrentSettings, settings))
  )

const greet = (settings: Settings) =>
  Effect.gen(function* () {
    const { url } = yield* Server
    const catalog = yield* Catalog
    const health = yield* Health
    const database = yield* Database
    database.announce(url)
    yield* Changes.log
    for (const notice of settings.notices) yield* Effect.logWarning(notice)
    yield* Effect.logInfo(`listening on ${url}`)
    yield* Effect.logInfo(`try: ${curl(url, settings)}`)
    if (settings.health.checkOnStart) {
      yield* Effect.forkScoped(
        Effect.forEach(
          catalog.snapshot().instances,
          (instance) => Effect.flatMap(health.check(instance), FirstChecks.announce),
          { concurrency: "unbounded", discard: true }
        )
      )
    }
  })

const curl = (url: string, settings: Settings): string => {
  const key = settings.server.adminKey === undefined ? "" : ` -H "authorization: Bearer $ORELSE_ADMIN_KEY"`
  const body = `{"model":"${settings.tasks["default"] ?? "gpt-4o-mini"}","messages":[{"role":"user","content":"Hello"}]}`
  return `curl ${url}/v1/chat/completions -H "content-type: application/json"${key} -d '${body}'`
}
