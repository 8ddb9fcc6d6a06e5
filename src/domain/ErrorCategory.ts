import * as Schema from "effect/Schema"

/**
 * What kind of failure a provider's answer was. `catch` and `catch_errors` are written in these words, and every
 * `ProviderError` has exactly one of them.
 */
export const ErrorCategory = Schema.Literal(
  "rate_limit",
  "auth",
  "provider_unavailable",
  "provider_quota_exceeded",
  "timeout",
  "network",
  "model_not_found",
  "context_length",
  "content_filter",
  "invalid_request",
  "malformed_response"
)
export type ErrorCategory = typeof ErrorCategory.Type

/** One entry of `catch` or `catch_errors`: a category, or `all`, which is any failure of a provider. */
export const CatchRule = Schema.Literal(...ErrorCategory.literals, "all")
export type CatchRule = typeof CatchRule.Type

/** Without a list of its own a fallback opens for everything but the caller's own mistakes. */
const neverCaughtByDefault: ReadonlySet<ErrorCategory> = new Set(["invalid_request", "content_filter"])

/** Does a fallback with these rules open after a failure of this category? */
export const catches = (rules: ReadonlyArray<CatchRule> | undefined, category: ErrorCategory): boolean =>
  rules === undefined ? !neverCaughtByDefault.has(category) : rules.includes("all") || rules.includes(category)
