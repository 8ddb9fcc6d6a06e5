import type { AnswerFormat, Prompt, Thinking, Tool, ToolChoice } from "../../domain/Prompt.js"
import type { Encoded, JsonObject, Outbound, Quirks } from "../Dialects.js"
import * as Json from "../Json.js"
import { foreign, type Lost } from "../Lossiness.js"
import { MessageWriter } from "./MessagesOut.js"
import * as Models from "./Models.js"
import * as Strict from "./Strict.js"

/** The request that asks for a prompt which came in another dialect. */
export const encode = (prompt: Prompt, outbound: Outbound): Encoded => {
  const lost = new Set<Lost>(foreign(prompt.foreign))
  const called = prompt.messages.some(({ parts }) => parts.some(({ _tag }) => _tag === "ToolCall"))
  const messages = new MessageWriter(outbound, lost, called)
  const { model, quirks, stream } = outbound
  const rules = Models.rulesOf(model)
  /** What the model refuses is not sent. */
  const unless = <A>(refuses: boolean, value: A | undefined, harmless: A | undefined, name: Lost): A | undefined => {
    if (!refuses || value === undefined) return value
    if (value !== harmless) lost.add(name)
    return undefined
  }
  const stop = rules.stop ? prompt.stop.slice(0, maxStops) : []
  if (prompt.stop.length > stop.length) lost.add("stop")
  const knowsTopK = quirks.knows?.includes("top_k") ?? false
  const hasTools = prompt.tools.length > 0
  const serial = prompt.parallelTools === false
  const all = Json.defined({
    model,
    messages: prompt.messages.flatMap((message) => messages.message(message)),
    stream: stream ? true : undefined,
    stream_options:
      stream && !quirks.usageUnasked && !quirks.refuses?.includes("stream_options")
        ? { include_usage: true }
        : undefined,
    tools: hasTools ? prompt.tools.map((tool) => toolOf(tool, messages, outbound, lost)) : undefined,
    tool_choice: hasTools ? toolChoice(prompt.toolChoice) : undefined,
    parallel_tool_calls: hasTools
      ? unless(serial && !rules.serialTools, prompt.parallelTools, undefined, "parallel_tools")
      : undefined,
    response_format: formatOf(prompt.format, outbound, lost),
    [maxTokensMember(model, quirks, {})]: outbound.maxTokens ?? prompt.maxTokens,
    temperature: unless(!rules.sampling, outbound.temperature ?? prompt.temperature, 1, "temperature"),
    top_p: unless(!rules.sampling, prompt.topP, 1, "top_p"),
    top_k: unless(!knowsTopK, prompt.topK, undefined, "top_k"),
    stop: stop.length === 0 ? undefined : stop,
    seed: prompt.seed,
    presence_penalty: unless(!rules.sampling, prompt.presencePenalty, 0, "presence_penalty"),
    frequency_penalty: unless(!rules.sampling, prompt.frequencyPenalty, 0, "frequency_penalty"),
    n: prompt.choices,
    user: prompt.user,
    ...thinkingOf(prompt.thinking, outbound, lost)
  })
  const refused = Object.keys(all).filter((key) => quirks.refuses?.includes(key))
  for (const key of refused) lost.add(lostBy[key] ?? `foreign:${key}`)
  return { json: Json.defined({ ...all, ...Object.fromEntries(refused.map((key) => [key, undefined])) }), lost }
}

/** OpenAI's limit. */
const maxStops = 4

/** What a prompt loses with a member that a vendor refuses. */
const lostBy: Readonly<Record<string, Lost>> = {
  parallel_tool_calls: "parallel_tools",
  presence_penalty: "presence_penalty",
  frequency_penalty: "frequency_penalty",
  seed: "seed",
  user: "user",
  n: "choices",
  stop: "stop",
  temperature: "temperature",
  top_p: "top_p",
  top_k: "top_k",
  response_format: "format",
  tools: "tools",
  tool_choice: "tool_choice",
  reasoning_effort: "thinking",
  reasoning: "thinking"
}

/** OpenAI's own models know the newer name; its reasoning models refuse the older one; most vendors know nothing else. */
export const maxTokensMember = (
  model: string,
  quirks: Quirks,
  view: JsonObject
): "max_tokens" | "max_completion_tokens" => {
  if (quirks.maxTokensOnly) return "max_tokens"
  return quirks.openai || view["max_completion_tokens"] !== undefined || reasons(model)
    ? "max_completion_tokens"
    : "max_tokens"
}

/** OpenAI's own reasoning models. */
export const reasons = (model: string): boolean => Models.rulesOf(model).efforts.length > 0

const toolOf = (
  { cache, description, name, parameters, strict }: Tool,
  messages: MessageWriter,
  outbound: Outbound,
  lost: Set<Lost>
): JsonObject =>
  Json.defined({
    type: "function",
    function: Json.defined({
      name,
      description,
      parameters,
      strict: strictly(strict, parameters ?? {}, outbound, "strict_tools", lost)
    }),
    cache_control: messages.cache(cache)
  })

/** Other vendors are strict with schemas that OpenAI takes only unstrictly. */
const strictly = (
  strict: boolean | undefined,
  schema: JsonObject,
  { model, quirks }: Outbound,
  name: Lost,
  lost: Set<Lost>
): boolean | undefined => {
  const picky = quirks.openai || model.startsWith("openai/")
  if (!strict || !picky || Strict.takes(schema)) return strict
  lost.add(name)
  return false
}

const toolChoice = (choice: ToolChoice | undefined): unknown => {
  switch (choice?._tag) {
    case undefined:
      return undefined
    case "Auto":
      return "auto"
    case "None":
      return "none"
    case "Required":
      return "required"
    case "Tool":
      return { type: "function", function: { name: choice.name } }
  }
}

const formatOf = (format: AnswerFormat | undefined, outbound: Outbound, lost: Set<Lost>): unknown => {
  if (format === undefined) return undefined
  if (format._tag === "Json") return { type: "json_object" }
  const { description, name, schema } = format
  const strict = strictly(format.strict, schema, outbound, "format_schema", lost)
  return {
    type: "json_schema",
    json_schema: Json.defined({ name: name ?? "answer", description, schema, strict })
  }
}

/** OpenAI's `reasoning_effort`, or OpenRouter's `reasoning`. */
const thinkingOf = (thinking: Thinking | undefined, { model, quirks }: Outbound, lost: Set<Lost>): JsonObject => {
  if (thinking === undefined) return {}
  const { budgetTokens, effort, enabled } = thinking
  if (quirks.thinking === "reasoning") {
    if (!enabled) return { reasoning: { enabled: false } }
    if (budgetTokens !== undefined) return { reasoning: { max_tokens: budgetTokens } }
    return { reasoning: effort === undefined ? { enabled: true } : { effort: effort === "max" ? "xhigh" : effort } }
  }
  const { efforts } = Models.rulesOf(model)
  if (!enabled) {
    // Nobody else thinks unasked.
    if (efforts.length === 0) return {}
    const least = ["none", "minimal"].find((word) => efforts.includes(word))
    if (least !== "none") lost.add("thinking")
    return Json.defined({ reasoning_effort: quirks.thinking === undefined ? undefined : least })
  }
  if (quirks.thinking === undefined || efforts.length === 0) {
    lost.add("thinking")
    return {}
  }
  if (budgetTokens !== undefined) lost.add("thinking_budget")
  const asked = effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens))
  const told = asked === undefined ? undefined : Models.nearestEffort(asked, efforts)
  if (told !== effort && effort !== undefined) lost.add("thinking")
  return Json.defined({ reasoning_effort: told })
}

/** Without the words for it, a budget is told as an effort. */
const effortOf = (budgetTokens: number): string =>
  budgetTokens <= 4_096 ? "low" : budgetTokens <= 16_384 ? "medium" : "high"
