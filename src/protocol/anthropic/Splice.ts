import type { ChatRequest } from "../../domain/ChatRequest.js"
import type { Outbound, Spliced } from "../Dialects.js"
import * as Extensions from "../Extensions.js"
import * as Json from "../Json.js"
import * as JsonSplice from "../JsonSplice.js"
import type { Lost } from "../Lossiness.js"
import * as Seals from "../Seals.js"
import * as Conversation from "./Conversation.js"
import { keyOfType } from "./Marks.js"
import { native } from "./PromptIn.js"

/** The caller's bytes with the few members changed that must be; the very same bytes when none must. */
export const encode = (request: ChatRequest, outbound: Outbound): Spliced => {
  const { view } = request
  const changes: Record<string, string | undefined> = {}
  if (view["model"] !== outbound.model) changes["model"] = JSON.stringify(outbound.model)
  for (const key of Extensions.own) if (view[key] !== undefined) changes[key] = undefined
  if (request.dialect === "anthropic-messages") {
    if (request.stream !== outbound.stream) changes["stream"] = outbound.stream ? "true" : "false"
    if (outbound.maxTokens !== undefined) changes["max_tokens"] = String(outbound.maxTokens)
    if (outbound.temperature !== undefined) changes["temperature"] = String(outbound.temperature)
  }
  const lost = new Set<Lost>()
  const opened = unsealed(request, outbound.realm)
  if (opened !== undefined) {
    changes["messages"] = Json.stringify(opened.messages)
    if (opened.lost) lost.add("reasoning_history")
  }
  // Anthropic refuses to think on within a budget in a turn that has called tools and did not begin with a thought.
  const budgeted = Json.record(view["thinking"])["type"] === "enabled"
  if (budgeted && Conversation.goesOnWithoutThought(turnsOf(opened?.messages ?? view["messages"]))) {
    changes["thinking"] = undefined
    lost.add("thinking")
  }
  const changed = Object.keys(changes).length > 0
  return { body: changed ? JsonSplice.edit(request.body, changes) : request.body, lost }
}

const traces = ['"signature"', '"redacted_thinking"'].map((name) => Buffer.from(name))
const unsealedTraces = ['"signature":""', '"signature": ""'].map((name) => Buffer.from(name))

/** The messages without the seals of other endpoints; `undefined` when they may stay as they are. */
const unsealed = (
  { body }: ChatRequest,
  realm: string
): { readonly messages: ReadonlyArray<unknown>; readonly lost: boolean } | undefined => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  // Anthropic's own seals go to Anthropic as they are.
  const suspicious = realm === native ? Seals.marked(bytes) || has(bytes, unsealedTraces) : has(bytes, traces)
  if (!suspicious) return undefined
  let changed = false
  let lost = false
  const ofBlock = (block: unknown): ReadonlyArray<unknown> => {
    const sealed = Json.record(block)
    const key = keyOfType(sealed["type"])
    if (key === undefined) return [block]
    const value = Json.text(sealed[key]) ?? ""
    const seal = Seals.read(value, native)
    const own = seal.origin === realm && seal.value !== ""
    if (own && seal.value === value) return [block]
    changed = true
    if (own) return [{ ...sealed, [key]: seal.value }]
    lost = true
    return []
  }
  const messages = Json.list(Json.record(Json.parsed(bytes.toString()))["messages"]).flatMap((message) => {
    if (!Json.isRecord(message) || !Array.isArray(message["content"])) return [message]
    const content: ReadonlyArray<unknown> = message["content"].flatMap(ofBlock)
    // A message that says nothing is refused.
    return content.length === 0 ? [] : [{ ...message, content }]
  })
  return changed ? { messages, lost } : undefined
}

const has = (bytes: Buffer, wanted: ReadonlyArray<Buffer>): boolean => wanted.some((trace) => bytes.includes(trace))

const turnsOf = (messages: unknown): ReadonlyArray<Conversation.Turn> =>
  Json.records(messages).map(({ content, role }) => ({
    role: role === "assistant" ? "assistant" : "user",
    content: Json.records(content)
  }))
