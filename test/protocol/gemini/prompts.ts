import type { Message, Part, Prompt, Tool } from "../../../src/domain/Prompt.js"
import type { Outbound } from "../../../src/protocol/Dialects.js"
import * as Gemini from "../../../src/protocol/gemini/Gemini.js"
import { outbound, prompt, text, user } from "../../support/turns.js"

export { assistant, text, user } from "../../support/turns.js"

export const realm = "gemini"

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

/** The request for a prompt, and what is lost, sorted. */
export const asked = (model: string, more: Partial<Prompt>, set: Partial<Outbound> = {}) => {
  const { json, lost } = Gemini.back.encode(
    prompt({ messages: [user(text("Hi"))], ...more }),
    outbound({ model, realm, ...set })
  )
  return { json, lost: [...lost].toSorted() }
}
