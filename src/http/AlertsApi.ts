import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { AlertRow } from "../alerts/Outbox.js"

/** `GET /admin/alerts` and `orelse alerts --json`; the latest first. */
export const AlertsBody = Schema.Struct({
  alerts: Schema.Array(AlertRow),
  /** Deliveries that are still to be made. */
  undelivered: Schema.Int
}).annotations({ identifier: "Alerts" })
export type AlertsBody = typeof AlertsBody.Type

/** `POST /admin/alerts/test`: how each webhook took it. */
export const AlertsTestBody = Schema.Struct({
  webhooks: Schema.Array(
    Schema.Struct({
      /** Its host, and a part of a hash of its address. */
      webhook: Schema.String,
      ok: Schema.Boolean,
      /** Null: it did not answer. */
      status: Schema.NullOr(Schema.Int),
      ms: Schema.Int,
      message: Schema.NullOr(Schema.String)
    })
  )
}).annotations({ identifier: "AlertsTest" })
export type AlertsTestBody = typeof AlertsTestBody.Type

/** What operators are told of by webhooks. */
export const AlertsGroup = HttpApiGroup.make("alerts")
  .add(
    HttpApiEndpoint.get("latest", "/admin/alerts")
      .setUrlParams(Schema.Struct({ limit: Schema.optional(Schema.String) }))
      .addSuccess(AlertsBody)
      .annotate(
        OpenApi.Description,
        "Alerts and what became of them at each webhook, the latest first; 100 without `limit`."
      )
  )
  .add(
    HttpApiEndpoint.post("test", "/admin/alerts/test")
      .addSuccess(AlertsTestBody)
      .annotate(OpenApi.Description, "Posts a test to every webhook of the configuration, and says how each took it.")
  )
