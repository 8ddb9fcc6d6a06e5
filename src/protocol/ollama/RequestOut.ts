import type { AnswerFormat, Prompt, Thinking } from "../../domain/Prompt.js"
import type { Encoded, JsonObject, Outbound } from "../Dialects.js"
import * as Json from "../Json.js"
import * as JsonText from "../JsonText.js"
import type { Lost } from "../Lossiness.js"
import * as Turns from "../Turns.js"

/**
 * A request for `/api/chat`. Reasoning that no other endpoint sealed is sent back as `thinking`: Ollama's tool loop asks
 * for it ("return those fields together with any tool results", docs/capabilities/tool-calling), and its templates drop
 * by themselves what an earlier turn thought.
 */
export const encode = (prompt: Prompt, outbound: Outbound): Encoded => {
  const lost = Turns.unsayable(prompt)
  const tools = Turns.functions(prompt, lost)
  const options = Json.defined({
    num_predict: outbound.maxTokens ?? prompt.maxTokens,
    temperature: outbound.temperature ?? prompt.temperature,
    top_p: prompt.topP,
    top_k: prompt.topK,
    stop: prompt.stop.length === 0 ? undefined : prompt.stop,
    seed: prompt.seed,
    presence_penalty: prompt.presencePenalty,
    frequency_penalty: prompt.frequencyPenalty
  })
  const json = Json.defined({
    model: outbound.model,
    messages: Turns.of(prompt.messages, outbound.realm, lost).map(messageOf),
    stream: outbound.stream, // true when absent
    tools: tools.length === 0 ? undefined : tools,
    format: formatOf(prompt.format),
    think: thinkOf(prompt.thinking, outbound.model, lost),
    options: Object.keys(options).length === 0 ? undefined : options
  })
  return { json, lost }
}

/** `tool_name` is what the docs ask for; newer versions also tell two calls of one tool apart by their ids. */
const messageOf = ({ calls, images, result, role, text, thoughts }: Turns.Turn): JsonObject =>
  Json.defined({
    role,
    content: text,
    thinking: thoughts === "" ? undefined : thoughts,
    images: images.length === 0 ? undefined : images.map(({ data }) => data),
    tool_calls: calls.length === 0 ? undefined : calls.map(callOf),
    tool_name: result?.name,
    tool_call_id: result?.id
  })

const callOf = ({ arguments: text, id, name }: Turns.PartOf<"ToolCall">, index: number): JsonObject => ({
  id,
  type: "function",
  function: { index, name, arguments: argumentsOf(text) }
})

const argumentsOf = (text: string): JsonObject => {
  const value = Json.record(Json.parsed(text))
  return JsonText.of(value) === "" ? {} : value
}

const formatOf = (format: AnswerFormat | undefined): unknown => {
  if (format === undefined) return undefined
  return format._tag === "Json" ? "json" : format.schema
}

/** A level is refused with a 400 by all models that know none, and only gpt-oss is sure to know some. */
const thinkOf = (thinking: Thinking | undefined, model: string, lost: Set<Lost>): boolean | string | undefined => {
  if (thinking === undefined) return undefined
  if (!thinking.enabled) return false
  const { budgetTokens, effort } = thinking
  if (budgetTokens !== undefined) lost.add("thinking_budget")
  if (effort === undefined) return true
  const level = /gpt-oss/i.test(model) ? levels.get(effort) : undefined
  if (level === undefined) lost.add("thinking")
  return level ?? true
}

const levels: ReadonlyMap<string, string> = new Map([
  ["minimal", "low"],
  ["low", "low"],
  ["medium", "medium"],
  ["high", "high"],
  ["xhigh", "high"],
  ["max", "high"]
])
