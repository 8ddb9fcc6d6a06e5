import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { ChatAnswer } from "../domain/ChatAnswer.js"
import type { ChatEvent } from "../domain/ChatEvent.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import { CatchRule } from "../domain/ErrorCategory.js"
import { RequestRejected } from "../domain/GatewayError.js"
import * as Money from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import * as ErrorSignals from "./ErrorSignals.js"
import type { Failure } from "./Failure.js"
import * as JsonSplice from "./JsonSplice.js"
import * as Sse from "./Sse.js"

// ---------------------------------------------------------------------------------------------- request in

/** Without a message of its own each member of the union would be named alone. */
const Category = CatchRule.annotations({
  message: () => ({ message: `Expected one of ${CatchRule.literals.join(", ")}`, override: true })
})

/** Names of models end up in headers, log lines and the catalogue's memory; no vendor's is nearly that long. */
const ModelName = Schema.String.pipe(Schema.maxLength(256))

/** Each entry is a candidate to plan for; a request is asked of a handful at most. */
const maxCandidates = 32
const tooMany = `Expected at most ${maxCandidates} entries`

/** What the gateway itself reads of a request. Everything else is the provider's to judge. */
const RequestFields = Schema.Struct({
  model: Schema.optional(ModelName),
  messages: Schema.Array(Schema.Struct({ role: Schema.String }).annotations({ identifier: "an object" })).annotations({
    identifier: "an array"
  }),
  stream: Schema.optional(Schema.NullOr(Schema.Boolean)),
  stream_options: Schema.optional(
    Schema.NullOr(
      Schema.Struct({ include_usage: Schema.optional(Schema.NullOr(Schema.Boolean)) }).annotations({
        identifier: "an object"
      })
    )
  ),
  max_tokens: Schema.optional(Schema.NullOr(Schema.Number)),
  max_completion_tokens: Schema.optional(Schema.NullOr(Schema.Number)),
  temperature: Schema.optional(Schema.NullOr(Schema.Number)),
  user: Schema.optional(Schema.NullOr(Schema.String)),
  models: Schema.optional(
    Schema.NullOr(
      Schema.Array(ModelName.pipe(Schema.nonEmptyString()))
        .annotations({ identifier: "an array" })
        .pipe(Schema.maxItems(maxCandidates, { message: () => tooMany }))
    )
  ),
  fallback: Schema.optional(
    Schema.NullOr(
      Schema.Struct({
        enabled: Schema.optional(Schema.NullOr(Schema.Boolean)),
        max_retries_per_provider: Schema.optional(Schema.NullOr(Schema.NonNegativeInt)),
        providers: Schema.optional(
          Schema.NullOr(
            Schema.Array(
              Schema.Struct({
                provider: Schema.NonEmptyString,
                model_name: ModelName.pipe(Schema.nonEmptyString()),
                base_url: Schema.optional(Schema.NullOr(Schema.String)),
                max_tokens: Schema.optional(Schema.NullOr(Schema.Positive.pipe(Schema.int()))),
                temperature: Schema.optional(Schema.NullOr(Schema.Number)),
                catch_errors: Schema.optional(
                  Schema.NullOr(Schema.Array(Category).annotations({ identifier: "an array" }))
                )
              }).annotations({ identifier: "an object" })
            )
              .annotations({ identifier: "an array" })
              .pipe(Schema.maxItems(maxCandidates, { message: () => tooMany }))
          )
        )
      }).annotations({ identifier: "an object" })
    )
  )
})

const readFields = Schema.decodeUnknownEither(RequestFields, { onExcessProperty: "ignore" })

/** A request from its bytes and their parsed JSON. */
export const decodeRequest = (body: Uint8Array, json: unknown): Either.Either<ChatRequest, RequestRejected> => {
  if (!isRecord(json)) return Either.left(new RequestRejected({ message: "the body must be a JSON object" }))
  const read = readFields(json)
  if (Either.isLeft(read)) return Either.left(rejected(readFields, json))
  const fields = read.right
  const models = fields.models ?? []
  const model = fields.model ?? models[0]
  if (model === undefined || model === "") {
    return Either.left(new RequestRejected({ message: "you must name a model", param: "model", code: missing }))
  }
  const { fallback } = fields
  return Either.right({
    dialect: "openai-chat",
    body,
    view: json,
    model,
    models: fields.model === undefined ? models.slice(1) : models,
    fallback:
      fallback === undefined || fallback === null
        ? undefined
        : {
            enabled: fallback.enabled ?? true,
            maxRetriesPerProvider: fallback.max_retries_per_provider ?? undefined,
            providers: (fallback.providers ?? []).map((entry) => ({
              provider: entry.provider,
              modelName: entry.model_name,
              baseUrl: entry.base_url ?? undefined,
              maxTokens: entry.max_tokens ?? undefined,
              temperature: entry.temperature ?? undefined,
              catchErrors: entry.catch_errors ?? undefined
            }))
          },
    stream: fields.stream ?? false,
    includeUsage: fields.stream_options?.include_usage ?? false,
    user: fields.user ?? undefined
  })
}

/** A request that a program makes, in OpenAI's words. */
export const makeRequest = (json: Readonly<Record<string, unknown>>): Either.Either<ChatRequest, RequestRejected> =>
  decodeRequest(Buffer.from(JSON.stringify(json)), json)

/** A value that cannot be decoded, as a refusal that names the field. */
export const rejected = (
  decode: (json: unknown) => Either.Either<unknown, ParseResult.ParseError>,
  json: unknown
): RequestRejected => {
  const error = Either.flip(decode(sketch(json, 0)))
  const issue = Either.isRight(error) ? ParseResult.ArrayFormatter.formatErrorSync(error.right)[0] : undefined
  if (issue === undefined)
    return new RequestRejected({ message: "the request does not have the form that it must have" })
  const param = issue.path.reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`),
    ""
  )
  if (issue._tag === "Missing") return new RequestRejected({ message: `'${param}' is required`, param, code: missing })
  return new RequestRejected({ message: `'${param}' is not of the right type: ${expected(issue.message)}`, param })
}

/** As much of a value as it takes to say what is wrong: a formatter would print megabytes, and overflow on deep ones. */
const sketch = (value: unknown, depth: number): unknown => {
  if (typeof value === "string") return value.slice(0, maxSketched)
  if (typeof value !== "object" || value === null) return value
  if (depth > deepestField) return null
  if (Array.isArray(value)) return value.slice(0, maxSketched).map((item) => sketch(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sketch(item, depth + 1)]))
}

const maxSketched = 1_000

/** `fallback.providers[0].catch_errors[0]` is the deepest one that is read. */
const deepestField = 6

const missing = "missing_required_parameter"

/** The formatter's sentence without the value that was found: a body is never echoed. */
const expected = (message: string): string => {
  const [, wanted] = /^Expected (.*?)(?: \||, actual|$)/.exec(message) ?? []
  return wanted === undefined ? "see the API reference" : `expected ${wanted}`
}

// ---------------------------------------------------------------------------------------------- request out

/** How a request goes to one candidate. */
export interface Outbound {
  /** The provider's own id of the model. */
  readonly model: string
  readonly stream: boolean
  /** The vendor understands `stream_options.include_usage`. */
  readonly asksForUsage: boolean
  /** The vendor is OpenRouter, whose own `provider` preferences may stay. */
  readonly keepsPreferences: boolean
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
}

/** The caller's bytes with the few members changed that must be; the very same bytes when none must. */
export const encodeRequest = (request: ChatRequest, outbound: Outbound): Uint8Array => {
  const { view } = request
  const changes: Record<string, string | undefined> = {}
  let changed = false
  const set = (key: string, value: string | undefined): void => {
    changes[key] = value
    changed = true
  }
  if (view["model"] !== outbound.model) set("model", JSON.stringify(outbound.model))
  if (view["fallback"] !== undefined) set("fallback", undefined)
  if (view["models"] !== undefined) set("models", undefined)
  if (view["provider"] !== undefined && !outbound.keepsPreferences) set("provider", undefined)
  if (request.stream !== outbound.stream) set("stream", outbound.stream ? "true" : "false")
  if (outbound.stream) {
    if (outbound.asksForUsage && !request.includeUsage) {
      const options = isRecord(view["stream_options"]) ? view["stream_options"] : {}
      set("stream_options", JSON.stringify({ ...options, include_usage: true }))
    }
  } else if (view["stream_options"] !== undefined) set("stream_options", undefined)
  if (outbound.maxTokens !== undefined) {
    const member = maxTokensMember(view, outbound.model)
    for (const other of ["max_tokens", "max_completion_tokens"]) {
      if (other !== member && view[other] !== undefined) set(other, undefined)
    }
    set(member, String(outbound.maxTokens))
  }
  if (outbound.temperature !== undefined) set("temperature", String(outbound.temperature))
  return changed ? JsonSplice.edit(request.body, changes) : request.body
}

/** OpenAI's reasoning models refuse `max_tokens`; most other vendors know nothing else. */
const maxTokensMember = (view: ChatRequest["view"], model: string): "max_tokens" | "max_completion_tokens" =>
  view["max_completion_tokens"] !== undefined || /^(o\d|gpt-5)/.test(model) ? "max_completion_tokens" : "max_tokens"

// ---------------------------------------------------------------------------------------------- answer in

/** A whole answer with status 200. It is a failure when it holds an error, no JSON or no choices. */
export const decodeAnswer = (body: Buffer): Either.Either<ChatAnswer, Failure> => {
  let json: unknown
  try {
    json = JSON.parse(body.toString("utf8"))
  } catch {
    return Either.left({ category: "malformed_response", message: "the provider's answer is not JSON" })
  }
  const failure = failureIn(json)
  if (failure === undefined && isRecord(json) && listIn(json, "choices").length > 0) {
    const usage = usageIn(json)
    return Either.right({
      body,
      view: json,
      model: modelIn(json),
      usage: usage === undefined ? undefined : usageOf(usage),
      reportedCost: usage === undefined ? undefined : costOf(usage)
    })
  }
  return Either.left(failure ?? { category: "malformed_response", message: "the provider's answer holds no choices" })
}

/** The text of the first choice. */
export const textOf = (answer: ChatAnswer): string => {
  const choices = answer.view["choices"]
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  const message = isRecord(choice) ? choice["message"] : undefined
  return isRecord(message) ? contentText(message["content"]) : ""
}

/** Groq puts the usage of a stream that nobody asked for into a member of its own. */
const usageIn = (json: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined =>
  [json["usage"], isRecord(json["x_groq"]) ? json["x_groq"]["usage"] : undefined].find(isRecord)

/** Azure's first chunk names its model with an empty text. */
const modelIn = (json: Readonly<Record<string, unknown>>): string | undefined => text(json["model"]) || undefined

const usageOf = (usage: Readonly<Record<string, unknown>>): Usage => {
  const promptDetails = isRecord(usage["prompt_tokens_details"]) ? usage["prompt_tokens_details"] : {}
  const outputDetails = isRecord(usage["completion_tokens_details"]) ? usage["completion_tokens_details"] : {}
  const prompt = count(usage["prompt_tokens"])
  const completion = count(usage["completion_tokens"])
  const cacheRead = Math.min(prompt, count(promptDetails["cached_tokens"]) || count(usage["prompt_cache_hit_tokens"]))
  const cacheWrite = Math.min(prompt - cacheRead, count(promptDetails["cache_write_tokens"]))
  const reasoning = count(outputDetails["reasoning_tokens"]) || count(usage["reasoning_tokens"])
  // Most vendors count reasoning inside the completion, xAI beside it, Gemini only in the total.
  const beside = Math.max(0, count(usage["total_tokens"]) - prompt - completion)
  const isBeside = beside > 0 && (reasoning === 0 || reasoning === beside)
  return {
    input: prompt - cacheRead - cacheWrite,
    cacheRead,
    cacheWrite,
    output: isBeside ? completion : Math.max(0, completion - reasoning),
    reasoning: isBeside ? beside : Math.min(reasoning, completion)
  }
}

/** OpenRouter reports what a call cost, in USD. */
const costOf = (usage: Readonly<Record<string, unknown>>): Money.Money | undefined => {
  const cost = usage["cost"]
  return typeof cost === "number" && Number.isFinite(cost) && cost >= 0 ? Money.fromUsd(cost) : undefined
}

// ---------------------------------------------------------------------------------------------- answer out

/** An answer's bytes with one more member at the end; for `x-orelse-trace`. */
export const withMember = (body: Uint8Array, key: string, value: unknown): Uint8Array =>
  JsonSplice.append(body, key, JSON.stringify(value))

// ---------------------------------------------------------------------------------------------- stream in

/** What one frame of a stream means to the gateway. */
export interface StreamFrame {
  /** Output that the caller would notice: text, reasoning, a tool call, a refusal, a finish. */
  readonly semantic: boolean
  /** Indices of the choices in this frame, and of those that finish in it. */
  readonly choices: ReadonlyArray<number>
  readonly finishes: ReadonlyArray<number>
  /** What the provider calls the model that answers. */
  readonly model: string | undefined
  readonly usage: Usage | undefined
  readonly reportedCost: Money.Money | undefined
  /** Holds usage and nothing else. */
  readonly usageOnly: boolean
  readonly failure: Failure | undefined
}

const nothing: StreamFrame = {
  semantic: false,
  choices: [],
  finishes: [],
  model: undefined,
  usage: undefined,
  reportedCost: undefined,
  usageOnly: false,
  failure: undefined
}

/** The end of a stream in this dialect. */
export const isDone = (data: string): boolean => data.trim() === "[DONE]"

/** Reads a frame's data; `undefined` when it is no chunk, which must not kill the stream. */
export const readFrame = (data: string): StreamFrame | undefined => {
  const json = parse(data)
  const failure = failureIn(json)
  if (failure !== undefined) return { ...nothing, failure }
  if (!isRecord(json)) return undefined
  const choices = listIn(json, "choices")
  const finishing = choices.filter((choice) => isRecord(choice) && typeof choice["finish_reason"] === "string")
  const broken = finishing.some((choice) => isRecord(choice) && choice["finish_reason"] === "error")
  const usage = usageIn(json)
  return {
    semantic: finishing.length > 0 || choices.some(speaks),
    choices: choices.map(indexOf),
    finishes: finishing.map(indexOf),
    model: modelIn(json),
    usage: usage === undefined ? undefined : usageOf(usage),
    reportedCost: usage === undefined ? undefined : costOf(usage),
    usageOnly: choices.length === 0 && usage !== undefined,
    failure: broken
      ? { category: "provider_unavailable", message: "the provider ended the stream with an error" }
      : undefined
  }
}

/** The events in a frame's data, in order. */
export const events = (data: string): ReadonlyArray<ChatEvent> => {
  const json = parse(data)
  if (!isRecord(json)) return []
  const found: Array<ChatEvent> = []
  for (const choice of listIn(json, "choices")) {
    if (!isRecord(choice)) continue
    const index = indexOf(choice)
    const delta = isRecord(choice["delta"]) ? choice["delta"] : {}
    const say = (_tag: "Text" | "Reasoning" | "Refusal", text: string): void => {
      if (text !== "") found.push({ _tag, index, text })
    }
    say("Reasoning", contentText(delta["reasoning_content"] ?? delta["reasoning"]))
    say("Text", contentText(delta["content"]))
    say("Refusal", contentText(delta["refusal"]))
    for (const [order, call] of listIn(delta, "tool_calls").entries()) {
      if (!isRecord(call)) continue
      const target = isRecord(call["function"]) ? call["function"] : {}
      found.push({
        _tag: "ToolCall",
        index,
        call: typeof call["index"] === "number" ? call["index"] : order,
        id: text(call["id"]),
        name: text(target["name"]),
        arguments: text(target["arguments"]) ?? ""
      })
    }
    const reason = text(choice["finish_reason"])
    if (reason !== undefined) found.push({ _tag: "Finish", index, reason })
  }
  return found
}

/** A vendor that leaves the index out has one choice. */
const indexOf = (choice: unknown): number =>
  isRecord(choice) && typeof choice["index"] === "number" ? choice["index"] : 0

/** Members of a delta that are output. */
const spoken = ["content", "reasoning_content", "reasoning", "reasoning_details", "refusal", "tool_calls", "audio"]

const speaks = (choice: unknown): boolean => {
  if (!isRecord(choice)) return false
  if (typeof choice["text"] === "string" && choice["text"] !== "") return true
  const delta = choice["delta"]
  if (!isRecord(delta)) return false
  return isRecord(delta["function_call"]) || spoken.some((member) => !isEmpty(delta[member]))
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)

// ---------------------------------------------------------------------------------------------- stream out

/** The clean end of a stream. */
export const done: Buffer = Sse.encode("[DONE]")

/** A chunk that carries one member beside no choices; for `x-orelse-trace` in a stream. */
export const memberFrame = (key: string, value: unknown, model: string, created: number): Buffer =>
  Sse.encode(
    JSON.stringify({ id: "orelse", object: "chat.completion.chunk", created, model, choices: [], [key]: value })
  )

/** Ends a stream that broke: an error without choices is the one form that every client raises. */
export const errorFrame = (error: ErrorBody): Buffer => Sse.encode(JSON.stringify({ error }))

// ---------------------------------------------------------------------------------------------- error in

/** The failure in the data of an `event: error` frame, which is one whatever it says. */
export const failureOf = (data: string): Failure => {
  const json = parse(data)
  return (
    ErrorSignals.fromErrorValue(json, undefined) ??
    ErrorSignals.fromErrorValue({ error: json }, undefined) ?? {
      category: "provider_unavailable",
      message: "the provider ended the stream with an error"
    }
  )
}

/** Beside choices only `error` counts: a good answer may well hold a `type` or a `message`. */
const failureIn = (json: unknown): Failure | undefined => {
  const said = isRecord(json) && listIn(json, "choices").length > 0 ? { error: json["error"] } : json
  return ErrorSignals.fromErrorValue(said, undefined)
}

// ---------------------------------------------------------------------------------------------- error out

/** OpenAI's error object. */
export interface ErrorBody {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
  readonly [extension: string]: unknown
}

export const errorBody = (error: ErrorBody): Buffer => Buffer.from(JSON.stringify({ error }))

// ---------------------------------------------------------------------------------------------- JSON

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parse = (data: string): unknown => {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

const listIn = (json: Readonly<Record<string, unknown>>, member: string): ReadonlyArray<unknown> => {
  const list = json[member]
  return Array.isArray(list) ? list : []
}

const count = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.trunc(value) : 0

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** Content is a string, or with some vendors an array of parts. */
const contentText = (content: unknown): string => {
  if (typeof content === "string") return content
  if (!Array.isArray(content)) return ""
  return content.map((part) => (isRecord(part) ? (text(part["text"]) ?? "") : "")).join("")
}
