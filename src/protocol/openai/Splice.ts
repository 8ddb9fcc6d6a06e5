import type { ChatRequest } from "../../domain/ChatRequest.js"
import type { JsonObject, Outbound, Spliced } from "../Dialects.js"
import * as Extensions from "../Extensions.js"
import * as Json from "../Json.js"
import * as JsonSplice from "../JsonSplice.js"
import type { Lost } from "../Lossiness.js"
import { forwarded } from "../PreferencesIn.js"
import * as History from "./History.js"
import * as Models from "./Models.js"
import { maxTokensMember, reasons } from "./RequestOut.js"

/** The caller's bytes with the few members changed that must be; the very same bytes when none must. */
export const encode = (request: ChatRequest, outbound: Outbound): Spliced => {
  const { view } = request
  const { quirks } = outbound
  const changes: Record<string, string | undefined> = {}
  let lost = nothing
  let changed = false
  const set: SetMember = (key, value) => {
    changes[key] = value
    changed = true
  }
  if (view["model"] !== outbound.model) set("model", JSON.stringify(outbound.model))
  for (const key of Extensions.own) {
    if (view[key] === undefined) continue
    const kept = key === "provider" && quirks.preferences === true ? forwarded(view[key], outbound.names) : undefined
    if (kept !== view[key]) set(key, kept === undefined ? undefined : JSON.stringify(kept))
  }
  if (request.stream !== outbound.stream) set("stream", outbound.stream ? "true" : "false")
  setStreamOptions(request, outbound, set)
  if (outbound.maxTokens !== undefined) {
    const member = maxTokensMember(outbound.model, quirks, view)
    for (const other of ["max_tokens", "max_completion_tokens"]) {
      if (other !== member && view[other] !== undefined) set(other, undefined)
    }
    set(member, String(outbound.maxTokens))
  } else renameMaxTokens(view, outbound, set)
  if (outbound.temperature !== undefined) set("temperature", String(outbound.temperature))
  const cold = notSampled(view, outbound)
  for (const key of cold) set(key, undefined)
  if (cold.length > 0) lost = new Set<Lost>(cold)
  const refused = (quirks.refuses ?? []).filter(
    (key) => key !== "stream_options" && (view[key] !== undefined || changes[key] !== undefined)
  )
  for (const key of refused) set(key, undefined)
  // Null asks for nothing.
  const asked = refused.filter((key) => view[key] !== null)
  if (asked.length > 0) lost = new Set([...lost, ...asked.map((key): Lost => `foreign:${key}`)])
  const fitted = History.fit(request, outbound)
  if (fitted !== undefined) {
    set("messages", fitted.messages)
    if (fitted.lost.length > 0) lost = new Set<Lost>([...lost, ...fitted.lost])
  }
  return { body: changed ? JsonSplice.edit(request.body, changes) : request.body, lost }
}

const nothing: ReadonlySet<Lost> = new Set()

/** Members with which OpenAI's reasoning models refuse a request, where they say another thing than the default. */
const notSampled = (view: JsonObject, { model, temperature }: Outbound): ReadonlyArray<Sampling> => {
  const rules = Models.rulesOf(model)
  if (Models.samples(rules, view["reasoning_effort"])) return []
  const asked = temperature === undefined ? view : { ...view, temperature }
  return samplings.filter((key) => typeof asked[key] === "number" && asked[key] !== defaults[key])
}

const samplings = ["temperature", "top_p", "presence_penalty", "frequency_penalty"] as const

type Sampling = (typeof samplings)[number]

const defaults: Readonly<Record<Sampling, number>> = {
  temperature: 1,
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0
}

type SetMember = (key: string, value: string | undefined) => void

/** The caller's bound under the name that the model knows. */
const renameMaxTokens = (view: JsonObject, { model, quirks }: Outbound, set: SetMember): void => {
  const [from, to] = quirks.maxTokensOnly
    ? ["max_completion_tokens", "max_tokens"]
    : reasons(model)
      ? ["max_tokens", "max_completion_tokens"]
      : []
  if (from === undefined || to === undefined || typeof view[from] !== "number") return
  set(from, undefined)
  if (typeof view[to] !== "number") set(to, String(view[from]))
}

const setStreamOptions = ({ includeUsage, view }: ChatRequest, { quirks, stream }: Outbound, set: SetMember): void => {
  const options = view["stream_options"]
  if (!stream || quirks.refuses?.includes("stream_options")) {
    if (options !== undefined) set("stream_options", undefined)
  } else if (!quirks.usageUnasked && !includeUsage) {
    set("stream_options", JSON.stringify({ ...Json.record(options), include_usage: true }))
  }
}
