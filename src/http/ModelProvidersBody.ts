import * as Schema from "effect/Schema"
import type * as Explain from "../routing/Explain.js"
import * as Failover from "../routing/Failover.js"

/** `GET /admin/failover/providers/{model}` and `orelse failover --json`. */
export const ModelProvidersBody = Schema.Struct({
  model: Schema.String,
  /** The one that was asked about; null: all of them. */
  provider: Schema.NullOr(Schema.String),
  /** Is it in service there? That somebody is well is another matter. */
  available: Schema.Boolean,
  /** What the first of them calls it; null: none of them has it. */
  provider_model_id: Schema.NullOr(Schema.String),
  /** In the order in which a request would ask them, then those that it would not. */
  providers: Schema.Array(
    Schema.Struct({
      /** Its place in a plan; null: it is not asked now. */
      priority: Schema.NullOr(Schema.Int),
      provider: Schema.String,
      instance: Schema.String,
      provider_model_id: Schema.String,
      active: Schema.Boolean,
      health: Schema.NullOr(Schema.Literal("healthy", "degraded", "recovering", "unhealthy")),
      response_time_ms: Schema.NullOr(Schema.Number),
      pricing: Schema.NullOr(Schema.Struct({ prompt: Schema.String, completion: Schema.String })),
      /** Why it is not asked now. */
      left_out: Schema.NullOr(Schema.String)
    })
  )
}).annotations({ identifier: "ModelProviders" })
export type ModelProvidersBody = typeof ModelProvidersBody.Type

/** Which of them. */
export const ModelProvidersParams = Schema.Struct({
  /** `false`: also those that are out of service. */
  active: Schema.optional(Schema.String),
  /** An instance or a vendor. */
  provider: Schema.optional(Schema.String)
})

export interface ModelProvidersQuery {
  readonly activeOnly: boolean
  readonly provider?: string | undefined
}

export const make = (
  model: string,
  { activeOnly, provider }: ModelProvidersQuery,
  known: Explain.Knowledge
): ModelProvidersBody => {
  const all = Failover.providersFor(model, { activeOnly }, known)
  const providers = provider === undefined ? all : Failover.of(provider, all)
  return {
    model,
    provider: provider ?? null,
    available:
      provider === undefined ? providers.some(({ active }) => active) : Failover.isAvailable(model, provider, known),
    provider_model_id:
      provider === undefined
        ? (providers[0]?.provider_model_id ?? null)
        : (Failover.providerModelId(model, provider, known) ?? null),
    providers
  }
}
