import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { CostProjection, CostSummary, DailyCosts, Metrics, TopModels, TopUsers } from "../ledger/Reports.js"
import { ErrorBody } from "./Bodies.js"

const text = Schema.optional(Schema.String)

/** Which time: the last `days` days of the time zone, today included, or from `from` to `to`; 30 days of UTC if nothing is said. */
const range = {
  /** From 1 to 400. */
  days: text,
  /** A day, as 2026-01-31, or a time with its offset, as 2026-01-31T12:00:00Z; the same for `to`, of which a day is meant with all of it. */
  from: text,
  to: text,
  /** As Europe/Berlin. */
  time_zone: text
}

/** `global`, or as `provider:openai`, `instance:`, `model:`, `user:` or `key:`. */
const scope = text

/** `by` is cost, requests or tokens; `limit` goes up to 1000. */
const top = Schema.Struct({ ...range, by: text, limit: text })

/** What was used and what it cost. The ledger's sums of quarters of an hour are asked, so each answers in a moment. */
export const AnalyticsGroup = HttpApiGroup.make("analytics")
  .add(
    HttpApiEndpoint.get("summary", "/admin/costs/summary")
      .setUrlParams(Schema.Struct(range))
      .addSuccess(CostSummary)
      .annotate(OpenApi.Description, "What each provider has cost.")
  )
  .add(
    HttpApiEndpoint.get("daily", "/admin/costs/daily")
      .setUrlParams(Schema.Struct({ ...range, scope }))
      .addSuccess(DailyCosts)
      .annotate(OpenApi.Description, "What each day has cost, also those that cost nothing.")
  )
  .add(
    HttpApiEndpoint.get("projection", "/admin/costs/projection")
      .setUrlParams(Schema.Struct({ days: text, time_zone: text, scope }))
      .addSuccess(CostProjection)
      .annotate(
        OpenApi.Description,
        "What a day, 30 days and this calendar month will cost, each with a range, by the last whole days: 30 if `days` does not say less."
      )
  )
  .add(
    HttpApiEndpoint.get("metrics", "/admin/metrics")
      .setUrlParams(Schema.Struct(range))
      .addSuccess(Metrics)
      .annotate(OpenApi.Description, "Requests, success rate, latency and cost of each provider.")
  )
  .add(
    HttpApiEndpoint.get("topModels", "/admin/top-models")
      .setUrlParams(top)
      .addSuccess(TopModels)
      .annotate(OpenApi.Description, "The models that are asked most often, or by what `by` says.")
  )
  .add(
    HttpApiEndpoint.get("topUsers", "/admin/top-users")
      .setUrlParams(top)
      .addSuccess(TopUsers)
      .annotate(OpenApi.Description, "The users who cost most, or by what `by` says.")
  )
  .addError(ErrorBody.annotations(HttpApiSchema.annotations({ status: 503 })))
