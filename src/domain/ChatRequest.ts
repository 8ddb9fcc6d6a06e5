import type { CacheControl } from "./CacheControl.js"
import type { FrontDialect } from "./Dialect.js"
import type { CatchRule } from "./ErrorCategory.js"
import type { MidStream } from "./MidStream.js"
import type { Preferences } from "./Preferences.js"
import type { Prompt } from "./Prompt.js"

/** One step of a chain that the request brings along. */
export interface FallbackEntry {
  /** A vendor slug or an instance id. */
  readonly provider: string
  readonly modelName: string
  readonly baseUrl: string | undefined
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
  readonly catchErrors: ReadonlyArray<CatchRule> | undefined
}

/** The request's own fallback chain; replaces every configured target after the first. */
export interface FallbackRequest {
  /** False: only the first candidate is asked. */
  readonly enabled: boolean
  /** n allows n + 1 calls to each candidate. */
  readonly maxRetriesPerProvider: number | undefined
  readonly providers: ReadonlyArray<FallbackEntry>
}

/**
 * A request as it came: the bytes, and a view of what routing has to know. What goes to a provider is made from the
 * bytes, so that big integers and unknown fields survive.
 */
export interface ChatRequest {
  readonly dialect: FrontDialect
  /** One JSON object in UTF-8. */
  readonly body: Uint8Array
  /** The parsed body. Only for reading; never forwarded. */
  readonly view: Readonly<Record<string, unknown>>
  /** What a candidate of another dialect is asked; made at the first call and remembered. `undefined`: never translated. */
  readonly prompt: (() => Prompt) | undefined
  /** Headers of the caller that belong to the dialect, as `anthropic-beta`: sent to a provider that speaks it. */
  readonly headers: Readonly<Record<string, string>>
  readonly model: string
  /** Tried after `model`, in order, as OpenRouter's `models`. */
  readonly models: ReadonlyArray<string>
  readonly fallback: FallbackRequest | undefined
  /** Whom the caller wants to be asked; `undefined`: the operator's order is as good as any. */
  readonly preferences: Preferences | undefined
  /** Only a candidate that is told all that the caller asked for. */
  readonly lossless: boolean
  /** Overrides what the model or the routing says. */
  readonly midStream: MidStream | undefined
  readonly stream: boolean
  /** The caller wants to see the usage of a stream. */
  readonly includeUsage: boolean
  /** The end user that the caller named. */
  readonly user: string | undefined
  /** What names the caller's session: the header that the operator chose for it. */
  readonly session: string | undefined
  /** Absent: it may be answered from the cache, and its answer kept, as the operator has it. */
  readonly cacheControl?: CacheControl
}
