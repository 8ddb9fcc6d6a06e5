import type { ErrorBody, JsonObject } from "../Dialects.js"
import * as Sse from "../Sse.js"

/** Anthropic's error object. */
export const errorBody = (error: ErrorBody): Buffer => Buffer.from(JSON.stringify(objectOf(error)))

/** Ends a stream that broke. */
export const errorFrame = (error: ErrorBody): Buffer => Sse.encode(JSON.stringify(objectOf(error)), "error")

/** `code`, `param` and what else there is are beyond Anthropic's own members, which clients let pass. */
const objectOf = ({ code, message, more, param, requestId, status }: ErrorBody): JsonObject => ({
  type: "error",
  error: { type: typeOf(status), message, param, code, ...more },
  request_id: requestId ?? null
})

/** https://docs.claude.com/en/api/errors names a type a status. */
const typeOf = (status: number): string => types[status] ?? (status < 500 ? "invalid_request_error" : "api_error")

const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error"
}
