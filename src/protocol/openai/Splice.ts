import type { ChatRequest } from "../../domain/ChatRequest.js"
import type { JsonObject, Outbound, Spliced } from "../Dialects.js"
import * as Extensions from "../Extensions.js"
import * as Json from "../Json.js"
import * as JsonSplice from "../JsonSplice.js"
import type { Lost } from "../Lossiness.js"
import * as Seals from "../Seals.js"
import { native } from "./PromptIn.js"
import { maxTokensMember } from "./RequestOut.js"

/** The caller's bytes with the few members changed that must be; the very same bytes when none must. */
export const encode = (request: ChatRequest, outbound: Outbound): Spliced => {
  const { view } = request
  const { quirks } = outbound
  const changes: Record<string, string | undefined> = {}
  let lost = nothing
  let changed = false
  const set = (key: string, value: string | undefined): void => {
    changes[key] = value
    changed = true
  }
  if (view["model"] !== outbound.model) set("model", JSON.stringify(outbound.model))
  for (const key of Extensions.own) {
    if (view[key] !== undefined && !(key === "provider" && quirks.preferences)) set(key, undefined)
  }
  if (request.stream !== outbound.stream) set("stream", outbound.stream ? "true" : "false")
  setStreamOptions(request, outbound, set)
  if (outbound.maxTokens !== undefined) {
    const member = maxTokensMember(outbound.model, quirks, view)
    for (const other of ["max_tokens", "max_completion_tokens"]) {
      if (other !== member && view[other] !== undefined) set(other, undefined)
    }
    set(member, String(outbound.maxTokens))
  } else if (quirks.maxTokensOnly && typeof view["max_completion_tokens"] === "number") {
    set("max_completion_tokens", undefined)
    if (typeof view["max_tokens"] !== "number") set("max_tokens", String(view["max_completion_tokens"]))
  }
  if (outbound.temperature !== undefined) set("temperature", String(outbound.temperature))
  const refused = (quirks.refuses ?? []).filter((key) => key !== "stream_options" && view[key] !== undefined)
  for (const key of refused) set(key, undefined)
  if (refused.length > 0) lost = new Set(refused.map((key): Lost => `foreign:${key}`))
  const opened = unsealed(request, outbound.realm)
  if (opened !== undefined) {
    set("messages", opened.messages)
    if (opened.lost) lost = new Set<Lost>([...lost, "reasoning_history"])
  }
  return { body: changed ? JsonSplice.edit(request.body, changes) : request.body, lost }
}

const nothing: ReadonlySet<Lost> = new Set()

const setStreamOptions = (
  { includeUsage, view }: ChatRequest,
  { quirks, stream }: Outbound,
  set: (key: string, value: string | undefined) => void
): void => {
  const options = view["stream_options"]
  if (!stream || quirks.refuses?.includes("stream_options")) {
    if (options !== undefined) set("stream_options", undefined)
  } else if (!quirks.usageUnasked && !includeUsage) {
    set("stream_options", JSON.stringify({ ...Json.record(options), include_usage: true }))
  }
}

// ---------------------------------------------------------------------------------------------- seals

/** Where seals can be. Nearly no request has any, so its messages are not looked through. */
const traces = ["reasoning_details", "thought_signature"].map((name) => Buffer.from(name))

/** The messages without the seals of other endpoints; `undefined` when they may stay as they are. */
const unsealed = (
  { body }: ChatRequest,
  realm: string
): { readonly messages: string; readonly lost: boolean } | undefined => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (!traces.some((trace) => bytes.includes(trace))) return undefined
  const messages = Json.list(Json.record(Json.parsed(bytes.toString()))["messages"])
  let changed = false
  let lost = false
  const open = (value: string, native: string): string | undefined => {
    const seal = Seals.read(value, native)
    if (seal.origin !== realm) lost = true
    if (seal.origin !== realm || seal.value !== value) changed = true
    return seal.origin === realm ? seal.value : undefined
  }
  const opened = messages.map((message) => (Json.isRecord(message) ? withoutForeign(message, open) : message))
  return changed ? { messages: Json.stringify(opened), lost } : undefined
}

type Open = (value: string, native: string) => string | undefined

const withoutForeign = (message: JsonObject, open: Open): JsonObject => ({
  ...message,
  ...(Array.isArray(message["reasoning_details"])
    ? { reasoning_details: Json.records(message["reasoning_details"]).flatMap((detail) => ofDetail(detail, open)) }
    : {}),
  ...(Array.isArray(message["tool_calls"])
    ? { tool_calls: Json.records(message["tool_calls"]).map((call) => ofCall(call, open)) }
    : {})
})

const ofDetail = (detail: JsonObject, open: Open): ReadonlyArray<JsonObject> => {
  for (const key of ["signature", "data"]) {
    const value = Json.text(detail[key])
    if (!value) continue
    const opened = open(value, native.details)
    return opened === undefined ? [] : [{ ...detail, [key]: opened }]
  }
  return [detail]
}

const ofCall = (call: JsonObject, open: Open): JsonObject => {
  const extra = Json.record(call["extra_content"])
  const google = Json.record(extra["google"])
  const signature = Json.text(google["thought_signature"])
  if (!signature) return call
  const opened = open(signature, native.toolCall)
  const { extra_content: _, ...rest } = call
  return opened === undefined
    ? rest
    : { ...call, extra_content: { ...extra, google: { ...google, thought_signature: opened } } }
}
