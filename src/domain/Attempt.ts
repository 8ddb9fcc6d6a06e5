import * as Schema from "effect/Schema"
import { ErrorCategory } from "./ErrorCategory.js"
import { Money } from "./Money.js"
import { Usage } from "./Usage.js"

/** What one call to a provider did. The trace, the log and every error that ends a request show these. */
export const Attempt = Schema.Struct({
  instance: Schema.String,
  /** Vendor slug. */
  provider: Schema.String,
  /** The provider's own id of the model. */
  model: Schema.String,
  /** Unix time in ms. */
  startedAt: Schema.Number,
  ms: Schema.Number,
  outcome: Schema.Literal("success", "failure", "cancelled"),
  /** Present when it failed. */
  category: Schema.optional(ErrorCategory),
  /** HTTP status of the provider's answer, when there was one. */
  status: Schema.optional(Schema.Int),
  /** A safe sentence about the failure. */
  message: Schema.optional(Schema.String),
  usage: Schema.optional(Usage),
  /** Absent is unknown, never zero. */
  cost: Schema.optional(Money)
})
export type Attempt = typeof Attempt.Type
