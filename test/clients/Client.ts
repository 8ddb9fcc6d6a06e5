import type { FrontDialect } from "../../src/domain/Dialect.js"

/** A call of a tool as a client gives it to its user. */
export interface ToolCall {
  readonly name: string
  readonly arguments: unknown
}

/** What a program asks for with its client: `hi`, of this model, with tools of these names. */
export interface Asking {
  readonly url: string
  readonly model: string
  readonly tools: ReadonlyArray<string>
  /** Vectors as base64, and not as numbers. */
  readonly base64?: boolean
}

/** What the program hears from its client in the end. */
export interface Heard {
  readonly text: string
  readonly calls: ReadonlyArray<ToolCall>
  /** In the client's own words; `undefined` where the client has none. */
  readonly finish: string | undefined
}

/** What a program does with its client, whichever it is. None of them tries anything again by itself. */
export interface Reader {
  readonly name: string
  /** The dialect that it speaks with the gateway. */
  readonly front: FrontDialect
  /** Asks for a whole answer. */
  readonly whole: (asking: Asking) => Promise<Heard>
  /** Asks for a stream, and reads it with the strictest reader that the client has; absent: it has none. */
  readonly streamed?: (asking: Asking) => Promise<Heard>
  /** The HTTP status of an error that it threw. */
  readonly status: (error: unknown) => unknown
}

/** A client of a chat. */
export interface Client extends Reader {
  readonly front: "openai-chat" | "anthropic-messages"
  readonly streamed: (asking: Asking) => Promise<Heard>
  /** The pieces of a stream of text as they come; `signal` breaks it off. */
  readonly pieces: (url: string, signal: AbortSignal) => AsyncIterable<string>
}

/** A question for model `m`. */
export const asking = (url: string, ...tools: ReadonlyArray<string>): Asking => ({ url, model: "m", tools })

/** Everything that comes, in order. */
export const collect = async <A>(pieces: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for await (const piece of pieces) all.push(piece)
  return all
}

export const messages = [{ role: "user" as const, content: "hi" }]

/** Arguments of any kind: what is tested is the wire, not a model's obedience. */
export const parameters = { type: "object" as const, properties: {}, additionalProperties: true }

/** A member of what a client threw. */
export const property = (error: unknown, name: string): unknown =>
  typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined

/** Vectors as a text: how many numbers each has, and the first of them. Base64 is of floats of four bytes. */
export const vectorText = (vectors: ReadonlyArray<ReadonlyArray<number> | string>): string =>
  vectors
    .map((vector) => (typeof vector === "string" ? floats(vector) : [...vector]))
    .map((vector) => [vector.length, ...vector.slice(0, 3).map((value) => value.toFixed(4))].join(" "))
    .join("\n")

const floats = (base64: string): ReadonlyArray<number> => {
  const bytes = Buffer.from(base64, "base64")
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4))
}
