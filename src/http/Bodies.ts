import * as Schema from "effect/Schema"
import { CatchRule } from "../domain/ErrorCategory.js"
import { MidStream } from "../domain/MidStream.js"

/** What the public routes take and answer, as far as the gateway itself reads or writes it. */

/** Members that reach the provider untouched, or that the provider answers with. */
const more = { key: Schema.String, value: Schema.Unknown }

/** OpenAI's error object, with `attempts` where several calls were made. */
export const ErrorBody = Schema.Struct({
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

const Names = Schema.Array(Schema.String)

const Sort = Schema.Literal("price", "latency", "throughput")

/** OpenRouter's object; its other members are OpenRouter's to judge. */
const Preferences = Schema.Struct(
  {
    order: Schema.optional(Names),
    only: Schema.optional(Names),
    ignore: Schema.optional(Names),
    allow_fallbacks: Schema.optional(Schema.Boolean),
    require_parameters: Schema.optional(Schema.Boolean),
    sort: Schema.optional(Sort),
    max_price: Schema.optional(
      Schema.Struct({ prompt: Schema.optional(Schema.Number), completion: Schema.optional(Schema.Number) })
    )
  },
  more
)

/** What the routes share that ask for a model: all that orelse reads itself. Other fields reach the provider untouched. */
const shared = {
  model: Schema.String,
  models: Schema.optional(Schema.Array(Schema.String)),
  require: Schema.optional(Schema.Literal("lossless")),
  mid_stream: Schema.optional(MidStream),
  provider: Schema.optional(Preferences),
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

const Messages = Schema.Array(Schema.Struct({ role: Schema.String }, more))

export const ChatPayload = Schema.Struct(
  {
    ...shared,
    user: Schema.optional(Schema.String),
    prompt_cache_key: Schema.optional(Schema.String),
    messages: Messages,
    stream: Schema.optional(Schema.Boolean)
  },
  more
).annotations({ identifier: "ChatRequest" })

export const ChatAnswer = Schema.Struct(
  { id: Schema.String, object: Schema.String, choices: Schema.Array(Schema.Unknown) },
  more
).annotations({ identifier: "ChatAnswer" })

export const MessagesPayload = Schema.Struct(
  {
    ...shared,
    max_tokens: Schema.Int,
    messages: Messages,
    stream: Schema.optional(Schema.Boolean)
  },
  more
).annotations({ identifier: "MessagesRequest" })

export const MessagesAnswer = Schema.Struct(
  { id: Schema.String, type: Schema.Literal("message"), content: Schema.Array(Schema.Unknown) },
  more
).annotations({ identifier: "MessagesAnswer" })

export const CountPayload = Schema.Struct({ ...shared, messages: Messages }, more).annotations({
  identifier: "CountRequest"
})

export const CountAnswer = Schema.Struct({ input_tokens: Schema.Int }).annotations({ identifier: "CountAnswer" })

export const LegacyPayload = Schema.Struct(
  {
    ...shared,
    prompt: Schema.Unknown,
    stream: Schema.optional(Schema.Boolean)
  },
  more
).annotations({ identifier: "CompletionRequest" })

export const EmbeddingsPayload = Schema.Struct({ ...shared, input: Schema.Unknown }, more).annotations({
  identifier: "EmbeddingsRequest"
})

export const EmbeddingsAnswer = Schema.Struct(
  { object: Schema.Literal("list"), data: Schema.Array(Schema.Unknown) },
  more
).annotations({ identifier: "EmbeddingsAnswer" })

export const RouteAnswer = Schema.Struct({
  content: Schema.String,
  provider: Schema.String,
  instance: Schema.String,
  model: Schema.String,
  tokensUsed: Schema.NullOr(Schema.Int),
  cost: Schema.NullOr(Schema.String),
  attempts: Schema.Array(AttemptBody),
  requestId: Schema.String
}).annotations({ identifier: "RouteAnswer" })

export const Model = Schema.Struct({
  id: Schema.String,
  object: Schema.Literal("model"),
  created: Schema.Int,
  owned_by: Schema.String
}).annotations({ identifier: "Model" })

export const HealthBody = Schema.Struct({
  status: Schema.Literal("ok", "degraded"),
  redis: Schema.Boolean,
  database: Schema.Boolean,
  journal: Schema.Boolean,
  timestamp: Schema.String,
  instances: Schema.Struct({ healthy: Schema.Int, recovering: Schema.Int, down: Schema.Int })
}).annotations({ identifier: "Health" })

export const Liveness = Schema.Struct({ status: Schema.Literal("ok", "draining") })

export const TestResult = Schema.Struct({
  instance: Schema.String,
  ok: Schema.Boolean,
  ms: Schema.Number,
  models: Schema.Int,
  message: Schema.NullOr(Schema.String)
}).annotations({ identifier: "TestResult" })

export const InstancePath = Schema.Struct({ instance: Schema.String })
