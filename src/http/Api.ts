import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { version } from "../config/Version.js"
import {
  ChangePayload,
  CircuitPayload,
  ConfiguredInstance,
  ConfiguredModel,
  EventParams,
  EventsBody,
  ExplanationBody,
  FailoverBody,
  InstanceBody,
  InstancePayload,
  ModelPayload,
  ProvidersBody,
  StrategyBody,
  StrategyPayload
} from "./AdminBodies.js"
import {
  ChatAnswer,
  ChatPayload,
  CountAnswer,
  CountPayload,
  EmbeddingsAnswer,
  EmbeddingsPayload,
  ErrorBody,
  HealthBody,
  InstancePath,
  LegacyPayload,
  Liveness,
  MessagesAnswer,
  MessagesPayload,
  Model,
  RouteAnswer,
  TestResult
} from "./Bodies.js"
import { RequestRow } from "../store/RequestLog.js"
import { AnalyticsGroup } from "./AnalyticsApi.js"
import { AlertsGroup } from "./AlertsApi.js"
import { BudgetsGroup } from "./BudgetsApi.js"
import { OperationsGroup } from "./OperationsApi.js"
import { RoutePayload } from "./RouteHandler.js"

const ChatGroup = HttpApiGroup.make("chat")
  .add(
    HttpApiEndpoint.post("completions", "/v1/chat/completions")
      .setPayload(ChatPayload)
      .addSuccess(ChatAnswer)
      .annotate(
        OpenApi.Description,
        "OpenAI's chat completions, answered by whoever can. With `stream: true` the answer is text/event-stream."
      )
  )
  .add(
    HttpApiEndpoint.post("messages", "/v1/messages")
      .setPayload(MessagesPayload)
      .addSuccess(MessagesAnswer)
      .annotate(
        OpenApi.Description,
        "Anthropic's messages, answered by whoever can. With `stream: true` the answer is text/event-stream. Errors have Anthropic's shape."
      )
  )
  .add(
    HttpApiEndpoint.post("countTokens", "/v1/messages/count_tokens")
      .setPayload(CountPayload)
      .addSuccess(CountAnswer)
      .annotate(
        OpenApi.Description,
        "How many tokens a message has: counted by a provider that can, or else estimated."
      )
  )
  .add(
    HttpApiEndpoint.post("legacy", "/v1/completions")
      .setPayload(LegacyPayload)
      .addSuccess(ChatAnswer)
      .annotate(OpenApi.Description, "OpenAI's legacy completions, passed on to whoever speaks them.")
  )
  .add(
    HttpApiEndpoint.post("embeddings", "/v1/embeddings")
      .setPayload(EmbeddingsPayload)
      .addSuccess(EmbeddingsAnswer)
      .annotate(OpenApi.Description, "OpenAI's embeddings, passed on to whoever speaks them.")
  )
  .add(
    HttpApiEndpoint.post("route", "/v1/route")
      .setPayload(RoutePayload)
      .addSuccess(RouteAnswer)
      .annotate(OpenApi.Description, "One prompt, answered by the model that the operator chose for its kind of task.")
  )

const ModelsGroup = HttpApiGroup.make("models")
  .add(
    HttpApiEndpoint.get("list", "/v1/models").addSuccess(
      Schema.Struct({ object: Schema.Literal("list"), data: Schema.Array(Model) })
    )
  )
  .add(
    HttpApiEndpoint.get("get", "/v1/models/*")
      .setPath(Schema.Struct({ "*": Schema.String }))
      .addSuccess(Model)
      .annotate(OpenApi.Description, "One model by its id, which may hold slashes.")
  )

const HealthGroup = HttpApiGroup.make("health")
  .add(HttpApiEndpoint.get("health", "/health").addSuccess(HealthBody))
  .add(HttpApiEndpoint.get("livez", "/livez").addSuccess(Liveness))
  .add(HttpApiEndpoint.get("readyz", "/readyz").addSuccess(Liveness))

const Refusals = {
  conflict: ErrorBody.annotations(HttpApiSchema.annotations({ status: 409 })),
  notSaved: ErrorBody.annotations(HttpApiSchema.annotations({ status: 503 }))
}

const AdminGroup = HttpApiGroup.make("admin")
  .add(
    HttpApiEndpoint.get("providers", "/admin/providers")
      .addSuccess(ProvidersBody)
      .annotate(OpenApi.Description, "How each instance is, as its calls and checks have shown.")
  )
  .add(
    HttpApiEndpoint.put("circuit", "/admin/providers/:instance/circuit")
      .setPath(InstancePath)
      .setPayload(CircuitPayload)
      .addSuccess(InstanceBody)
      .annotate(
        OpenApi.Description,
        "Holds the circuit of an instance open or closed, or gives it back to its own judgement."
      )
  )
  .add(
    HttpApiEndpoint.post("test", "/admin/providers/:instance/test")
      .setPath(InstancePath)
      .addSuccess(TestResult)
      .annotate(OpenApi.Description, "Asks an instance for its models, which no vendor bills.")
  )
  .add(
    HttpApiEndpoint.get("strategy", "/admin/routing/strategy")
      .addSuccess(StrategyBody)
      .annotate(OpenApi.Description, "How requests are spread over the instances that serve a model.")
  )
  .add(
    HttpApiEndpoint.put("setStrategy", "/admin/routing/strategy")
      .setPayload(StrategyPayload)
      .addSuccess(StrategyBody)
      .addError(Refusals.conflict)
      .addError(Refusals.notSaved)
      .annotate(OpenApi.Description, "Spreads requests in another way from the next one on.")
  )
  .add(
    HttpApiEndpoint.get("failover", "/admin/failover/status")
      .addSuccess(FailoverBody)
      .annotate(OpenApi.Description, "Who would answer each model now, and who would take over.")
  )
  .add(
    HttpApiEndpoint.get("explain", "/admin/failover/model/*")
      .setPath(Schema.Struct({ "*": Schema.String }))
      .addSuccess(ExplanationBody)
      .annotate(
        OpenApi.Description,
        "The plan of a request for a model, whose id may hold slashes: candidates in order, and who is left out and why. Nobody is called."
      )
  )

const ModelPath = Schema.Struct({ "*": Schema.String })

const CatalogGroup = HttpApiGroup.make("catalog")
  .add(
    HttpApiEndpoint.post("addInstance", "/admin/providers")
      .setPayload(InstancePayload)
      .addSuccess(ConfiguredInstance, { status: 201 })
      .addError(Refusals.conflict)
      .addError(Refusals.notSaved)
      .annotate(
        OpenApi.Description,
        "Adds an instance, in the form of the config file. `apiKey` may be a key or a ${VAR} of the environment."
      )
  )
  .add(
    HttpApiEndpoint.patch("changeInstance", "/admin/providers/:instance")
      .setPath(InstancePath)
      .setPayload(ChangePayload)
      .addSuccess(ConfiguredInstance)
      .addError(Refusals.conflict)
      .addError(Refusals.notSaved)
      .annotate(
        OpenApi.Description,
        "Changes the fields of an instance that are sent; null takes one away. `enabled` puts it in or out of service."
      )
  )
  .add(
    HttpApiEndpoint.get("configuredModels", "/admin/models").addSuccess(
      Schema.Struct({ models: Schema.Array(ConfiguredModel) })
    )
  )
  .add(
    HttpApiEndpoint.post("addModel", "/admin/models")
      .setPayload(ModelPayload)
      .addSuccess(ConfiguredModel, { status: 201 })
      .addError(Refusals.conflict)
      .addError(Refusals.notSaved)
      .annotate(OpenApi.Description, "Adds a model and its chain of targets, in the form of the config file.")
  )
  .add(
    HttpApiEndpoint.patch("changeModel", "/admin/models/*")
      .setPath(ModelPath)
      .setPayload(ChangePayload)
      .addSuccess(ConfiguredModel)
      .addError(Refusals.conflict)
      .addError(Refusals.notSaved)
      .annotate(
        OpenApi.Description,
        "Changes the fields of a model that are sent; null takes one away. `enabled: false` takes it out of service, also one that is known by its name alone."
      )
  )
  .add(
    HttpApiEndpoint.del("removeModel", "/admin/models/*")
      .setPath(ModelPath)
      .addSuccess(Schema.Struct({ id: Schema.String, deleted: Schema.Boolean }))
      .addError(Refusals.conflict)
      .addError(Refusals.notSaved)
      .annotate(OpenApi.Description, "Takes back a model that was added over this API.")
  )

const HistoryGroup = HttpApiGroup.make("history")
  .add(
    HttpApiEndpoint.get("request", "/admin/requests/:id")
      .setPath(Schema.Struct({ id: Schema.String }))
      .addSuccess(RequestRow)
      .annotate(
        OpenApi.Description,
        "A finished request by the x-request-id of its answer: what was asked, who was called and who answered, never what was said."
      )
  )
  .add(
    HttpApiEndpoint.get("events", "/admin/events")
      .setUrlParams(EventParams)
      .addSuccess(EventsBody)
      .annotate(OpenApi.Description, "Changes of circuits and checks, and failovers, the latest first.")
  )

/** Every route of the gateway: the contract, the OpenAPI page and the typed client. */
export class Api extends HttpApi.make("orelse")
  .add(ChatGroup)
  .add(ModelsGroup)
  .add(HealthGroup)
  .add(AdminGroup)
  .add(CatalogGroup)
  .add(HistoryGroup)
  .add(OperationsGroup)
  .add(AnalyticsGroup)
  .add(AlertsGroup)
  .add(BudgetsGroup)
  .addError(ErrorBody.annotations(HttpApiSchema.annotations({ status: 400 })))
  .annotate(OpenApi.Title, "orelse")
  .annotate(OpenApi.Version, version)
  .annotate(OpenApi.Description, "An LLM gateway that always answers: this, or else that.") {}
