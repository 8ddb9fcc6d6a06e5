import type { Attempt } from "../domain/Attempt.js"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import { attemptsOf, type GatewayError } from "../domain/GatewayError.js"
import * as Money from "../domain/Money.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type { ErrorBody } from "../protocol/Dialects.js"
import type { HttpRefusal } from "./HttpRefusal.js"

/** An error as a client sees it, in no dialect yet. */
export interface WireError {
  readonly headers: Readonly<Record<string, string>>
  readonly error: Omit<ErrorBody, "requestId">
}

/** The one place where an error becomes a status and a body. With `trace` the body also shows every attempt. */
export const make = (error: GatewayError | HttpRefusal, trace: boolean): WireError => {
  switch (error._tag) {
    case "HttpRefusal":
      return {
        headers: error.headers ?? {},
        error: {
          status: error.status,
          message: error.message,
          type: error.type,
          param: error.param ?? null,
          code: error.code
        }
      }
    case "RequestRejected":
      return wire(400, error.message, "invalid_request_error", error.code ?? "invalid_type", error.param)
    case "ModelNotServed":
      return wire(404, error.message, "invalid_request_error", "model_not_found", "model")
    case "ProviderFailed": {
      const { headers, ...told } = ofProvider(error.error)
      const wired = { ...told, headers: { ...retryAfter(error.retryAfterMs), ...headers } }
      return trace ? withAttempts(wired, error) : wired
    }
    case "DeadlineExceeded":
      return withAttempts(wire(504, error.message, "timeout_error", "deadline_exceeded"), error)
    case "LimitReached": {
      const tooLarge = error.retryAfterMs === undefined
      const wired = tooLarge
        ? wire(413, error.message, "invalid_request_error", "request_too_large")
        : wire(429, error.message, "rate_limit_error", "rate_limit_exceeded")
      return { ...wired, headers: tooLarge ? neverRetry : retryAfter(error.retryAfterMs) }
    }
    case "NobodyAvailable": {
      const wired =
        error.limited === true
          ? wire(429, error.message, "rate_limit_error", "rate_limit_exceeded")
          : wire(503, error.message, "service_unavailable", "no_provider_available")
      return withAttempts({ ...wired, headers: retryAfter(error.retryAfterMs) }, error)
    }
    case "BudgetExceeded": {
      const wired = wire(402, error.message, "insufficient_quota", "budget_exceeded")
      const resets = error.resetsAt === undefined ? null : new Date(error.resetsAt).toISOString()
      const more = { scope: error.scope, period: error.period ?? null, resets_at: resets }
      return { headers: neverRetry, error: { ...wired.error, more } }
    }
    case "CostUnbounded":
      return wire(400, error.message, "invalid_request_error", "cost_unbounded", "max_tokens")
    case "BudgetUnavailable":
      return { ...wire(503, error.message, "service_unavailable", "budget_unavailable"), headers: retryAfter(1_000) }
    case "FallbackExhausted": {
      const wired = wire(503, error.message, "service_unavailable", "fallback_exhausted")
      const headers = { ...retryAfter(error.retryAfterMs), ...(error.retryable ? {} : neverRetry) }
      return withAttempts({ ...wired, headers }, error)
    }
  }
}

/** The error that ends a stream after its first output. */
export const ofBrokenStream = (error: ProviderError): WireError["error"] => ofProvider(error).error

/** An attempt as the trace and the errors show it. */
export const attemptJson = (attempt: Attempt): Readonly<Record<string, unknown>> => ({
  instance: attempt.instance,
  provider: attempt.provider,
  model: attempt.model,
  outcome: attempt.outcome,
  category: attempt.category ?? null,
  status: attempt.status ?? null,
  ms: attempt.ms,
  cost: attempt.cost === undefined ? null : Money.toUsd(attempt.cost),
  ...(attempt.message === undefined ? {} : { message: attempt.message }),
  ...(attempt.continuedAt === undefined ? {} : { continued_at: attempt.continuedAt })
})

const ofProvider = (error: ProviderError): WireError => {
  const [status, type, code, retry] = table[error.category]
  const ours = wire(
    callersFault.has(error.category) ? statusOfCaller(error, status) : status,
    `${error.instance}: ${error.message}`,
    type,
    error.category === "invalid_request" ? (error.code ?? code) : code,
    error.param
  )
  return { ...ours, headers: { ...retryAfter(error.retryAfterMs), ...(retry ? {} : neverRetry) } }
}

/** Status, type and code of each category, and whether a client should try again. */
const table: Readonly<Record<ErrorCategory, readonly [number, string, string, boolean]>> = {
  rate_limit: [429, "rate_limit_error", "rate_limit_exceeded", true],
  // The gateway's key, not the caller's: a 401 would send the caller to look at its own.
  auth: [502, "server_error", "provider_auth_failed", false],
  provider_unavailable: [503, "service_unavailable", "provider_unavailable", true],
  provider_quota_exceeded: [503, "service_unavailable", "provider_quota_exceeded", false],
  timeout: [504, "timeout_error", "provider_timeout", true],
  network: [502, "server_error", "provider_unreachable", true],
  model_not_found: [404, "invalid_request_error", "model_not_found", false],
  context_length: [400, "invalid_request_error", "context_length_exceeded", false],
  content_filter: [400, "invalid_request_error", "content_filter", false],
  invalid_request: [400, "invalid_request_error", "invalid_request", false],
  malformed_response: [502, "server_error", "provider_malformed_response", true]
}

const callersFault: ReadonlySet<ErrorCategory> = new Set([
  "context_length",
  "content_filter",
  "invalid_request",
  "model_not_found"
])

const passedOn: ReadonlySet<number> = new Set([400, 404, 413, 422])

const statusOfCaller = (error: ProviderError, usual: number): number =>
  error.status !== undefined && passedOn.has(error.status) ? error.status : usual

const wire = (status: number, message: string, type: string, code: string, param?: string): WireError => ({
  headers: {},
  error: { status, message, type, param: param ?? null, code }
})

const withAttempts = (wired: WireError, error: GatewayError): WireError => ({
  ...wired,
  error: { ...wired.error, more: { attempts: attemptsOf(error).map(attemptJson) } }
})

const neverRetry = { "x-should-retry": "false" }

/** Both forms that clients read: whole seconds for everybody, ms for the SDKs that know it. */
const retryAfter = (ms: number | undefined): Readonly<Record<string, string>> =>
  ms === undefined
    ? {}
    : { "retry-after": String(Math.max(1, Math.ceil(ms / 1000))), "retry-after-ms": String(Math.ceil(ms)) }
