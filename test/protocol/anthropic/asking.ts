import type { Part, Prompt, Tool } from "../../../src/domain/Prompt.js"
import type { Outbound } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import * as RequestOut from "../../../src/protocol/anthropic/RequestOut.js"
import { outbound, prompt, text, user } from "../../support/turns.js"

/** The request for a prompt, and what is lost, sorted. */
export const asked = (model: string, more: Partial<Prompt>, set: Partial<Outbound> = {}) => {
  const asking = prompt({ messages: [user(text("Hi"))], ...more })
  const { json, lost } = RequestOut.encode(asking, outbound({ model, realm: "anthropic", ...set }))
  const names: ReadonlyArray<string> = [...lost].toSorted()
  return { json, lost: names }
}

/** Roles and blocks of the messages that a prompt becomes. */
export const talk = (messages: Prompt["messages"], model = "claude-sonnet-4-5") => {
  const { json, lost } = asked(model, { messages })
  const turns = Json.records(json["messages"]).map(({ content, role }) => [role, ...Json.list(content)])
  return { system: json["system"], turns, lost }
}

export const thought = (words: string, origin?: string): Part => ({
  _tag: "Reasoning",
  text: words,
  seal: origin === undefined ? undefined : { origin, value: `sig-${words}` }
})

export const tool = (name: string, more: Partial<Tool> = {}): Tool => ({
  name,
  description: undefined,
  parameters: undefined,
  strict: undefined,
  cache: undefined,
  ...more
})
