import type { ChatRequest } from "../../domain/ChatRequest.js"
import type { JsonObject, Outbound, Quirks } from "../Dialects.js"
import * as Json from "../Json.js"
import type { Lost } from "../Lossiness.js"
import * as Seals from "../Seals.js"
import * as ToolIds from "../ToolIds.js"
import * as Unmarked from "./Unmarked.js"
import * as GoogleSeals from "./GoogleSeals.js"
import { native } from "./Native.js"
import * as Reasoned from "./Reasoned.js"
import { without } from "./Sameness.js"
import * as Thoughts from "./Thoughts.js"
import * as ToolPictures from "./ToolPictures.js"

/**
 * The caller's messages as an endpoint takes them: without the seals of others, without members that it refuses, with ids
 * of tool calls in the form that it insists on, with reasoning where it must be, and with pictures where they may be.
 * `undefined` when they may stay as they are, which is nearly always.
 */
export const fit = (
  { body, view }: ChatRequest,
  outbound: Outbound
): { readonly messages: string; readonly lost: ReadonlyArray<Lost> } | undefined => {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const { quirks, realm } = outbound
  const { toolIds } = quirks
  const isClosed = quirks.closedMessages === true || quirks.openai === true
  const signs = GoogleSeals.demanded(outbound)
  const lacksReasoning = quirks.reasonedCalls === true && Reasoned.lacksIn(view["messages"])
  const showsPictures = quirks.results === "text" && ToolPictures.someIn(view["messages"])
  const fits =
    !signs &&
    !lacksReasoning &&
    !showsPictures &&
    !traces.some((trace) => bytes.includes(trace)) &&
    (toolIds === undefined || !refuses(view, toolIds)) &&
    // Nearly no request bears marks, so its messages are not looked through for them.
    (!isClosed ||
      (!bytes.includes(Unmarked.trace) &&
        Json.records(view["messages"]).every((message) => refusedIn(message, quirks).length === 0)))
  if (fits) return undefined
  const messages = Json.list(Json.record(Json.parsed(bytes.toString()))["messages"])
  let changed = lacksReasoning || showsPictures
  const lost = new Set<Lost>()
  const open: Open = (value, home) => {
    const seal = Seals.read(value, home)
    if (seal.origin !== realm) lost.add("reasoning_history")
    if (seal.origin !== realm || seal.value !== value) changed = true
    return seal.origin === realm ? (value === seal.value ? value : Thoughts.bare(seal.value)) : undefined
  }
  const lose = (): void => {
    lost.add("reasoning_history")
    changed = true
  }
  const idOf = (id: unknown): unknown => {
    if (toolIds === undefined || typeof id !== "string") return id
    const fitted = ToolIds.fit(id, toolIds)
    if (fitted !== id) changed = true
    return fitted
  }
  const known = (marked: JsonObject): JsonObject => {
    const message = isClosed ? Unmarked.unmarked(marked) : marked
    if (message !== marked) {
      lost.add("cache_control")
      changed = true
    }
    const refused = refusedIn(message, quirks)
    if (refused.length > 0) changed = true
    for (const key of refused.filter((name) => message[name])) {
      if (reasoning.has(key)) lost.add("reasoning_history")
      else if (key !== "annotations") lost.add(`foreign:messages.${key}`)
    }
    return refused.reduce(without, message)
  }
  const sign = (message: JsonObject): JsonObject => {
    const calls = Json.records(message["tool_calls"])
    if (!signs || calls.length === 0) return message
    changed = true
    return { ...message, tool_calls: GoogleSeals.signed(calls) }
  }
  // Before foreign seals are taken out, and with them the texts that they seal.
  const reasoned = lacksReasoning ? Reasoned.shown(messages) : messages
  const opened = reasoned.map((message) =>
    Json.isRecord(message) ? sign(withIds(withoutForeign(known(message), open, lose), idOf)) : message
  )
  const fitted = showsPictures ? ToolPictures.shownByUser(opened) : opened
  return changed ? { messages: Json.stringify(fitted), lost: [...lost] } : undefined
}

/** Where seals can be. Nearly no request has any, so its messages are not looked through. */
const traces = ["reasoning_details", "thought_signature"].map((name) => Buffer.from(name))

const reasoning: ReadonlySet<string> = new Set(["reasoning_content", "reasoning", "reasoning_details"])

/** What every vendor knows. */
const messageMembers = new Set(["role", "content", "tool_calls", "tool_call_id"])

/** The reasoning of earlier turns is for those who take it back; OpenAI gives none and takes none. */
const refusedIn = (message: JsonObject, quirks: Quirks): ReadonlyArray<string> => {
  if (!quirks.closedMessages && !quirks.openai) return []
  return Object.keys(message).filter((key) =>
    quirks.closedMessages ? !messageMembers.has(key) && key !== quirks.reasoning : reasoning.has(key)
  )
}

const refuses = (view: JsonObject, form: ToolIds.Form): boolean =>
  Json.records(view["messages"]).some(({ tool_call_id, tool_calls }) =>
    [tool_call_id, ...Json.records(tool_calls).map(({ id }) => id)].some(
      (id) => typeof id === "string" && ToolIds.fit(id, form) !== id
    )
  )

const withIds = (message: JsonObject, idOf: (id: unknown) => unknown): JsonObject => ({
  ...message,
  ...("tool_call_id" in message ? { tool_call_id: idOf(message["tool_call_id"]) } : {}),
  ...(Array.isArray(message["tool_calls"])
    ? { tool_calls: Json.records(message["tool_calls"]).map((call) => ({ ...call, id: idOf(call["id"]) })) }
    : {})
})

type Open = (value: string, home: string) => string | undefined

const withoutForeign = (message: JsonObject, open: Open, lose: () => void): JsonObject => ({
  ...message,
  ...(Array.isArray(message["reasoning_details"])
    ? { reasoning_details: detailsOf(Json.records(message["reasoning_details"]), open, lose) }
    : {}),
  ...(Array.isArray(message["tool_calls"])
    ? { tool_calls: Json.records(message["tool_calls"]).map((call) => ofCall(call, open)) }
    : {})
})

/**
 * A thought whose seal is foreign goes with it, and with all its pieces where they came as such. Where only the end of all
 * thoughts is there, no seal goes: their maker refuses a seal on another text, and a part of the sequence.
 */
const detailsOf = (details: ReadonlyArray<JsonObject>, open: Open, lose: () => void): ReadonlyArray<JsonObject> => {
  if (Thoughts.isTail(details)) {
    lose()
    return details.filter((detail) => sealIn(detail) === undefined)
  }
  const kept: Array<JsonObject> = []
  for (const detail of details) {
    const key = sealIn(detail)
    const opened = key === undefined ? undefined : open(Json.text(detail[key]) ?? "", native.details)
    if (key === undefined) kept.push(detail)
    else if (opened !== undefined) kept.push({ ...detail, [key]: opened })
    else while (isPieceOf(kept.at(-1), detail)) kept.pop()
  }
  return kept
}

const sealIn = (detail: JsonObject): "signature" | "data" | undefined =>
  (["signature", "data"] as const).find((key) => Json.text(detail[key]))

const isPieceOf = (piece: JsonObject | undefined, { data, index }: JsonObject): boolean =>
  piece !== undefined &&
  data === undefined &&
  index !== undefined &&
  piece["index"] === index &&
  sealIn(piece) === undefined

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
