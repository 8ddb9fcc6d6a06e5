import type { CacheMark } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import type { Lost } from "../Lossiness.js"

/** The parts of a request that may be marked, in the order in which they make the cached prefix. */
export interface Marked {
  readonly tools: ReadonlyArray<JsonObject>
  readonly system: ReadonlyArray<JsonObject>
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: ReadonlyArray<JsonObject> }>
}

/** `cache_control`; five minutes are what Anthropic takes for granted. */
export const of = (mark: CacheMark | undefined): JsonObject | undefined => {
  if (mark === undefined) return undefined
  return mark.ttl === "1h" ? { type: "ephemeral", ttl: "1h" } : { type: "ephemeral" }
}

/**
 * The request with no more marks than Anthropic takes, which is four, and none for an hour behind one for five minutes. Of
 * too many the first stays, since it holds what all conversations share, and the last, which hold the most. Source:
 * https://platform.claude.com/docs/en/build-with-claude/prompt-caching
 */
export const limit = (request: Marked, lost: Set<Lost>): Marked => {
  const marked = blocksOf(request).filter((block) => block["cache_control"] !== undefined)
  const kept = marked.length > most ? [...marked.slice(0, 1), ...marked.slice(1 - most)] : marked
  const firstShort = kept.findIndex((block) => !isLong(block))
  const short = new Set(firstShort < 0 ? [] : kept.slice(firstShort).filter(isLong))
  const dropped = new Set(marked.filter((block) => !kept.includes(block)))
  if (short.size + dropped.size === 0) return request
  lost.add("cache_control")
  const fix = (block: JsonObject): JsonObject => {
    const content = isResult(block) ? { content: Json.records(block["content"]).map(fix) } : {}
    if (dropped.has(block)) return Json.defined({ ...block, ...content, cache_control: undefined })
    return { ...block, ...content, ...(short.has(block) ? { cache_control: of({ ttl: "5m" }) } : {}) }
  }
  return {
    tools: request.tools.map(fix),
    system: request.system.map(fix),
    messages: request.messages.map(({ content, role }) => ({ role, content: content.map(fix) }))
  }
}

const most = 4

const blocksOf = ({ messages, system, tools }: Marked): ReadonlyArray<JsonObject> => [
  ...tools,
  ...system,
  ...messages.flatMap(({ content }) =>
    content.flatMap((block) => (isResult(block) ? [...Json.records(block["content"]), block] : [block]))
  )
]

const isResult = (block: JsonObject): boolean => block["type"] === "tool_result" && Array.isArray(block["content"])

const isLong = (block: JsonObject): boolean => Json.record(block["cache_control"])["ttl"] === "1h"
