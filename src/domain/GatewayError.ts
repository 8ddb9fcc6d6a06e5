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
  /** Whoever is well was asked as much in this minute as its `rateLimit` allows. */
  limited: Schema.optional(Schema.Boolean),
  /** The earliest recovery that is expected, in ms from now. */
  retryAfterMs: Schema.optional(Schema.Number)
}) {
  override get message(): string {
    if (this.limited === true)
      return `every provider of '${this.model}' has reached its limit of requests or tokens a minute`
    return this.full
      ? `every provider of '${this.model}' has as many calls under way as it takes`
      : `no provider of '${this.model}' is available now`
  }
}

/** No budget pays for the request, whoever would answer it; nobody was asked. */
export class BudgetExceeded extends Schema.TaggedError<BudgetExceeded>()("BudgetExceeded", {
  /** Whose budget, as `provider:openai`. */
  scope: Schema.String,
  period: Schema.optional(Schema.String),
  /** Unix ms; when there is more. */
  resetsAt: Schema.optional(Schema.Number)
}) {
  override get message(): string {
    const again = this.resetsAt === undefined ? "" : `; it has more from ${new Date(this.resetsAt).toISOString()} on`
    return `the ${this.period === undefined ? "" : `${this.period} `}budget ${this.scope} does not pay for this request${again}`
  }
}

/** A hard budget applies, and nobody knows what the request may cost at most. */
export class CostUnbounded extends Schema.TaggedError<CostUnbounded>()("CostUnbounded", { scope: Schema.String }) {
  override get message(): string {
    return (
      `the budget ${this.scope} is a hard one, and the most that this request can cost is not known: ` +
      "set max_tokens, or give the model a price or the budget a worstCase"
    )
  }
}

/** A hard budget applies, and at this moment nobody can say what is left of it or write down what it pays for. */
export class BudgetUnavailable extends Schema.TaggedError<BudgetUnavailable>()("BudgetUnavailable", {
  scope: Schema.String
}) {
  override get message(): string {
    return `the budget ${this.scope} cannot be asked or written at this moment; try again`
  }
}

/** The caller has used up a limit of its own, so nobody was asked. */
export class LimitReached extends Schema.TaggedError<LimitReached>()("LimitReached", {
  /** Whom the limit holds, as in the config file: `global`, `user:*`. */
  scope: Schema.String,
  kind: Schema.Literal("requests", "tokens"),
  perMinute: Schema.Number,
  /** The most that may be taken at once. */
  capacity: Schema.Number,
  /** How much the request wants. */
  wanted: Schema.Number,
  /** When that may be there, in ms from now; absent: never. */
  retryAfterMs: Schema.optional(Schema.Number)
}) {
  override get message(): string {
    const { capacity, kind, perMinute, retryAfterMs, scope, wanted } = this
    const [name = scope] = scope.split(":")
    const whose = name === "global" ? "all callers together" : `this ${name}`
    if (retryAfterMs === undefined) {
      return `the request takes about ${wanted} ${kind}, and ${whose} may take ${capacity} at once: send less, or ask for a shorter answer`
    }
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
    return `the limit of ${perMinute} ${kind} a minute for ${whose} is reached; try again in ${seconds} s`
  }
}

/** Every way in which `Gateway` can fail. */
export type GatewayError =
  | BudgetExceeded
  | BudgetUnavailable
  | CostUnbounded
  | LimitReached
  | RequestRejected
  | ModelNotServed
  | ProviderFailed
  | FallbackExhausted
  | DeadlineExceeded
  | NobodyAvailable

/** The calls that were made before the gateway gave up. */
export const attemptsOf = (error: GatewayError): ReadonlyArray<Attempt> => ("attempts" in error ? error.attempts : [])
