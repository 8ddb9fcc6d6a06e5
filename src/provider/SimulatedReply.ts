import type { SimulatedSettings } from "../config/Settings.js"
import * as Sse from "../protocol/Sse.js"

/** What a simulated provider was asked. */
export interface SimulatedRequest {
  readonly instance: string
  /** Calls to this instance so far, this one included. */
  readonly call: number
  readonly method: "GET" | "POST"
  readonly path: string
  /** The parsed body; `undefined` for a list of models. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  readonly settings: SimulatedSettings
}

/** One thing that happens on the wire, so many ms after the one before it. */
export type WireEvent =
  | {
      readonly after: number
      readonly head: { readonly status: number; readonly headers: Readonly<Record<string, string>> }
    }
  | { readonly after: number; readonly data: Buffer }
  | { readonly after: number; readonly end: "end" | "reset" | "refused" }

/** A scripted answer: what a request leads to on the wire. A script without an end hangs. */
export type SimulatedReply = (request: SimulatedRequest) => ReadonlyArray<WireEvent>

/** Answers with a text, streamed word by word where the request says so. Whoever wants embeddings gets made-up ones. */
export const answer =
  (text: string): SimulatedReply =>
  (request) => {
    if (request.path.endsWith("/embeddings")) return embeddings(request)
    return request.body?.["stream"] === true
      ? [...streamed(request, text), ...ending(request, text)]
      : buffered(request, text)
  }

/** Streams a text and then loses the connection, without the end that a stream must have. */
export const brokenOff =
  (text: string): SimulatedReply =>
  (request) => [...streamed(request, text), { after: request.settings.tokenInterval, end: "reset" }]

/** Streams a text and then says nothing more. */
export const stalled =
  (text: string): SimulatedReply =>
  (request) =>
    streamed(request, text)

/** Accepts the request and never answers. */
export const hang: SimulatedReply = () => []

/** Takes no connection. */
export const refused: SimulatedReply = () => [{ after: 0, end: "refused" }]

/** Closes the connection before the first byte of an answer. */
export const reset: SimulatedReply = ({ settings }) => [{ after: settings.latency, end: "reset" }]

/** An error in OpenAI's form. */
export const failure =
  (
    status: number,
    error: { readonly message: string; readonly type?: string; readonly code?: string },
    headers: Readonly<Record<string, string>> = {}
  ): SimulatedReply =>
  ({ settings }) =>
    whole(settings.latency, status, { error: { param: null, code: null, type: "error", ...error } }, headers)

/** 429, with the time that it asks for, in ms. */
export const rateLimited = (retryAfterMs?: number): SimulatedReply =>
  failure(
    429,
    { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" },
    retryAfterMs === undefined ? {} : { "retry-after-ms": String(retryAfterMs) }
  )

/** What is left of a limit of requests, until it is there again in so many ms. */
export interface Allowance {
  readonly limit: number
  readonly remaining: number
  readonly resetMs: number
}

/** The same reply, with OpenAI's headers about a limit of requests. */
export const withAllowance =
  ({ limit, remaining, resetMs }: Allowance, reply: SimulatedReply): SimulatedReply =>
  (request) => {
    const told = {
      "x-ratelimit-limit-requests": String(limit),
      "x-ratelimit-remaining-requests": String(remaining),
      "x-ratelimit-reset-requests": `${Math.ceil(resetMs)}ms`
    }
    return reply(request).map((event) =>
      "head" in event ? { ...event, head: { ...event.head, headers: { ...event.head.headers, ...told } } } : event
    )
  }

/** 503 */
export const unavailable: SimulatedReply = failure(503, { message: "Overloaded", type: "server_error" })

/** 500 */
export const serverError: SimulatedReply = failure(500, { message: "Internal error", type: "server_error" })

/** 401 */
export const unauthorized: SimulatedReply = failure(401, {
  message: "Incorrect API key provided",
  type: "invalid_request_error",
  code: "invalid_api_key"
})

/** 429 of an account whose money is spent. */
export const quotaSpent: SimulatedReply = failure(429, {
  message: "You exceeded your current quota, please check your plan and billing details.",
  type: "insufficient_quota",
  code: "insufficient_quota"
})

/** 200, and no JSON. */
export const garbled: SimulatedReply = ({ settings }) => [
  { after: settings.latency, head: { status: 200, headers: { "content-type": "application/json" } } },
  { after: 0, data: Buffer.from('{"choices": [') },
  { after: 0, end: "end" }
]

/** What an instance does without a script: it answers, and fails as often as its settings say, evenly spread. */
export const bySettings: SimulatedReply = (request) => {
  const { call, settings } = request
  if (request.method === "GET") return models(request)
  const failed = Math.floor(call * settings.failureRate)
  const fails = failed > Math.floor((call - 1) * settings.failureRate)
  const kind = settings.failures[(failed - 1) % settings.failures.length]
  if (fails && kind !== undefined) return kinds[kind](request)
  return answer(`This is a simulated answer from ${request.instance}, made up without any model.`)(request)
}

const kinds: Readonly<Record<SimulatedSettings["failures"][number], SimulatedReply>> = {
  rate_limit: rateLimited(500),
  provider_unavailable: unavailable,
  network: reset,
  malformed_response: garbled
}

const models: SimulatedReply = ({ settings }) =>
  whole(settings.latency, 200, {
    object: "list",
    data: ["gpt-4o-mini", "claude-sonnet-4-5", "llama3:8b"].map((id) => ({
      id,
      object: "model",
      owned_by: "simulated"
    }))
  })

/** An answer in one piece. */
export const whole = (
  after: number,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {}
): ReadonlyArray<WireEvent> => [
  { after, head: { status, headers: { "content-type": "application/json", ...headers } } },
  { after: 0, data: Buffer.from(JSON.stringify(body)) },
  { after: 0, end: "end" }
]

const buffered = (request: SimulatedRequest, text: string): ReadonlyArray<WireEvent> => {
  const said = isLegacy(request) ? { text } : { message: { role: "assistant", content: text, refusal: null } }
  return whole(request.settings.latency, 200, {
    ...base(request),
    object: isLegacy(request) ? "text_completion" : "chat.completion",
    choices: [{ index: 0, ...said, logprobs: null, finish_reason: "stop" }],
    usage: usage(request, text)
  })
}

/** The API before chats. */
const isLegacy = ({ path }: SimulatedRequest): boolean =>
  path.endsWith("/completions") && !path.endsWith("/chat/completions")

/** A short vector for each input, the same one for the same text. */
const embeddings = (request: SimulatedRequest): ReadonlyArray<WireEvent> => {
  const input = request.body?.["input"]
  const inputs: ReadonlyArray<unknown> = Array.isArray(input) ? input : [input]
  const tokens = Math.ceil(JSON.stringify(inputs).length / 4)
  return whole(request.settings.latency, 200, {
    object: "list",
    model: model(request),
    data: inputs.map((each, index) => ({ object: "embedding", index, embedding: vectorOf(JSON.stringify(each)) })),
    usage: { prompt_tokens: tokens, total_tokens: tokens }
  })
}

const vectorOf = (text: string): ReadonlyArray<number> =>
  Array.from({ length: 8 }, (_, place) => {
    let sum = place
    for (let at = 0; at < text.length; at++) sum = (sum * 31 + text.charCodeAt(at)) % 2_003
    return sum / 1_001.5 - 1
  })

const streamed = (request: SimulatedRequest, text: string): ReadonlyArray<WireEvent> => [
  { after: 0, head: { status: 200, headers: { "content-type": "text/event-stream" } } },
  { after: request.settings.latency, data: chunk(request, { role: "assistant", content: "" }, null) },
  ...words(text).map((word, position) => ({
    after: position === 0 ? 0 : request.settings.tokenInterval,
    data: chunk(request, { content: word }, null)
  }))
]

const ending = (request: SimulatedRequest, text: string): ReadonlyArray<WireEvent> => {
  const options = request.body?.["stream_options"]
  const wantsUsage =
    typeof options === "object" && options !== null && "include_usage" in options && options.include_usage === true
  const summary = { ...base(request), choices: [], usage: usage(request, text) }
  return [
    { after: 0, data: chunk(request, {}, "stop") },
    ...(wantsUsage ? [{ after: 0, data: Sse.encode(JSON.stringify(summary)) }] : []),
    { after: 0, data: Sse.encode("[DONE]") },
    { after: 0, end: "end" }
  ]
}

/** A frame of a stream. */
export const chunk = (
  request: SimulatedRequest,
  delta: { readonly role?: string; readonly content?: string },
  finish: string | null
): Buffer => {
  const said = isLegacy(request) ? { text: delta.content ?? "" } : { delta }
  return Sse.encode(
    JSON.stringify({ ...base(request), choices: [{ index: 0, ...said, logprobs: null, finish_reason: finish }] })
  )
}

/** What every chat answer begins with. */
export const base = (request: SimulatedRequest): object => ({
  id: id(request),
  object: isLegacy(request) ? "text_completion" : "chat.completion.chunk",
  created: 0,
  model: model(request)
})

const id = (request: SimulatedRequest): string => `chatcmpl-${request.instance}-${request.call}`

const model = (request: SimulatedRequest): string => {
  const named = request.body?.["model"]
  return typeof named === "string" ? named : "simulated"
}

const words = (text: string): ReadonlyArray<string> => text.match(/\s*\S+/g) ?? []

/** A token a word out, and one for four characters in: near enough to see sums move. */
const usage = (request: SimulatedRequest, text: string): object => {
  const prompt = Math.ceil(JSON.stringify(request.body?.["messages"] ?? request.body?.["prompt"] ?? "").length / 4)
  const completion = words(text).length
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}
