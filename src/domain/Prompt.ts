/**
 * A chat request in nobody's dialect: what translations go through. It is made from a request only when a candidate speaks
 * another dialect than the caller; else the caller's own bytes are sent.
 */
export interface Prompt {
  readonly messages: ReadonlyArray<Message>
  readonly tools: ReadonlyArray<Tool>
  readonly toolChoice: ToolChoice | undefined
  /** May the model call several tools at once? */
  readonly parallelTools: boolean | undefined
  readonly format: AnswerFormat | undefined
  /** Upper bound of output tokens. */
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
  readonly topP: number | undefined
  readonly topK: number | undefined
  readonly stop: ReadonlyArray<string>
  readonly seed: number | undefined
  readonly presencePenalty: number | undefined
  readonly frequencyPenalty: number | undefined
  /** How many answers. */
  readonly choices: number | undefined
  readonly thinking: Thinking | undefined
  /** The end user that the caller named. */
  readonly user: string | undefined
  /** Members of the request that have a meaning in its own dialect only, as `logit_bias` or `tools.web_search_20250305`. */
  readonly foreign: ReadonlyArray<string>
}

/** Tool results are parts of the user's messages. */
export interface Message {
  readonly role: "system" | "user" | "assistant"
  readonly parts: ReadonlyArray<Part>
}

export type Part =
  | { readonly _tag: "Text"; readonly text: string; readonly cache: CacheMark | undefined }
  | {
      readonly _tag: "Image"
      readonly source: Source
      /** OpenAI's `low`, `high`, `auto`. */
      readonly detail: string | undefined
      readonly cache: CacheMark | undefined
    }
  | {
      readonly _tag: "Document"
      readonly source: Source
      readonly name: string | undefined
      readonly cache: CacheMark | undefined
    }
  | {
      readonly _tag: "Audio"
      /** As `wav` or `mp3`. */
      readonly format: string
      /** Base64. */
      readonly data: string
    }
  | { readonly _tag: "Reasoning"; readonly text: string; readonly seal: Seal | undefined }
  /** Reasoning that only its maker can read. */
  | { readonly _tag: "Sealed"; readonly seal: Seal }
  | { readonly _tag: "Refusal"; readonly text: string }
  | {
      readonly _tag: "ToolCall"
      readonly id: string
      readonly name: string
      /** JSON text of an object. */
      readonly arguments: string
      readonly seal: Seal | undefined
      readonly cache: CacheMark | undefined
    }
  | {
      readonly _tag: "ToolResult"
      /** The id of the call that it answers. */
      readonly id: string
      /** The tool's name, as far as a call of this id came before. */
      readonly name: string | undefined
      readonly parts: ReadonlyArray<Part>
      readonly failed: boolean
      readonly cache: CacheMark | undefined
    }
  /** A part that has a meaning in the request's own dialect only; `kind` is its type there. */
  | { readonly _tag: "Foreign"; readonly kind: string }

/** Where an image or a document is. */
export type Source =
  | { readonly _tag: "Base64"; readonly mediaType: string; readonly data: string }
  | { readonly _tag: "Url"; readonly url: string }
  | { readonly _tag: "PlainText"; readonly text: string }

/** The prompt up to here shall be cached, for so long. */
export interface CacheMark {
  readonly ttl: "5m" | "1h"
}

/**
 * A signature or an encrypted block. It proves something to the endpoint that made it and is refused by every other one,
 * so it is replayed to its origin only.
 */
export interface Seal {
  /** The vendor, or the instance where an endpoint stands for itself alone. */
  readonly origin: string
  readonly value: string
}

/** A function that the model may call. */
export interface Tool {
  readonly name: string
  readonly description: string | undefined
  /** JSON schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>> | undefined
  /** The arguments must follow the schema to the letter. */
  readonly strict: boolean | undefined
  readonly cache: CacheMark | undefined
}

export type ToolChoice = { readonly _tag: "Auto" } | { readonly _tag: "None" } | { readonly _tag: "Required" } | OneTool

export interface OneTool {
  readonly _tag: "Tool"
  readonly name: string
}

/** What the answer's text must be. */
export type AnswerFormat =
  | { readonly _tag: "Json" }
  | {
      readonly _tag: "JsonSchema"
      readonly name: string | undefined
      readonly description: string | undefined
      readonly schema: Readonly<Record<string, unknown>>
      readonly strict: boolean | undefined
    }

/** How much the model shall think before it answers: in words, in tokens, or both. */
export interface Thinking {
  readonly enabled: boolean
  /** `minimal`, `low`, `medium`, `high`, ... */
  readonly effort: string | undefined
  readonly budgetTokens: number | undefined
}
