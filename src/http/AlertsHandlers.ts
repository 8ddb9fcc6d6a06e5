import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { Alerts } from "../alerts/Alerts.js"
import { Api } from "./Api.js"
import * as Door from "./HttpApiDoor.js"
import * as HttpRefusal from "./HttpRefusal.js"

/** The routes of what operators are told of. */
export const layer = HttpApiBuilder.group(Api, "alerts", (handlers) =>
  Effect.gen(function* () {
    const alerts = yield* Alerts
    return handlers
      .handleRaw("latest", ({ urlParams: { limit = "100" } }) => {
        const most = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
        return most < 1 || most > 1_000
          ? Door.refuse(HttpRefusal.wrongType("'limit' must be a whole number from 1 to 1000", "limit"))
          : Effect.map(alerts.latest(most), (found) => HttpServerResponse.unsafeJson(found))
      })
      .handle("test", () =>
        Effect.map(alerts.test, (webhooks) => ({
          webhooks: webhooks.map(({ message = null, ms, ok, status = null, webhook }) => ({
            webhook,
            ok,
            status,
            ms,
            message
          }))
        }))
      )
  })
)
