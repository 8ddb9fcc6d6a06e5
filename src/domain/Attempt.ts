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
  /** Set when it failed. */
  category: Schema.UndefinedOr(ErrorCategory),
  /** HTTP status of the provider's answer, when there was one. */
  status: Schema.UndefinedOr(Schema.Int),
  /** A safe sentence about the failure. */
  message: Schema.UndefinedOr(Schema.String),
  usage: Schema.UndefinedOr(Usage),
  /** `undefined` is unknown, never zero. */
  cost: Schema.UndefinedOr(Money),
  /** Set where it was to go on with a broken stream: characters of the answer that stood before it. */
  continuedAt: Schema.optional(Schema.Int)
})
export type Attempt = typeof Attempt.Type
