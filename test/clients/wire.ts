import * as Effect from "effect/Effect"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import type { FrontDialect } from "../../src/domain/Dialect.js"
import type { Case } from "../recorded/cases.js"
import type { Running } from "../support/server.js"
import { statusOf } from "./verdict.js"

/**
 * Asks by `fetch` for a case that is an error, and says what is wrong with the answer's status, words or log line;
 * `undefined`: nothing.
 */
export const wrongOnTheWire = (
  gateway: Running,
  front: FrontDialect,
  model: string,
  recorded: Case,
  category: ErrorCategory
): Effect.Effect<string | undefined> =>
  Effect.promise(async () => {
    const { body, path } = requests[front]
    const sent = JSON.stringify({ model, ...body, ...(recorded.streaming ? { stream: true } : {}) })
    const headers = { "content-type": "application/json", "x-request-id": model }
    const response = await fetch(gateway.url + path, { method: "POST", headers, body: sent })
    const bytes = await response.text()
    const expected = statusOf(category, recorded)
    const inStream = response.status === 200 && recorded.streaming && recorded.status < 300
    if (response.status !== expected && !inStream) return `status ${response.status}, not ${expected}`
    const failure = await loggedFailure(gateway, model)
    if (failure !== category) return `logged as ${String(failure)}, not ${category}`
    const last = inStream ? lastFrame(bytes) : bytes
    const wrong = (anthropic.has(front) ? wrongForAnthropic : wrongForOpenAi)(JSON.parse(last), category, expected)
    return wrong.length === 0 ? undefined : `${wrong.join(", ")} in ${last.slice(0, 300)}`
  })

const messages = [{ role: "user", content: "hi" }]

const anthropic: ReadonlySet<FrontDialect> = new Set(["anthropic-messages", "anthropic-count-tokens"])

const requests: Readonly<Record<FrontDialect, { readonly path: string; readonly body: object }>> = {
  "openai-chat": { path: "/v1/chat/completions", body: { messages } },
  "openai-completions": { path: "/v1/completions", body: { prompt: "hi" } },
  "openai-embeddings": { path: "/v1/embeddings", body: { input: "hi" } },
  "anthropic-messages": { path: "/v1/messages", body: { messages, max_tokens: 256 } },
  "anthropic-count-tokens": { path: "/v1/messages/count_tokens", body: { messages } }
}

/** The line is written when the answer has left, which its reader may see first. */
const loggedFailure = async (gateway: Running, id: string): Promise<string | undefined> => {
  const find = () => gateway.lines.find((line) => line.id === id)
  for (let turns = 0; find() === undefined && turns < 1000; turns++)
    await new Promise((resolve) => setImmediate(resolve))
  return find()?.failure
}

const lastFrame = (bytes: string): string =>
  bytes
    .split("\n\n")
    .flatMap((frame) => /^data: (.*)$/m.exec(frame)?.[1] ?? [])
    .findLast((data) => data !== "[DONE]") ?? "{}"

/** A text that says something. */
const said = (value: unknown): boolean => typeof value === "string" && value.trim() !== ""

type Shape = ReadonlyArray<readonly [name: string, fits: boolean]>

const misfits = (shape: Shape): ReadonlyArray<string> =>
  shape.filter(([, fits]) => !fits).map(([name]) => `bad ${name}`)

interface ErrorJson {
  readonly type?: unknown
  readonly error?: {
    readonly message?: unknown
    readonly type?: unknown
    readonly code?: unknown
    readonly param?: unknown
  }
}

const wrongForOpenAi = ({ error }: ErrorJson, category: ErrorCategory): ReadonlyArray<string> => {
  const [type, code] = words[category]
  return misfits([
    ["error.message", said(error?.message)],
    ["error.type", error?.type === type],
    ["error.code", category === "invalid_request" ? said(error?.code) : error?.code === code],
    ["error.param", error?.param === null || said(error?.param)]
  ])
}

const wrongForAnthropic = ({ error, type }: ErrorJson, _: ErrorCategory, status: number): ReadonlyArray<string> =>
  misfits([
    ["type", type === "error"],
    ["error.message", said(error?.message)],
    ["error.type", (status >= 500 ? /^(?:api|overloaded|timeout)_error$/ : typeOf(status)).test(String(error?.type))]
  ])

/** `error.type` and `error.code` of each category in OpenAI's shape. */
const words: Readonly<Record<ErrorCategory, readonly [string, string]>> = {
  rate_limit: ["rate_limit_error", "rate_limit_exceeded"],
  auth: ["server_error", "provider_auth_failed"],
  provider_unavailable: ["service_unavailable", "provider_unavailable"],
  provider_quota_exceeded: ["service_unavailable", "provider_quota_exceeded"],
  timeout: ["timeout_error", "provider_timeout"],
  network: ["server_error", "provider_unreachable"],
  model_not_found: ["invalid_request_error", "model_not_found"],
  context_length: ["invalid_request_error", "context_length_exceeded"],
  content_filter: ["invalid_request_error", "content_filter"],
  invalid_request: ["invalid_request_error", "invalid_request"],
  malformed_response: ["server_error", "provider_malformed_response"]
}

/** Anthropic's type of an error is the word for its status. */
const typeOf = (status: number): RegExp =>
  new RegExp(
    `^${{ 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error" }[status] ?? "invalid_request_error"}$`
  )
