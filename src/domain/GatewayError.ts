import * as Schema from "effect/Schema"
import { Attempt } from "./Attempt.js"
import { ProviderError } from "./ProviderError.js"

/** The request cannot be served as it is written; no provider was asked. */
export class RequestRejected extends Schema.TaggedError<RequestRejected>()("RequestRejected", {
  message: Schema.String,
  /** The field to change, as `messages[0].role`. */
  param: Schema.optional(Schema.String),
  code: Schema.optional(Schema.String)
}) {}

/** No instance is configured for the model. */
export class ModelNotServed extends Schema.TaggedError<ModelNotServed>()("ModelNotServed", {
  model: Schema.String
}) {
  override get message(): string {
    return `no provider is configured for the model '${this.model}'`
  }
}

/** The only candidate failed, or no further one catches this failure. */
export class ProviderFailed extends Schema.TaggedError<ProviderFailed>()("ProviderFailed", {
  error: ProviderError,
  attempts: Schema.Array(Attempt),
  /** When somebody may be asked again, where all are out, in ms from now. */
  retryAfterMs: Schema.optional(Schema.Number)
}) {
  override get message(): string {
    return this.error.message
  }
}

/** More than one candidate was tried and every one failed. */
export class FallbackExhausted extends Schema.TaggedError<FallbackExhausted>()("FallbackExhausted", {
  attempts: Schema.Array(Attempt),
  /** The earliest time that a provider named, in ms from now. */
  retryAfterMs: Schema.optional(Schema.Number),
  /** False when the same request would fail in the same way. */
  retryable: Schema.Boolean
}) {
  override get message(): string {
    const failures = this.attempts.map((attempt) => `${attempt.instance}: ${attempt.category ?? attempt.outcome}`)
    return `every candidate failed (${failures.join(", ")})`
  }
}

/** The request's deadline passed before a provider had answered. */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  attempts: Schema.Array(Attempt),
  deadlineMs: Schema.Number
}) {
  override get message(): string {
    return `no provider answered within the deadline of ${this.deadlineMs} ms`
  }
}

/** Every candidate is known to be ill or has as many calls as it takes, so nobody was asked. */
export class NobodyAvailable extends Schema.TaggedError<NobodyAvailable>()("NobodyAvailable", {
  model: Schema.String,
  attempts: Schema.Array(Attempt),
  /** Whoever is well has as many calls as its `maxConcurrency`. */
  full: Schema.Boolean,
  /** The earliest recovery that is expected, in ms from now. */
  retryAfterMs: Schema.optional(Schema.Number)
}) {
  override get message(): string {
    return this.full
      ? `every provider of '${this.model}' has as many calls under way as it takes`
      : `no provider of '${this.model}' is available now`
  }
}

/** The request wants an answer from the cache or none (`only-if-cached`), and there is none that would do. */
export class NotCached extends Schema.TaggedError<NotCached>()("NotCached", {}) {
  override get message(): string {
    return "the cache holds no answer to this request, and it must not be asked of a provider (cache-control: only-if-cached)"
  }
}

/** Every way in which `Gateway` can fail. */
export type GatewayError =
  RequestRejected | ModelNotServed | ProviderFailed | FallbackExhausted | DeadlineExceeded | NobodyAvailable | NotCached

/** The calls that were made before the gateway gave up. */
export const attemptsOf = (error: GatewayError): ReadonlyArray<Attempt> => ("attempts" in error ? error.attempts : [])
