import * as FastCheck from "effect/FastCheck"
import type { ChatEvent } from "../../src/domain/ChatEvent.js"
import type { FinishReason } from "../../src/domain/FinishReason.js"
import type { Message, Part, Prompt } from "../../src/domain/Prompt.js"
import type { IncomingContext, Outbound, Reading, StreamReader } from "../../src/protocol/Dialects.js"
import * as Readings from "../../src/protocol/Readings.js"

/** A prompt that asks for nothing but this. */
export const prompt = (asked: Partial<Prompt>): Prompt => ({
  messages: [],
  tools: [],
  toolChoice: undefined,
  parallelTools: undefined,
  format: undefined,
  maxTokens: undefined,
  temperature: undefined,
  topP: undefined,
  topK: undefined,
  stop: [],
  seed: undefined,
  presencePenalty: undefined,
  frequencyPenalty: undefined,
  choices: undefined,
  thinking: undefined,
  user: undefined,
  foreign: [],
  ...asked
})

export const outbound = (set: Partial<Outbound> = {}): Outbound => ({
  model: "m-1",
  stream: false,
  realm: "here",
  names: [],
  quirks: {},
  maxTokens: undefined,
  temperature: undefined,
  ...set
})

export const user = (...parts: ReadonlyArray<Part>): Message => ({ role: "user", parts })
export const assistant = (...parts: ReadonlyArray<Part>): Message => ({ role: "assistant", parts })

export const text = (words: string): Part => ({ _tag: "Text", text: words, cache: undefined })

export const image = (more: Partial<Extract<Part, { readonly _tag: "Image" }>> = {}): Part => ({
  _tag: "Image",
  source: { _tag: "Base64", mediaType: "image/png", data: "aGk=" },
  detail: undefined,
  cache: undefined,
  ...more
})

export const call = (id: string, name: string, args: string): Part => ({
  _tag: "ToolCall",
  id,
  name,
  arguments: args,
  seal: undefined,
  cache: undefined
})

export const result = (id: string, name: string | undefined, ...parts: ReadonlyArray<Part>) =>
  ({ _tag: "ToolResult", id, name, parts, failed: false, cache: undefined }) as const

export const tool = { name: "look", description: "Looks.", parameters: undefined, strict: undefined, cache: undefined }

export const said = (words: string): ChatEvent => ({ _tag: "Text", index: 0, text: words })

/** A frame of a provider's stream that says this. */
export const reading = (events: ReadonlyArray<ChatEvent>, more: Partial<Reading> = {}): Reading => ({
  ...Readings.nothing,
  events,
  choices: [...new Set(events.map(({ index }) => index))],
  ...more
})

export const finish = (reason: FinishReason): ChatEvent => ({ _tag: "Finish", index: 0, reason })

/** Every id that is asked for is another one. */
export const incoming = (): IncomingContext => {
  let ids = 0
  return { realm: "here", fresh: (prefix) => `${prefix}${++ids}` }
}

export const readAll = (reader: StreamReader, frames: ReadonlyArray<string>): ReadonlyArray<Reading> =>
  frames.flatMap((frame) => reader.read(frame, undefined) ?? [])

export const eventsOf = (readings: ReadonlyArray<Reading>): ReadonlyArray<ChatEvent> =>
  readings.flatMap(({ events }) => events)

export const usageOf = (readings: ReadonlyArray<Reading>) =>
  readings.reduce<Reading["usage"]>((before, { usage }) => usage ?? before, undefined)

/** JSON in which the members that a reader looks for hold anything at all. */
export const hostile = (members: ReadonlyArray<string>): FastCheck.Arbitrary<string> =>
  FastCheck.letrec<{ readonly value: unknown; readonly object: object }>((tie) => ({
    value: FastCheck.oneof(
      { maxDepth: 4, withCrossShrink: true },
      FastCheck.constantFrom<unknown>(null, true, 0, -1, 1e308, "", "x", "stop"),
      FastCheck.array(tie("value"), { maxLength: 3 }),
      tie("object")
    ),
    object: FastCheck.dictionary(FastCheck.constantFrom(...members), tie("value"), { maxKeys: 5 })
  })).value.map((value) => JSON.stringify(value))
