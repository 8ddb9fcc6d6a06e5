import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { ResponseCache } from "../cache/ResponseCache.js"
import { Catalog } from "../catalog/Catalog.js"
import { ModelSync } from "../catalog/ModelSync.js"
import * as Doctor from "../gateway/Doctor.js"
import * as HealthTables from "../health/HealthTables.js"
import * as Retention from "../health/Retention.js"
import { Budgets } from "../ledger/Budgets.js"
import { RateLimiter } from "../limits/RateLimiter.js"
import * as Json from "../protocol/Json.js"
import { Planner } from "../routing/Planner.js"
import { Database } from "../store/Database.js"
import { Api } from "./Api.js"
import * as CacheBody from "./CacheBody.js"
import * as CatalogueBody from "./CatalogueBody.js"
import * as DoctorBody from "./DoctorBody.js"
import * as Door from "./HttpApiDoor.js"
import * as HttpRefusal from "./HttpRefusal.js"
import * as LimitsBody from "./LimitsBody.js"
import * as ModelProvidersBody from "./ModelProvidersBody.js"
import * as ModelSyncBody from "./ModelSyncBody.js"

/** The routes of what an operator has done by the gateway. */
export const layer = HttpApiBuilder.group(Api, "operations", (handlers) =>
  Effect.gen(function* () {
    const budgets = yield* Budgets
    const cache = yield* ResponseCache
    const catalog = yield* Catalog
    const database = yield* Database
    const models = yield* ModelSync
    const planner = yield* Planner
    const limiter = yield* RateLimiter

    return handlers
      .handleRaw("syncModels", () =>
        Effect.gen(function* () {
          const body = yield* Door.wholeBody
          if (body instanceof HttpRefusal.HttpRefusal) return yield* Door.refuseBeforeEnd(body)
          const wish = readSync(body.length === 0 ? {} : Json.parsedForReading(body.toString("utf8")))
          if (Either.isLeft(wish) || wish.right.providers?.length === 0) return yield* Door.refuse(notASync)
          const { explain = false, providers } = wish.right
          const synced = yield* models
            .sync({
              instances: providers,
              explain,
              onResult: (result) =>
                Effect.logInfo(`models of ${result.instance}: ${ModelSyncBody.outcome(ModelSyncBody.of(result))}`)
            })
            .pipe(Effect.either)
          return yield* Either.match(synced, {
            onLeft: ({ message }) => Door.refuse(HttpRefusal.nobodyToSync(message)),
            onRight: (results) =>
              Effect.succeed(
                HttpServerResponse.unsafeJson({
                  kept: database.status() === "off" ? "memory" : "database",
                  instances: results.map(ModelSyncBody.of)
                })
              )
          })
        })
      )
      .handleRaw("providersFor", ({ path, urlParams: { active = "true", provider } }) =>
        active !== "true" && active !== "false"
          ? Door.refuse(HttpRefusal.wrongType("'active' must be 'true' or 'false'", "active"))
          : Effect.clockWith((clock) =>
              Effect.map(clock.currentTimeMillis, (now) =>
                HttpServerResponse.unsafeJson(
                  ModelProvidersBody.make(
                    path["*"],
                    { activeOnly: active === "true", provider },
                    planner.knowledge(now, budgets.refused)
                  )
                )
              )
            )
      )
      .handleRaw("doctor", () =>
        Doctor.run.pipe(
          Effect.map((findings) => HttpServerResponse.unsafeJson(DoctorBody.make(findings))),
          Effect.provideService(Database, database),
          Effect.provideService(Planner, planner)
        )
      )
      .handleRaw("prune", ({ urlParams }) => {
        const days = Retention.daysOf(urlParams.older_than)
        return days === undefined
          ? Door.refuse(HttpRefusal.wrongType("'older_than' must be an age, as 30d or 12h", "older_than"))
          : database.use(HealthTables.prune(days)).pipe(
              Effect.tap(() => Effect.logWarning(`an operator pruned what is older than ${urlParams.older_than}`)),
              Effect.map((pruned) => HttpServerResponse.unsafeJson(pruned)),
              Effect.catchAll((error) =>
                Door.refuse(HttpRefusal.notSaved(error._tag === "SqlError" ? "the database refuses" : error.message))
              )
            )
      })
      .handle("limits", () => Effect.sync(() => LimitsBody.make(catalog.snapshot().settings, limiter)))
      .handle("cacheStats", () => Effect.map(cache.stats, CacheBody.make))
      .handle("clearCache", () =>
        cache.clear.pipe(
          Effect.tap((cleared) => Effect.logWarning(`an operator cleared the cache: ${cleared} answers are gone`)),
          Effect.map((cleared) => ({ cleared }))
        )
      )
      .handleRaw("catalogue", ({ urlParams: { instance, limit = "1000", model } }) => {
        const most = /^\d{1,5}$/.test(limit) ? Number(limit) : 0
        return most < 1 || most > 10_000
          ? Door.refuse(HttpRefusal.wrongType("'limit' must be a whole number from 1 to 10000", "limit"))
          : Effect.sync(() =>
              HttpServerResponse.unsafeJson(CatalogueBody.make(catalog.snapshot(), { instance, model, limit: most }))
            )
      })
  })
)

const readSync = Schema.decodeUnknownEither(ModelSyncBody.ModelSyncPayload)

const notASync = HttpRefusal.wrongType(
  "'providers' must be a list of instances or vendors, or absent for all of them, and 'explain' true or false",
  "providers"
)
