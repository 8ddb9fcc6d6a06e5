import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiSwagger from "@effect/platform/HttpApiSwagger"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Catalog } from "../catalog/Catalog.js"
import { Circuits } from "../health/Circuits.js"
import { Health } from "../health/Health.js"
import * as Status from "../health/Status.js"
import { Database } from "../store/Database.js"
import { Journal } from "../store/Journal.js"
import * as AdminHandlers from "./AdminHandlers.js"
import * as AnalyticsHandlers from "./AnalyticsHandlers.js"
import * as AlertsHandlers from "./AlertsHandlers.js"
import * as Answering from "./Answering.js"
import { Api } from "./Api.js"
import * as BudgetsHandlers from "./BudgetsHandlers.js"
import * as CatalogHandlers from "./CatalogHandlers.js"
import * as HistoryHandlers from "./HistoryHandlers.js"
import * as Door from "./HttpApiDoor.js"
import * as HttpRefusal from "./HttpRefusal.js"
import * as ModelList from "./ModelList.js"
import * as OperationsHandlers from "./OperationsHandlers.js"
import { Readiness } from "./Readiness.js"

const ChatLive = HttpApiBuilder.group(Api, "chat", (handlers) =>
  Effect.gen(function* () {
    const handlersOf = yield* Answering.make
    return handlers
      .handleRaw("completions", () => Door.answer(handlersOf["/v1/chat/completions"]))
      .handleRaw("legacy", () => Door.answer(handlersOf["/v1/completions"]))
      .handleRaw("embeddings", () => Door.answer(handlersOf["/v1/embeddings"]))
      .handleRaw("messages", () => Door.answer(handlersOf["/v1/messages"]))
      .handleRaw("countTokens", () => Door.answer(handlersOf["/v1/messages/count_tokens"]))
      .handleRaw("route", () => Door.answer(handlersOf["/v1/route"]))
  })
)

const ModelsLive = HttpApiBuilder.group(Api, "models", (handlers) =>
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const health = yield* Health
    const list = () => ModelList.make(catalog.snapshot(), health.discovered())
    return handlers
      .handle("list", () => Effect.sync(() => ({ object: "list" as const, data: list() })))
      .handleRaw("get", ({ path }) => {
        const model = list().find(({ id }) => id === path["*"])
        return model === undefined
          ? Door.refuse(HttpRefusal.noSuchModel(path["*"]))
          : Effect.succeed(HttpServerResponse.unsafeJson(model))
      })
  })
)

const HealthLive = HttpApiBuilder.group(Api, "health", (handlers) =>
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const circuits = yield* Circuits
    const health = yield* Health
    const readiness = yield* Readiness
    const database = yield* Database
    const journal = yield* Journal
    return handlers
      .handle("health", () =>
        Effect.clockWith((clock) =>
          Effect.sync(() => {
            const now = clock.unsafeCurrentTimeMillis()
            const { overall } = Status.all(catalog.snapshot().instances, circuits, health, now)
            const stored = database.status()
            const journaled = stored !== "off" && journal.stats().writable
            const isWell = stored === "off" || (journaled && stored !== "down" && stored !== "read_only")
            return {
              status: isWell ? ("ok" as const) : ("degraded" as const),
              redis: false,
              database: stored === "up" || stored === "read_only",
              journal: journaled,
              timestamp: new Date(now).toISOString(),
              instances: { healthy: overall.healthy, recovering: overall.recovering, down: overall.down }
            }
          })
        )
      )
      .handle("livez", () => Effect.succeed({ status: "ok" as const }))
      .handleRaw("readyz", () =>
        Effect.sync(() =>
          readiness.draining()
            ? HttpServerResponse.unsafeJson({ status: "draining" }, { status: 503 })
            : HttpServerResponse.unsafeJson({ status: "ok" })
        )
      )
  })
)

/** Every route of the gateway as one HttpApi, to be served by any HttpServer. */
export const layer = HttpApiSwagger.layer({ path: "/docs" }).pipe(
  Layer.provideMerge(HttpApiBuilder.middlewareOpenApi({ path: "/openapi.json" })),
  Layer.provideMerge(Door.guarded),
  Layer.provideMerge(HttpApiBuilder.api(Api)),
  Layer.provide([
    ChatLive,
    ModelsLive,
    HealthLive,
    AdminHandlers.layer,
    CatalogHandlers.layer,
    HistoryHandlers.layer,
    OperationsHandlers.layer,
    AnalyticsHandlers.layer,
    AlertsHandlers.layer,
    BudgetsHandlers.layer
  ]),
  Layer.provideMerge(HttpApiBuilder.Router.Live),
  Layer.provideMerge(HttpApiBuilder.Middleware.layer)
)
