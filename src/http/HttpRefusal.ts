import * as Schema from "effect/Schema"

/** The HTTP side turns a request away before the gateway sees it. */
export class HttpRefusal extends Schema.TaggedError<HttpRefusal>()("HttpRefusal", {
  status: Schema.Int,
  type: Schema.String,
  code: Schema.String,
  message: Schema.String,
  param: Schema.optional(Schema.String),
  headers: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
}) {}

const invalid = (status: number, code: string, message: string, param?: string): HttpRefusal =>
  new HttpRefusal({
    status,
    type: "invalid_request_error",
    code,
    message,
    ...(param === undefined ? {} : { param })
  })

export const bodyTooLarge = (limit: number): HttpRefusal =>
  invalid(413, "request_too_large", `the request body is larger than ${limit} bytes`)

export const malformedJson = (message: string): HttpRefusal => invalid(400, "invalid_json", message)

export const wrongType = (message: string, param: string): HttpRefusal => invalid(400, "invalid_type", message, param)

export const unsupportedEncoding = (encoding: string): HttpRefusal =>
  invalid(
    415,
    "unsupported_content_encoding",
    `a body with content-encoding '${encoding}' cannot be read; send it plain`
  )

export const noSuchRoute = (method: string, path: string): HttpRefusal =>
  invalid(404, "unknown_url", `unknown request URL: ${method} ${path}`)

export const noSuchModel = (model: string): HttpRefusal =>
  invalid(404, "model_not_found", `the model '${model}' is not known here`, "model")

export const noSuchInstance = (instance: string): HttpRefusal =>
  invalid(404, "instance_not_found", `there is no instance '${instance}'`, "instance")

export const noSuchBudget = (scope: string): HttpRefusal =>
  invalid(404, "budget_not_found", `no budget is set for '${scope}'`, "scope")

/** `message` says who is there. */
export const nobodyToSync = (message: string): HttpRefusal => invalid(404, "instance_not_found", message, "providers")

/** Everything that is wrong with what an operator wants to change. */
export const wrongConfig = (
  problems: ReadonlyArray<{ readonly path: string; readonly message: string }>
): HttpRefusal => {
  const sentences = problems.map(({ message, path }) => (path === "" ? message : `${path}: ${message}`))
  return invalid(400, "invalid_config", sentences.join("; "), problems[0]?.path || "body")
}

export const conflict = (code: string, message: string, param?: string): HttpRefusal =>
  invalid(409, code, message, param)

export const notSaved = (message: string): HttpRefusal =>
  new HttpRefusal({
    status: 503,
    type: "service_unavailable",
    code: "store_unavailable",
    message: `the change could not be saved, so nothing was changed: ${message}`,
    headers: { "retry-after": "5" }
  })

/** What is kept of the past cannot be asked for now. */
export const notRead = (message: string): HttpRefusal =>
  new HttpRefusal({
    status: 503,
    type: "service_unavailable",
    code: "store_unavailable",
    message: `this is kept in the database, which cannot be asked: ${message}`,
    headers: { "retry-after": "5" }
  })

export const noSuchRequest = (id: string): HttpRefusal =>
  invalid(404, "request_not_found", `no request '${id}' is known; the latest are kept for a while`, "id")

export const methodNotAllowed = (method: string, allowed: ReadonlyArray<string>): HttpRefusal =>
  new HttpRefusal({
    status: 405,
    type: "invalid_request_error",
    code: "method_not_allowed",
    message: `${method} is not allowed here; use ${allowed.join(" or ")}`,
    headers: { allow: allowed.join(", ") }
  })

export const unauthorized = (message: string): HttpRefusal =>
  new HttpRefusal({
    status: 401,
    type: "authentication_error",
    code: "invalid_api_key",
    message,
    headers: { "www-authenticate": "Bearer" }
  })

export const forbidden = (message: string): HttpRefusal =>
  new HttpRefusal({ status: 403, type: "permission_error", code: "forbidden", message })

export const draining: HttpRefusal = new HttpRefusal({
  status: 503,
  type: "service_unavailable",
  code: "shutting_down",
  message: "the gateway is shutting down",
  headers: { "retry-after": "1", connection: "close" }
})

export const internal: HttpRefusal = new HttpRefusal({
  status: 500,
  type: "server_error",
  code: "internal_error",
  message: "the gateway made a mistake; its log says more"
})
