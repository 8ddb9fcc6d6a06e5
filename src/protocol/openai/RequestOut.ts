import type {
  AnswerFormat,
  CacheMark,
  Message,
  Part,
  Prompt,
  Source,
  Thinking,
  Tool,
  ToolChoice
} from "../../domain/Prompt.js"
import type { Encoded, JsonObject, Outbound, Quirks } from "../Dialects.js"
import * as Json from "../Json.js"
import { foreign, type Lost } from "../Lossiness.js"

/** The request that asks for a prompt which came in another dialect. */
export const encode = (prompt: Prompt, outbound: Outbound): Encoded => {
  const lost = new Set<Lost>(foreign(prompt.foreign))
  const writer = new Writer(outbound, lost)
  const { model, quirks, stream } = outbound
  const maxTokens = outbound.maxTokens ?? prompt.maxTokens
  const stop = prompt.stop.slice(0, maxStops)
  if (prompt.stop.length > maxStops) lost.add("stop")
  const knowsTopK = quirks.knows?.includes("top_k") ?? false
  if (prompt.topK !== undefined && !knowsTopK) lost.add("top_k")
  const hasTools = prompt.tools.length > 0
  const all = Json.defined({
    model,
    messages: prompt.messages.flatMap((message) => writer.message(message)),
    stream: stream ? true : undefined,
    stream_options:
      stream && !quirks.usageUnasked && !quirks.refuses?.includes("stream_options")
        ? { include_usage: true }
        : undefined,
    tools: hasTools ? prompt.tools.map((tool) => writer.tool(tool)) : undefined,
    tool_choice: hasTools ? toolChoice(prompt.toolChoice) : undefined,
    parallel_tool_calls: hasTools ? prompt.parallelTools : undefined,
    response_format: formatOf(prompt.format),
    [maxTokensMember(model, quirks, {})]: maxTokens,
    temperature: outbound.temperature ?? prompt.temperature,
    top_p: prompt.topP,
    top_k: knowsTopK ? prompt.topK : undefined,
    stop: stop.length === 0 ? undefined : stop,
    seed: prompt.seed,
    presence_penalty: prompt.presencePenalty,
    frequency_penalty: prompt.frequencyPenalty,
    n: prompt.choices,
    user: prompt.user,
    ...writer.thinking(prompt.thinking)
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
  response_format: "format",
  tool_choice: "tool_choice"
}

/** OpenAI's reasoning models refuse `max_tokens`; most other vendors know nothing else. */
export const maxTokensMember = (
  model: string,
  quirks: Quirks,
  view: JsonObject
): "max_tokens" | "max_completion_tokens" =>
  !quirks.maxTokensOnly && (view["max_completion_tokens"] !== undefined || reasons(model))
    ? "max_completion_tokens"
    : "max_tokens"

/** OpenAI's own reasoning models. */
const reasons = (model: string): boolean => /^(?:openai\/)?(?:o\d|gpt-[5-9])/.test(model)

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

const formatOf = (format: AnswerFormat | undefined): unknown => {
  if (format === undefined) return undefined
  if (format._tag === "Json") return { type: "json_object" }
  const { description, name, schema, strict } = format
  return {
    type: "json_schema",
    json_schema: Json.defined({ name: name ?? "answer", description, schema, strict })
  }
}

/** Without the words for it, a budget is told as an effort. */
const effortOf = ({ budgetTokens, effort }: Thinking): string | undefined => {
  if (effort !== undefined) return effort === "max" ? "high" : effort
  if (budgetTokens === undefined) return undefined
  return budgetTokens <= 4_096 ? "low" : budgetTokens <= 16_384 ? "medium" : "high"
}

class Writer {
  private readonly marks: boolean

  constructor(
    private readonly outbound: Outbound,
    private readonly lost: Set<Lost>
  ) {
    this.marks = outbound.quirks.knows?.includes("cache_control") ?? false
  }

  message({ parts, role }: Message): ReadonlyArray<JsonObject> {
    if (role === "assistant") return [this.assistant(parts)]
    if (role === "system") return [{ role, content: this.content(parts) }]
    const results = parts.flatMap((part) => (part._tag === "ToolResult" ? [part] : []))
    // A tool's message holds text only; what else a tool gave, the user shows.
    const shown = results.flatMap((result) => result.parts.filter((part) => part._tag !== "Text"))
    const rest = [...shown, ...parts.filter((part) => part._tag !== "ToolResult")]
    const tools = results.map((result): JsonObject => {
      if (result.failed) this.lost.add("tool_errors")
      const text = result.parts.filter((part) => part._tag === "Text")
      return { role: "tool", tool_call_id: result.id, content: this.content(text) }
    })
    return rest.length === 0 && tools.length > 0 ? tools : [...tools, { role, content: this.content(rest) }]
  }

  tool({ cache, description, name, parameters, strict }: Tool): JsonObject {
    return Json.defined({
      type: "function",
      function: Json.defined({ name, description, parameters, strict }),
      cache_control: this.cache(cache)
    })
  }

  thinking(thinking: Thinking | undefined): JsonObject {
    if (thinking === undefined) return {}
    const { model, quirks } = this.outbound
    if (quirks.thinking === "reasoning") {
      if (!thinking.enabled) return { reasoning: { enabled: false } }
      const { budgetTokens, effort } = thinking
      return {
        reasoning:
          budgetTokens === undefined
            ? Json.defined({ enabled: effort === undefined ? true : undefined, effort })
            : { max_tokens: budgetTokens }
      }
    }
    if (!thinking.enabled) return {}
    const effort = effortOf(thinking)
    if (quirks.thinking === undefined || !reasons(model)) {
      this.lost.add("thinking")
      return {}
    }
    if (thinking.budgetTokens !== undefined) this.lost.add("thinking_budget")
    return Json.defined({ reasoning_effort: effort })
  }

  private assistant(parts: ReadonlyArray<Part>): JsonObject {
    const calls = parts.flatMap((part) => (part._tag === "ToolCall" ? [part] : []))
    const said = parts.filter(({ _tag }) => _tag === "Text" || _tag === "Foreign")
    const refusal = parts.map((part) => (part._tag === "Refusal" ? part.text : "")).join("")
    return Json.defined({
      role: "assistant",
      content: said.length === 0 ? (calls.length > 0 || refusal !== "" ? null : "") : this.content(said),
      refusal: refusal === "" ? undefined : refusal,
      ...this.reasoning(parts),
      tool_calls: calls.length === 0 ? undefined : calls.map((call) => this.toolCall(call))
    })
  }

  private toolCall({ arguments: text, cache, id, name, seal }: Part & { readonly _tag: "ToolCall" }): JsonObject {
    this.cache(cache)
    const own = seal !== undefined && seal.origin === this.outbound.realm
    if (seal !== undefined && !own) this.lost.add("reasoning_history")
    return Json.defined({
      id,
      type: "function",
      function: { name, arguments: text === "" ? "{}" : text },
      extra_content: own ? { google: { thought_signature: seal.value } } : undefined
    })
  }

  private reasoning(parts: ReadonlyArray<Part>): JsonObject {
    const thoughts = parts.filter((part) => part._tag === "Reasoning" || part._tag === "Sealed")
    if (thoughts.length === 0) return {}
    const { quirks, realm } = this.outbound
    if (quirks.reasoning === "reasoning_content") {
      if (thoughts.some(({ _tag }) => _tag === "Sealed")) this.lost.add("reasoning_history")
      const text = thoughts.map((part) => (part._tag === "Reasoning" ? part.text : "")).join("")
      return text === "" ? {} : { reasoning_content: text }
    }
    const own = quirks.reasoning === undefined ? [] : thoughts.filter(({ seal }) => seal?.origin === realm)
    if (own.length < thoughts.length) this.lost.add("reasoning_history")
    return own.length === 0 ? {} : { reasoning_details: own.map(detailOf) }
  }

  /** One text is sent as such, since not every vendor takes parts. */
  private content(parts: ReadonlyArray<Part>): unknown {
    const written = parts.flatMap((part) => this.part(part))
    const [only] = written
    if (only === undefined) return ""
    return written.length === 1 && only["type"] === "text" && only["cache_control"] === undefined
      ? only["text"]
      : written
  }

  private part(part: Part): ReadonlyArray<JsonObject> {
    switch (part._tag) {
      case "Text":
        return [Json.defined({ type: "text", text: part.text, cache_control: this.cache(part.cache) })]
      case "Refusal":
        return [{ type: "text", text: part.text }]
      case "Image": {
        const image_url = Json.defined({ url: urlOf(part.source), detail: part.detail })
        return [Json.defined({ type: "image_url", image_url, cache_control: this.cache(part.cache) })]
      }
      case "Document":
        return this.document(part)
      case "Audio":
        return [{ type: "input_audio", input_audio: { data: part.data, format: part.format } }]
      case "Foreign":
        this.lost.add(`foreign:${part.kind}`)
        return []
      case "Reasoning":
      case "Sealed":
      case "ToolCall":
      case "ToolResult":
        return []
    }
  }

  private document({ cache, name, source }: Part & { readonly _tag: "Document" }): ReadonlyArray<JsonObject> {
    if (source._tag === "PlainText") {
      return [Json.defined({ type: "text", text: source.text, cache_control: this.cache(cache) })]
    }
    if (source._tag === "Url") {
      this.lost.add("documents")
      return []
    }
    const file = { filename: name ?? "document.pdf", file_data: urlOf(source) }
    return [Json.defined({ type: "file", file, cache_control: this.cache(cache) })]
  }

  private cache(mark: CacheMark | undefined): unknown {
    if (mark === undefined) return undefined
    if (this.marks) return { type: "ephemeral", ...(mark.ttl === "1h" ? { ttl: "1h" } : {}) }
    this.lost.add("cache_control")
    return undefined
  }
}

const detailOf = (part: Part & { readonly _tag: "Reasoning" | "Sealed" }, index: number): JsonObject =>
  part._tag === "Sealed"
    ? { type: "reasoning.encrypted", data: part.seal.value, index }
    : Json.defined({ type: "reasoning.text", text: part.text, signature: part.seal?.value, index })

const urlOf = (source: Source): string => {
  switch (source._tag) {
    case "Base64":
      return `data:${source.mediaType};base64,${source.data}`
    case "Url":
      return source.url
    case "PlainText":
      return `data:text/plain,${encodeURIComponent(source.text)}`
  }
}
