import type { ChatRequest } from "../domain/ChatRequest.js"
import type { JsonObject } from "./Dialects.js"
import * as Json from "./Json.js"

/** What a request asks of whoever answers it, read without translating it. Both fronts are read alike where their words differ. */

/** A conversation, and not what came before chats or counts one. */
export const isChat = ({ dialect }: ChatRequest): boolean =>
  dialect === "openai-chat" || dialect === "anthropic-messages"

/** Tools that the model may call. */
export const hasTools = ({ view }: ChatRequest): boolean =>
  Json.list(view["tools"]).length > 0 || Json.list(view["functions"]).length > 0

/**
 * Tools that the provider runs itself, as a search: what they find is input that is in no request, and the model is asked
 * again with each of them. A summary of the talk (`compact_...`) is another call as well. A tool that is not known may be one.
 */
export const hasProviderTools = ({ view }: ChatRequest): boolean =>
  Json.records(view["tools"]).some(({ type }) => !runsAtCaller(type)) ||
  Json.records(Json.record(view["context_management"])["edits"]).some(({ type }) => !isClearing(type)) ||
  ["web_search_options", "plugins", "mcp_servers", "search_parameters"].some((member) => says(view[member])) ||
  view["enable_search"] === true

/** It asks to be served faster or elsewhere than others, at prices that no list has. */
export const hasOtherPrices = ({ view }: ChatRequest): boolean =>
  isOther(view["service_tier"], plainTiers) ||
  isOther(view["speed"], ["standard"]) ||
  isOther(view["inference_geo"], ["global"])

const isOther = (value: unknown, plain: ReadonlyArray<string>): boolean =>
  typeof value === "string" && !plain.includes(value)

/** Those of OpenAI's and Anthropic's that cost what the lists say, or less. */
const plainTiers = ["auto", "default", "flex", "on_demand", "standard", "standard_only", "batch"]

/** The caller's own tools, and those of Anthropic's that the caller runs. */
const runsAtCaller = (type: unknown): boolean =>
  type === undefined ||
  type === "function" ||
  type === "custom" ||
  (typeof type === "string" && /^(?:bash|text_editor|computer|memory)_\d{8}$/.test(type))

const isClearing = (type: unknown): boolean => typeof type === "string" && type.startsWith("clear_")

const says = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : Json.isRecord(value))

/** Pictures, also in what a tool gave. */
export const hasImages = ({ view }: ChatRequest): boolean =>
  Json.list(view["messages"]).some((message) =>
    Json.list(Json.record(message)["content"]).some(
      (part) =>
        Json.isRecord(part) &&
        (isImage(part) || (part["type"] === "tool_result" && Json.records(part["content"]).some(isImage)))
    )
  )

export const isImage = ({ type }: JsonObject): boolean => type === "image_url" || type === "image"

/** An answer that follows a JSON schema. */
export const hasSchema = ({ view }: ChatRequest): boolean =>
  [view["response_format"], view["output_format"], Json.record(view["output_config"])["format"]].some(
    (format) => Json.record(format)["type"] === "json_schema"
  )

/** The most tokens of an answer that the caller wants; `undefined`: not said. */
export const maxTokens = ({ view }: ChatRequest): number | undefined =>
  Json.number(view["max_completion_tokens"]) ?? Json.number(view["max_tokens"])

/** The same where a provider may take either word: the larger. */
export const mostTokens = ({ view }: ChatRequest): number | undefined => {
  const [one, other] = [Json.number(view["max_completion_tokens"]), Json.number(view["max_tokens"])]
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
}

/** How many answers it asks for. */
export const answers = ({ dialect, view }: ChatRequest): number => {
  if (dialect === "openai-chat") return atLeastOne(view["n"])
  if (dialect !== "openai-completions") return 1
  const { prompt } = view
  // A list of numbers is one prompt in tokens.
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== "number" ? prompt.length : 1
  return Math.max(1, prompts) * Math.max(atLeastOne(view["n"]), atLeastOne(view["best_of"]))
}

const atLeastOne = (value: unknown): number => Math.max(1, Math.ceil(Json.number(value) ?? 1))
