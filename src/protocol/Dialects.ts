import type * as Either from "effect/Either"
import type { ChatEvent } from "../domain/ChatEvent.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { Completion } from "../domain/Completion.js"
import type { ChatDialect, FrontDialect } from "../domain/Dialect.js"
import type { RequestRejected } from "../domain/GatewayError.js"
import type { Money } from "../domain/Money.js"
import type { Prompt } from "../domain/Prompt.js"
import type { Usage } from "../domain/Usage.js"
import type { Failure } from "./Failure.js"
import type { Lost } from "./Lossiness.js"
import type * as ToolIds from "./ToolIds.js"

/**
 * A dialect that providers speak. Its folder holds at least `RequestOut`, `AnswerIn`, `StreamIn`.
 */
export interface Back {
  readonly dialect: ChatDialect
  /** How a stream is cut into frames: server-sent events, or a line of JSON each. */
  readonly framing: "sse" | "ndjson"
  /** The request that asks for the prompt, and what of the prompt is not in it. Pure. */
  readonly encode: (prompt: Prompt, outbound: Outbound) => Encoded
  /** Reads a whole answer's JSON; `undefined` when there is no answer in it. Errors were looked for before. */
  readonly decode: (json: JsonObject, incoming: IncomingContext) => Completion | undefined
  readonly reader: (incoming: IncomingContext) => StreamReader
}

/** A JSON object whose numbers beyond double precision are kept (`Json.parse`). */
export type JsonObject = Readonly<Record<string, unknown>>

/** How a prompt goes to one candidate. */
export interface Outbound {
  /** The provider's own id of the model. */
  readonly model: string
  readonly stream: boolean
  /** Whose seals the endpoint takes: its vendor's, or its instance's where it stands for itself alone. */
  readonly realm: string
  /** What the caller's preferences may call this very instance. */
  readonly names: ReadonlyArray<string>
  readonly quirks: Quirks
  /** Override the prompt's own. */
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
}

/** What sets one vendor apart from the others of its dialect. Absent: as the dialect's maker has it. */
export interface Quirks {
  /** Sends usage unasked and does not know `stream_options.include_usage`. */
  readonly usageUnasked?: boolean
  /** Members of a request that it refuses, as `stream_options`. */
  readonly refuses?: ReadonlyArray<string>
  /** How it takes back the reasoning of earlier turns; absent: not at all. */
  readonly reasoning?: "reasoning_content" | "reasoning_details"
  /** Refuses a conversation with tool calls in which a turn has no `reasoning_content`. */
  readonly reasonedCalls?: boolean
  /** How it is told to think: OpenAI's member, or OpenRouter's object; absent: not at all. */
  readonly thinking?: "reasoning_effort" | "reasoning"
  /** Members beyond OpenAI's that it knows. */
  readonly knows?: ReadonlyArray<"top_k" | "cache_control">
  /** OpenAI's own models stand behind it, with their rules. */
  readonly openai?: boolean
  /** Refuses members of messages that it does not know, as other vendors' `reasoning_content`. */
  readonly closedMessages?: boolean
  /** What a tool's message may hold: nothing but text, or pictures too. Absent: nobody knows. */
  readonly results?: "text" | "pictures"
  /** The form of the ids of tool calls that it insists on. */
  readonly toolIds?: ToolIds.Form
  /** Understands OpenRouter's `provider` object. */
  readonly preferences?: boolean
  /** Knows `max_tokens` only, and not OpenAI's `max_completion_tokens`. */
  readonly maxTokensOnly?: boolean
}

/** A request in a provider's dialect. */
export interface Encoded {
  readonly json: JsonObject
  readonly lost: ReadonlySet<Lost>
}

/** A caller's own bytes as they go to a provider of the same dialect. */
export interface Spliced {
  readonly body: Uint8Array
  readonly lost: ReadonlySet<Lost>
}

/** What reading an answer needs besides its bytes. */
export interface IncomingContext {
  /** Whose seals these are. */
  readonly realm: string
  /** A new id, for what the provider gave none: `call_...`. */
  readonly fresh: (prefix: string) => string
}

/** Reads the frames of one stream; it may remember what came before. */
export interface StreamReader {
  /** `undefined` for what is no frame of this dialect; that must not kill the stream. */
  readonly read: (data: string, event: string | undefined) => Reading | undefined
}

/** What one frame of a stream means. */
export interface Reading {
  readonly events: ReadonlyArray<ChatEvent>
  /** It also holds output that no event stands for, as audio. */
  readonly speaks?: boolean
  /** Choices that this frame speaks of, also when it says nothing yet. */
  readonly choices: ReadonlyArray<number>
  readonly id: string | undefined
  /** What the provider calls the model that answers. */
  readonly model: string | undefined
  /** All that was used so far: a later one replaces an earlier one. */
  readonly usage: Usage | undefined
  readonly reportedCost: Money | undefined
  readonly failure: Failure | undefined
  /** The dialect's end mark: nothing follows. */
  readonly done: boolean
  /** The frame's JSON, for whoever passes it on. */
  readonly json: JsonObject | undefined
}

/** A dialect that callers speak. Its folder also holds `RequestIn`, `AnswerOut`, `StreamOut` and `ErrorOut`. */
export interface Front {
  readonly dialect: FrontDialect
  /** A request from its bytes and their parsed JSON. */
  readonly decodeRequest: (body: Uint8Array, json: unknown) => Either.Either<ChatRequest, RequestRejected>
  /** How the caller calls a thing that is lost on the way. */
  readonly nameOf: (lost: Lost) => string
  readonly encodeAnswer: (completion: Completion, answering: AnswerContext) => JsonObject
  readonly writer: (answering: AnswerContext) => StreamWriter
  /** The frame that is the clean end of a stream. */
  readonly end: Buffer
  /** A frame that shows a value to whoever asked for it, and disturbs no client. */
  readonly memberFrame: (key: string, value: unknown, model: string, created: number) => Buffer
  readonly errorBody: (error: ErrorBody) => Buffer
  /** The frame that ends a broken stream. */
  readonly errorFrame: (error: ErrorBody) => Buffer
}

/** What writing an answer needs besides the answer. */
export interface AnswerContext {
  /** The model as it was asked of the provider, where the provider names none. */
  readonly model: string
  /** The caller wants to see the usage of a stream. */
  readonly includeUsage: boolean
  /** A new id, for what the provider gave none: `msg_...`. */
  readonly fresh: (prefix: string) => string
  /** Unix time in s. */
  readonly created: number
}

/** Writes the events of one stream as frames of the caller's dialect. */
export interface StreamWriter {
  readonly write: (reading: Reading) => ReadonlyArray<Buffer>
  /** The provider shows that it is alive. */
  readonly ping: ReadonlyArray<Buffer>
  /** What is still to be said when all has come, besides the end itself. */
  readonly close: (usage: Usage | undefined) => ReadonlyArray<Buffer>
}

/** An error as every front shows it, in its own shape. */
export interface ErrorBody {
  /** HTTP status. */
  readonly status: number
  readonly message: string
  /** OpenAI's word; Anthropic's is told by the status. */
  readonly type: string
  readonly param: string | null
  readonly code: string | null
  readonly requestId: string | undefined
  /** Further members of the error, as `attempts`. */
  readonly more?: JsonObject
}
