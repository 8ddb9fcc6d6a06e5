import * as Schema from "effect/Schema"
import { strategies } from "../config/Settings.js"
import { CatchRule } from "../domain/ErrorCategory.js"
import { MidStream } from "../domain/MidStream.js"
import { EventRow } from "../store/EventLog.js"

/** What the admin routes answer; also what the subcommands read from a running gateway. */

const Millis = Schema.NullOr(Schema.Number)

const StatusWord = Schema.Literal("healthy", "degraded", "recovering", "unhealthy")

export const InstanceBody = Schema.Struct({
  instance: Schema.String,
  provider: Schema.String,
  status: StatusWord,
  circuit: Schema.Literal("closed", "open", "half_open"),
  consecutive_failures: Schema.Int,
  retry_in_s: Schema.NullOr(Schema.Int),
  error_rate: Schema.NullOr(Schema.Number),
  latency_ms: Schema.Struct({ p50: Millis, p95: Millis, p99: Millis })
}).annotations({ identifier: "Instance" })

/** `GET /admin/providers` and `orelse stats --json`. */
export const ProvidersBody = Schema.Struct({
  instances: Schema.Array(InstanceBody),
  overall: Schema.Struct({ healthy: Schema.Int, recovering: Schema.Int, down: Schema.Int, total: Schema.Int }),
  /** Ids of those that are out of service; nobody asks how they are. */
  disabled: Schema.Array(Schema.String),
  /** What was changed over the admin API and is not in force, and why. */
  unfit: Schema.Array(Schema.Struct({ instance: Schema.String, reason: Schema.String }))
}).annotations({ identifier: "Providers" })
export type ProvidersBody = typeof ProvidersBody.Type

/** `GET /admin/failover/model/{model_id}` and `orelse explain --json`. */
export const ExplanationBody = Schema.Struct({
  model: Schema.String,
  strategy: Schema.Literal(...strategies),
  providers_available: Schema.Int,
  failover_order: Schema.Array(
    Schema.Struct({
      priority: Schema.Int,
      provider: Schema.String,
      instance: Schema.String,
      provider_model_id: Schema.String,
      catch_errors: Schema.NullOr(Schema.Array(CatchRule)),
      health: Schema.NullOr(StatusWord),
      response_time_ms: Millis,
      pricing: Schema.NullOr(Schema.Struct({ prompt: Schema.String, completion: Schema.String }))
    })
  ),
  excluded: Schema.Array(
    Schema.Struct({
      instance: Schema.String,
      provider_model_id: Schema.String,
      reason: Schema.String,
      detail: Schema.String
    })
  ),
  recommendation: Schema.String,
  max_attempts: Schema.Int,
  max_cost_usd: Schema.NullOr(Schema.String),
  deadline_ms: Schema.Number,
  waits_ms: Schema.Number,
  mid_stream: MidStream
}).annotations({ identifier: "Explanation" })
export type ExplanationBody = typeof ExplanationBody.Type

/** `GET /admin/failover/status`. */
export const FailoverBody = Schema.Struct({
  total_models: Schema.Int,
  models_with_failover: Schema.Int,
  failover_status: Schema.Array(
    Schema.Struct({
      model: Schema.String,
      providers_count: Schema.Int,
      primary: Schema.NullOr(Schema.String),
      fallback: Schema.NullOr(Schema.String),
      has_failover: Schema.Boolean
    })
  )
}).annotations({ identifier: "FailoverStatus" })

const Weights = Schema.Record({ key: Schema.String, value: Schema.NonNegative })

/** `PUT /admin/routing/strategy`. */
export const StrategyPayload = Schema.Struct({
  strategy: Schema.Literal(...strategies),
  /** Instance -> weight, for `weighted`; absent: as they are. */
  weights: Schema.optional(Weights)
}).annotations({ identifier: "StrategyChange" })

/** How requests are spread. */
export const StrategyBody = Schema.Struct({ strategy: Schema.Literal(...strategies), weights: Weights }).annotations({
  identifier: "Strategy"
})

/** `PUT /admin/providers/{instance}/circuit`. */
export const CircuitPayload = Schema.Struct({ state: Schema.Literal("open", "closed", "auto") }).annotations({
  identifier: "Circuit"
})

/** An instance or a model in the form of the config file. */
const FileForm = { key: Schema.String, value: Schema.Unknown }

/** `POST /admin/providers`. */
export const InstancePayload = Schema.Struct({ id: Schema.String, provider: Schema.String }, FileForm).annotations({
  identifier: "NewInstance"
})

/** `POST /admin/models`. */
export const ModelPayload = Schema.Struct(
  {
    id: Schema.String,
    targets: Schema.Array(Schema.Struct({ instance: Schema.String, model: Schema.String }, FileForm))
  },
  FileForm
).annotations({ identifier: "NewModel" })

/** `PATCH`: fields that change; null takes one away. */
export const ChangePayload = Schema.Struct({ enabled: Schema.optional(Schema.Boolean) }, FileForm).annotations({
  identifier: "Change"
})

const Source = Schema.Literal("config", "api")

/** An instance as it is configured now, without its key. */
export const ConfiguredInstance = Schema.Struct(
  { id: Schema.String, provider: Schema.String, enabled: Schema.Boolean, has_key: Schema.Boolean, source: Source },
  FileForm
).annotations({ identifier: "ConfiguredInstance" })

/** A model as it is configured now. */
export const ConfiguredModel = Schema.Struct(
  { id: Schema.String, enabled: Schema.Boolean, source: Source },
  FileForm
).annotations({ identifier: "ConfiguredModel" })

/** `GET /admin/events` and `orelse events --json`; the latest first. */
export const EventsBody = Schema.Struct({ events: Schema.Array(EventRow) }).annotations({ identifier: "Events" })
export type EventsBody = typeof EventsBody.Type

/** Which events are asked for. */
export const EventParams = Schema.Struct({
  /** From 1 to 1000; 100 where it is not said. */
  limit: Schema.optional(Schema.String),
  /** ISO 8601. */
  since: Schema.optional(Schema.String),
  instance: Schema.optional(Schema.String),
  /** An `event_type`. */
  type: Schema.optional(Schema.String)
})
