import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { CatalogueBody, CatalogueParams } from "./CatalogueBody.js"
import { DoctorBody } from "./DoctorBody.js"
import { LimitsBody } from "./LimitsBody.js"
import { ModelProvidersBody, ModelProvidersParams } from "./ModelProvidersBody.js"
import { PrunedBody, PruneParams } from "./PrunedBody.js"
import { ModelSyncBody, ModelSyncPayload } from "./ModelSyncBody.js"

/** What an operator has done by the gateway, and asks of what it keeps; the subcommands do it over these routes. */
export const OperationsGroup = HttpApiGroup.make("operations")
  .add(
    HttpApiEndpoint.post("syncModels", "/admin/models/sync")
      .setPayload(ModelSyncPayload)
      .addSuccess(ModelSyncBody)
      .annotate(
        OpenApi.Description,
        "Asks the instances for their models, prices and context windows, and keeps them in the catalogue. Takes as long as the slowest of them."
      )
  )
  .add(
    HttpApiEndpoint.get("catalogue", "/admin/catalogue")
      .setUrlParams(CatalogueParams)
      .addSuccess(CatalogueBody)
      .annotate(OpenApi.Description, "What the instances have listed: a row for each model of each instance.")
  )
  .add(
    HttpApiEndpoint.get("providersFor", "/admin/failover/providers/*")
      .setPath(Schema.Struct({ "*": Schema.String }))
      .setUrlParams(ModelProvidersParams)
      .addSuccess(ModelProvidersBody)
      .annotate(
        OpenApi.Description,
        "Who serves a model, whose id may hold slashes, in the order in which a request would ask them, and under which name; then who would not be asked and why."
      )
  )
  .add(
    HttpApiEndpoint.post("doctor", "/admin/doctor")
      .addSuccess(DoctorBody)
      .annotate(
        OpenApi.Description,
        "Ten checks of the database, the last of them a rehearsal of a failover. Nothing is changed, and nobody is called."
      )
  )
  .add(
    HttpApiEndpoint.del("prune", "/admin/events")
      .setUrlParams(PruneParams)
      .addSuccess(PrunedBody)
      .annotate(
        OpenApi.Description,
        "Takes away events, samples of health and requests that are older than `older_than`, as 30d or 12h."
      )
  )
  .add(
    HttpApiEndpoint.get("limits", "/admin/limits")
      .addSuccess(LimitsBody)
      .annotate(
        OpenApi.Description,
        "What is left of each limit of requests and tokens a minute, of instances and of callers, and who waits for it."
      )
  )
