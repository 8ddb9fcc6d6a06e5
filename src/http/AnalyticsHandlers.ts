import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Analytics from "../ledger/Analytics.js"
import { RollupStore } from "../ledger/RollupStore.js"
import type { WrongQuery } from "../ledger/TimeRange.js"
import type { DatabaseUnavailable } from "../store/DatabaseError.js"
import { Api } from "./Api.js"
import * as Door from "./HttpApiDoor.js"
import * as HttpRefusal from "./HttpRefusal.js"

/** The routes that tell what was used and what it cost. */
export const layer = HttpApiBuilder.group(Api, "analytics", (handlers) =>
  Effect.gen(function* () {
    const store = yield* RollupStore
    const answer = <A>(asked: Effect.Effect<A, DatabaseUnavailable | WrongQuery, RollupStore>) =>
      asked.pipe(
        Effect.provideService(RollupStore, store),
        Effect.map((found) => HttpServerResponse.unsafeJson(found)),
        Effect.catchTags({
          DatabaseUnavailable: ({ message }) => Door.refuse(HttpRefusal.notRead(message)),
          WrongQuery: ({ message, param }) => Door.refuse(HttpRefusal.wrongType(message, param))
        })
      )
    return handlers
      .handleRaw("summary", ({ urlParams }) => answer(Analytics.summary(urlParams)))
      .handleRaw("daily", ({ urlParams }) => answer(Analytics.daily(urlParams)))
      .handleRaw("projection", ({ urlParams }) => answer(Analytics.projection(urlParams)))
      .handleRaw("metrics", ({ urlParams }) => answer(Analytics.metrics(urlParams)))
      .handleRaw("topModels", ({ urlParams }) => answer(Analytics.topModels(urlParams)))
      .handleRaw("topUsers", ({ urlParams }) => answer(Analytics.topUsers(urlParams)))
  })
)
