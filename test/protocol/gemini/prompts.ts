import type { Message, Part, Prompt, Tool } from "../../../src/domain/Prompt.js"
import type { Outbound } from "../../../src/protocol/Dialects.js"
import * as Gemini from "../../../src/protocol/gemini/Gemini.js"

export const realm = "gemini"

export const text = (said: string): Part => ({ _tag: "Text", text: said, cache: undefined })

export const user = (...parts: ReadonlyArray<Part>): Message => ({ role: "user", parts })

export const assistant = (...parts: ReadonlyArray<Part>): Message => ({ role: "assistant", parts })

export const system = (said: string): Message => ({ role: "system", parts: [text(said)] })

type ToolCall = Part & { readonly _tag: "ToolCall" }
type ToolResult = Part & { readonly _tag: "ToolResult" }

export const call = (id: string, name: string, args: string, seal?: ToolCall["seal"]): ToolCall => ({
  _tag: "ToolCall",
  id,
  name,
  arguments: args,
  seal,
  cache: undefined
})

export const result = (
  id: string,
  name: string | undefined,
  parts: ReadonlyArray<Part>,
  failed = false
): ToolResult => ({
  _tag: "ToolResult",
  id,
  name,
  parts,
  failed,
  cache: undefined
})

export const tool = (name: string, more: Partial<Tool> = {}): Tool => ({
  name,
  description: undefined,
  parameters: undefined,
  strict: undefined,
  cache: undefined,
  ...more
})

const prompt = (more: Partial<Prompt>): Prompt => ({
  messages: [user(text("Hi"))],
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
  ...more
})

/** The request for a prompt, and what is lost, sorted. */
export const asked = (model: string, more: Partial<Prompt>, outbound: Partial<Outbound> = {}) => {
  const { json, lost } = Gemini.back.encode(prompt(more), {
    model,
    stream: false,
    realm,
    quirks: {},
    maxTokens: undefined,
    temperature: undefined,
    ...outbound
  })
  return { json, lost: [...lost].toSorted() }
}
