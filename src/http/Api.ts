import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { version } from "../config/Version.js"
import { CatchRule } from "../domain/ErrorCategory.js"
import { MidStream } from "../domain/MidStream.js"
import {
  CircuitPayload,
  ExplanationBody,
  FailoverBody,
  InstanceBody,
  ProvidersBody,
  StrategyBody,
  StrategyPayload
} from "./AdminBodies.js"
import { RoutePayload } from "./RouteHandler.js"

/** OpenAI's error object, with `attempts` where several calls were made. */
const ErrorBody = Schema.Struct({
  error: Schema.Struct({
    message: Schema.String,
    type: Schema.String,
    param: Schema.NullOr(Schema.String),
    code: Schema.NullOr(Schema.String),
    attempts: Schema.optional(Schema.Array(Schema.suspend(() => AttemptBody)))
  })
}).annotations({ identifier: "Error" })

const AttemptBody = Schema.Struct({
  instance: Schema.String,
  provider: Schema.String,
  model: Schema.String,
  outcome: Schema.Literal("success", "failure", "cancelled"),
  category: Schema.NullOr(Schema.String),
  status: Schema.NullOr(Schema.Int),
  ms: Schema.Number,
  /** USD as a decimal string; null is unknown. */
  cost: Schema.NullOr(Schema.String),
  message: Schema.optional(Schema.String),
  /** Characters of a broken stream that it was to go on with. */
  continued_at: Schema.optional(Schema.Int)
}).annotations({ identifier: "Attempt" })

/** What the routes share that ask for a model: all that orelse reads itself. Other fields reach the provider untouched. */
const shared = {
  model: Schema.String,
  models: Schema.optional(Schema.Array(Schema.String)),
  require: Schema.optional(Schema.Literal("lossless")),
  mid_stream: Schema.optional(MidStream),
  fallback: Schema.optional(
    Schema.Struct({
      enabled: Schema.optional(Schema.Boolean),
      max_retries_per_provider: Schema.optional(Schema.NonNegativeInt),
      providers: Schema.Array(
        Schema.Struct({
          provider: Schema.String,
          model_name: Schema.String,
          base_url: Schema.optional(Schema.NullOr(Schema.String)),
          max_tokens: Schema.optional(Schema.NullOr(Schema.Int)),
          temperature: Schema.optional(Schema.NullOr(Schema.Number)),
          catch_errors: Schema.optional(Schema.NullOr(Schema.Array(CatchRule)))
        })
      )
    })
  )
}

const Messages = Schema.Array(Schema.Struct({ role: Schema.String }, { key: Schema.String, value: Schema.Unknown }))

const ChatPayload = Schema.Struct({
  ...shared,
  messages: Messages,
  stream: Schema.optional(Schema.Boolean)
}).annotations({ identifier: "ChatRequest" })

const ChatAnswer = Schema.Struct(
  { id: Schema.String, object: Schema.String, choices: Schema.Array(Schema.Unknown) },
  { key: Schema.String, value: Schema.Unknown }
).annotations({ identifier: "ChatAnswer" })

const MessagesPayload = Schema.Struct({
  ...shared,
  max_tokens: Schema.Int,
  messages: Messages,
  stream: Schema.optional(Schema.Boolean)
}).annotations({ identifier: "MessagesRequest" })

const MessagesAnswer = Schema.Struct(
  { id: Schema.String, type: Schema.Literal("message"), content: Schema.Array(Schema.Unknown) },
  { key: Schema.String, value: Schema.Unknown }
).annotations({ identifier: "MessagesAnswer" })

const CountPayload = Schema.Struct({ ...shared, messages: Messages }).annotations({ identifier: "CountRequest" })

const CountAnswer = Schema.Struct({ input_tokens: Schema.Int }).annotations({ identifier: "CountAnswer" })

const LegacyPayload = Schema.Struct({
  ...shared,
  prompt: Schema.Unknown,
  stream: Schema.optional(Schema.Boolean)
}).annotations({ identifier: "CompletionRequest" })

const EmbeddingsPayload = Schema.Struct({ ...shared, input: Schema.Unknown }).annotations({
  identifier: "EmbeddingsRequest"
})

const EmbeddingsAnswer = Schema.Struct(
  { object: Schema.Literal("list"), data: Schema.Array(Schema.Unknown) },
  { key: Schema.String, value: Schema.Unknown }
).annotations({ identifier: "EmbeddingsAnswer" })

const RouteAnswer = Schema.Struct({
  content: Schema.String,
  provider: Schema.String,
  instance: Schema.String,
  model: Schema.String,
  tokensUsed: Schema.NullOr(Schema.Int),
  cost: Schema.NullOr(Schema.String),
  attempts: Schema.Array(AttemptBody),
  requestId: Schema.String
}).annotations({ identifier: "RouteAnswer" })

const Model = Schema.Struct({
  id: Schema.String,
  object: Schema.Literal("model"),
  created: Schema.Int,
  owned_by: Schema.String
}).annotations({ identifier: "Model" })

const HealthBody = Schema.Struct({
  status: Schema.Literal("ok", "degraded"),
  redis: Schema.Boolean,
  database: Schema.Boolean,
  timestamp: Schema.String,
  instances: Schema.Struct({ healthy: Schema.Int, recovering: Schema.Int, down: Schema.Int })
}).annotations({ identifier: "Health" })

const Liveness = Schema.Struct({ status: Schema.Literal("ok", "draining") })

const TestResult = Schema.Struct({
  instance: Schema.String,
  ok: Schema.Boolean,
  ms: Schema.Number,
  models: Schema.Int,
  message: Schema.NullOr(Schema.String)
}).annotations({ identifier: "TestResult" })

const InstancePath = Schema.Struct({ instance: Schema.String })

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
    HttpApiEndpoint.put("reroute", "/admin/routing/strategy")
      .setPayload(StrategyPayload)
      .addSuccess(StrategyBody)
      .annotate(
        OpenApi.Description,
        "Spreads requests in another way from the next one on, until the gateway is started again."
      )
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

/** Every route of the gateway: the contract, the OpenAPI page and the typed client. */
export class Api extends HttpApi.make("orelse")
  .add(ChatGroup)
  .add(ModelsGroup)
  .add(HealthGroup)
  .add(AdminGroup)
  .addError(ErrorBody.annotations(HttpApiSchema.annotations({ status: 400 })))
  .annotate(OpenApi.Title, "orelse")
  .annotate(OpenApi.Version, version)
  .annotate(OpenApi.Description, "An LLM gateway that always answers: this, or else that.") {}
