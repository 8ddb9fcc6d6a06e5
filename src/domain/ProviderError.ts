import * as Schema from "effect/Schema"
import type { ErrorCategory } from "./ErrorCategory.js"

/**
 * The part that every failure of a provider shares. `message` is safe to show to a caller: it never holds a key, a URL or
 * the provider's own words where those could hold one.
 */
const shared = {
  /** Vendor slug, for example `openai`. */
  provider: Schema.String,
  /** The account or endpoint that failed. */
  instance: Schema.String,
  /** The provider's own id of the model. */
  model: Schema.String,
  message: Schema.String,
  /** HTTP status, when there was an answer. */
  status: Schema.optional(Schema.Int),
  /** The vendor's own error code or type. */
  code: Schema.optional(Schema.String),
  /** The field of the request that the provider objected to. */
  param: Schema.optional(Schema.String),
  /** How long the provider asked to be left alone, in ms. */
  retryAfterMs: Schema.optional(Schema.Number),
  /** The provider's `x-should-retry`. */
  shouldRetry: Schema.optional(Schema.Boolean)
}

/** Too many requests or tokens for now; passes by itself. */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", shared) {
  readonly category = "rate_limit"
}

/** The gateway's key for this instance is wrong, expired or not allowed. */
export class AuthFailed extends Schema.TaggedError<AuthFailed>()("AuthFailed", shared) {
  readonly category = "auth"
}

/** 5xx or overloaded: the provider is there and cannot serve. */
export class ProviderUnavailable extends Schema.TaggedError<ProviderUnavailable>()("ProviderUnavailable", shared) {
  readonly category = "provider_unavailable"
}

/** Credit or a spend limit is used up; does not pass by waiting a moment. */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()("QuotaExceeded", shared) {
  readonly category = "provider_quota_exceeded"
}

/**
 * Which of the time limits passed: `connect`, `first_token` and `idle` are the instance's, `total` bounds one attempt,
 * `share` is what the deadline left to this candidate, `deadline` is the whole request's.
 */
export const TimeoutPhase = Schema.Literal("connect", "first_token", "idle", "total", "share", "deadline")
export type TimeoutPhase = typeof TimeoutPhase.Type

/** A time limit passed before the provider was done. */
export class ProviderTimeout extends Schema.TaggedError<ProviderTimeout>()("ProviderTimeout", {
  ...shared,
  phase: TimeoutPhase
}) {
  readonly category = "timeout"
}

/** No answer at all, or one that broke off: refused, reset, DNS, TLS. */
export class NetworkFailed extends Schema.TaggedError<NetworkFailed>()("NetworkFailed", shared) {
  readonly category = "network"
}

/** This instance does not know the model, or may not use it. */
export class ModelNotFound extends Schema.TaggedError<ModelNotFound>()("ModelNotFound", shared) {
  readonly category = "model_not_found"
}

/** The request is longer than the model's context window. */
export class ContextLengthExceeded extends Schema.TaggedError<ContextLengthExceeded>()(
  "ContextLengthExceeded",
  shared
) {
  readonly category = "context_length"
}

/** Refused by the provider's moderation. */
export class ContentFiltered extends Schema.TaggedError<ContentFiltered>()("ContentFiltered", shared) {
  readonly category = "content_filter"
}

/** The provider says that the request itself is wrong. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", shared) {
  readonly category = "invalid_request"
}

/** A success that is none: no JSON, no answer in it, or a stream that ended before its end. */
export class MalformedResponse extends Schema.TaggedError<MalformedResponse>()("MalformedResponse", shared) {
  readonly category = "malformed_response"
}

/** Everything that can go wrong with one call to a provider. Closed: each member has exactly one category. */
export const ProviderError = Schema.Union(
  RateLimited,
  AuthFailed,
  ProviderUnavailable,
  QuotaExceeded,
  ProviderTimeout,
  NetworkFailed,
  ModelNotFound,
  ContextLengthExceeded,
  ContentFiltered,
  InvalidRequest,
  MalformedResponse
)
export type ProviderError = typeof ProviderError.Type

/** Every category but `timeout`, whose error also carries its phase. */
const byCategory = {
  rate_limit: RateLimited,
  auth: AuthFailed,
  provider_unavailable: ProviderUnavailable,
  provider_quota_exceeded: QuotaExceeded,
  network: NetworkFailed,
  model_not_found: ModelNotFound,
  context_length: ContextLengthExceeded,
  content_filter: ContentFiltered,
  invalid_request: InvalidRequest,
  malformed_response: MalformedResponse
} satisfies { [C in Exclude<ErrorCategory, "timeout">]: new (fields: ErrorFields) => { readonly category: C } }

export type ErrorFields = Schema.Struct.Constructor<typeof shared>

/** The error of a category. `timeout` from a provider's own words (408, 504) counts as its total time. */
export const make = (category: ErrorCategory, fields: ErrorFields): ProviderError =>
  category === "timeout" ? new ProviderTimeout({ ...fields, phase: "total" }) : new byCategory[category](fields)
