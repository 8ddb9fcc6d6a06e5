import type { CacheMark, Message, Part, Source } from "../../domain/Prompt.js"
import type { JsonObject, Outbound } from "../Dialects.js"
import * as Json from "../Json.js"
import type { Lost } from "../Lossiness.js"
import * as ToolIds from "../ToolIds.js"
import * as GoogleSeals from "./GoogleSeals.js"
import * as Reasoned from "./Reasoned.js"

/** Writes messages as OpenAI has them. */
export class MessageWriter {
  private readonly marks: boolean

  constructor(
    private readonly outbound: Outbound,
    private readonly lost: Set<Lost>,
    /** Tools are called somewhere in the conversation. */
    private readonly called: boolean
  ) {
    this.marks = outbound.quirks.knows?.includes("cache_control") ?? false
  }

  message({ parts, role }: Message): ReadonlyArray<JsonObject> {
    if (role === "assistant") return [this.assistant(parts)]
    if (role === "system") return [{ role, content: this.content(parts) }]
    const results = parts.flatMap((part) => (part._tag === "ToolResult" ? [part] : []))
    // A tool's message holds text only, if no more is known; what else a tool gave, the user shows.
    const shown = results.flatMap((result) => result.parts.filter((part) => part._tag !== "Text" && !this.holds(part)))
    const rest = [...shown, ...parts.filter((part) => part._tag !== "ToolResult")]
    const tools = results.map((result): JsonObject => {
      const held = [...this.resultTexts(result), ...result.parts.filter((part) => this.holds(part))]
      return { role: "tool", tool_call_id: this.id(result.id), content: this.content(held) }
    })
    const content = this.content(rest)
    // The user's turn stays even when all of it is lost: a model is to answer something.
    return content === "" && tools.length > 0 ? tools : [...tools, { role, content }]
  }

  /** Does a tool's message hold such a part, besides text? */
  private holds({ _tag }: Part): boolean {
    return _tag === "Image" && this.outbound.quirks.results === "pictures"
  }

  /** The texts of a tool's message. What marks the message, marks its last text. */
  private resultTexts({ cache, failed, parts }: Part & { readonly _tag: "ToolResult" }): ReadonlyArray<Part> {
    const said = parts.flatMap((part) => (part._tag === "Text" ? [part] : []))
    // The dialect has no other way to say so.
    if (failed) this.lost.add("tool_errors")
    const texts = failed ? asError(said) : said
    if (cache === undefined) return texts
    const last = texts.at(-1)
    if (last === undefined) this.lost.add("cache_control")
    return last === undefined ? texts : [...texts.slice(0, -1), { ...last, cache: last.cache ?? cache }]
  }

  private assistant(parts: ReadonlyArray<Part>): JsonObject {
    for (const { _tag } of parts) {
      // What an assistant showed cannot be said again.
      if (_tag === "Image") this.lost.add("images")
      if (_tag === "Document") this.lost.add("documents")
      if (_tag === "Audio") this.lost.add("audio")
    }
    const calls = parts.flatMap((part) => (part._tag === "ToolCall" ? [part] : []))
    const said = parts.filter(({ _tag }) => _tag === "Text" || _tag === "Foreign")
    const refusal = parts.map((part) => (part._tag === "Refusal" ? part.text : "")).join("")
    return Json.defined({
      role: "assistant",
      content: said.length === 0 ? (calls.length > 0 || refusal !== "" ? null : "") : this.content(said),
      refusal: refusal === "" ? undefined : refusal,
      ...this.reasoning(parts),
      tool_calls: calls.length === 0 ? undefined : this.toolCalls(calls)
    })
  }

  private toolCalls(calls: ReadonlyArray<Part & { readonly _tag: "ToolCall" }>): ReadonlyArray<JsonObject> {
    const written = calls.map((call) => this.toolCall(call))
    return GoogleSeals.demanded(this.outbound) ? GoogleSeals.signed(written) : written
  }

  private id(id: string): string {
    const { toolIds } = this.outbound.quirks
    return toolIds === undefined ? id : ToolIds.fit(id, toolIds)
  }

  private toolCall({ arguments: text, cache, id, name, seal }: Part & { readonly _tag: "ToolCall" }): JsonObject {
    // There is no member for it.
    if (cache !== undefined) this.lost.add("cache_control")
    const own = seal !== undefined && seal.origin === this.outbound.realm
    if (seal !== undefined && !own) this.lost.add("reasoning_history")
    return Json.defined({
      id: this.id(id),
      type: "function",
      function: { name, arguments: text === "" ? "{}" : text },
      extra_content: own ? { google: { thought_signature: seal.value } } : undefined
    })
  }

  private reasoning(parts: ReadonlyArray<Part>): JsonObject {
    const thoughts = parts.filter((part) => part._tag === "Reasoning" || part._tag === "Sealed")
    const { quirks, realm } = this.outbound
    const none = quirks.reasonedCalls && this.called ? { reasoning_content: Reasoned.none } : {}
    if (thoughts.length === 0) return none
    if (quirks.reasoning === "reasoning_content") {
      if (thoughts.some(({ _tag }) => _tag === "Sealed")) this.lost.add("reasoning_history")
      const text = thoughts.map((part) => (part._tag === "Reasoning" ? part.text : "")).join("")
      return text === "" ? none : { reasoning_content: text }
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

  /** A mark where the endpoint knows marks. */
  cache(mark: CacheMark | undefined): unknown {
    if (mark === undefined) return undefined
    if (this.marks) return { type: "ephemeral", ...(mark.ttl === "1h" ? { ttl: "1h" } : {}) }
    this.lost.add("cache_control")
    return undefined
  }
}

type Text = Part & { readonly _tag: "Text" }

const asError = ([first, ...rest]: ReadonlyArray<Text>): ReadonlyArray<Text> => [
  { _tag: "Text", cache: undefined, ...first, text: `Error: ${first?.text ?? ""}` },
  ...rest
]

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
