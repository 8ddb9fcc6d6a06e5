import type { Part, Seal } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as ToolIds from "../ToolIds.js"
import type { Lost } from "../Lossiness.js"
import * as CacheControl from "./CacheControl.js"

/** Who says the parts. */
export type Speaker = "system" | "user" | "assistant"

/** Writes the parts of messages as content blocks; what cannot be written is put into `lost`. */
export class BlockWriter {
  constructor(
    /** Whose seals the endpoint takes. */
    private readonly realm: string,
    private readonly lost: Set<Lost>
  ) {}

  write(parts: ReadonlyArray<Part>, speaker: Speaker): ReadonlyArray<JsonObject> {
    return parts.flatMap((part) => {
      const block = this.block(part, speaker)
      return block === undefined ? [] : [block]
    })
  }

  private block(part: Part, speaker: Speaker): JsonObject | undefined {
    switch (part._tag) {
      case "Text":
        return this.text(part.text, CacheControl.of(part.cache))
      case "Refusal":
        return this.text(part.text, undefined)
      case "Image":
        return speaker === "user" ? this.image(part) : this.none("images")
      case "Document":
        return speaker === "user" ? this.document(part) : this.none("documents")
      case "Audio":
        return this.none("audio")
      case "Reasoning": {
        const signature = speaker === "assistant" ? this.own(part.seal) : undefined
        if (signature === undefined) return this.none("reasoning_history")
        return { type: "thinking", thinking: part.text, signature }
      }
      case "Sealed": {
        const data = speaker === "assistant" ? this.own(part.seal) : undefined
        return data === undefined ? this.none("reasoning_history") : { type: "redacted_thinking", data }
      }
      case "ToolCall":
        return speaker === "assistant" ? this.call(part) : this.none("tools")
      case "ToolResult":
        return speaker === "user" ? this.result(part) : this.none("tools")
      case "Foreign":
        return this.none(`foreign:${part.kind}`)
    }
  }

  /** A blank text is refused. */
  private text(text: string, cache_control: unknown): JsonObject | undefined {
    if (text.trim() !== "") return Json.defined({ type: "text", text, cache_control })
    return cache_control === undefined ? undefined : this.none("cache_control")
  }

  private image({ cache, detail, source }: Part & { readonly _tag: "Image" }): JsonObject | undefined {
    if (detail !== undefined) this.lost.add("image_detail")
    const cache_control = CacheControl.of(cache)
    switch (source._tag) {
      case "Base64": {
        const media_type =
          source.mediaType.toLowerCase() === "image/jpg" ? "image/jpeg" : source.mediaType.toLowerCase()
        if (!imageTypes.has(media_type)) return this.none("images")
        return Json.defined({ type: "image", source: { type: "base64", media_type, data: source.data }, cache_control })
      }
      case "Url":
        // Anthropic fetches by TLS only.
        if (!isSecure(source.url)) return this.none("image_urls")
        return Json.defined({ type: "image", source: { type: "url", url: source.url }, cache_control })
      case "PlainText":
        return this.none("images")
    }
  }

  /** PDF, and text in any of its types. */
  private document({ cache, name, source }: Part & { readonly _tag: "Document" }): JsonObject | undefined {
    const block = (from: JsonObject): JsonObject =>
      Json.defined({ type: "document", source: from, title: name || undefined, cache_control: CacheControl.of(cache) })
    switch (source._tag) {
      case "PlainText":
        return block({ type: "text", media_type: "text/plain", data: source.text })
      case "Url":
        return isSecure(source.url) ? block({ type: "url", url: source.url }) : this.none("documents")
      case "Base64": {
        const media_type = source.mediaType.toLowerCase()
        if (media_type === "application/pdf") return block({ type: "base64", media_type, data: source.data })
        if (!media_type.startsWith("text/")) return this.none("documents")
        const data = Buffer.from(source.data, "base64").toString("utf8")
        return block({ type: "text", media_type: "text/plain", data })
      }
    }
  }

  private call({ arguments: text, cache, id, name, seal }: Part & { readonly _tag: "ToolCall" }): JsonObject {
    // Anthropic signs no calls: this is another vendor's seal.
    if (seal !== undefined) this.lost.add("reasoning_history")
    const cache_control = CacheControl.of(cache)
    return Json.defined({
      type: "tool_use",
      id: ToolIds.fit(id, "anthropic"),
      name,
      input: inputOf(text),
      cache_control
    })
  }

  private result({ cache, failed, id, parts }: Part & { readonly _tag: "ToolResult" }): JsonObject {
    const nested = parts.filter((part) => part._tag !== "ToolResult")
    const content = this.write(nested, "user")
    return Json.defined({
      type: "tool_result",
      tool_use_id: ToolIds.fit(id, "anthropic"),
      content: content.length === 0 ? undefined : content,
      is_error: failed ? true : undefined,
      cache_control: CacheControl.of(cache)
    })
  }

  private own(seal: Seal | undefined): string | undefined {
    return seal?.origin === this.realm ? seal.value : undefined
  }

  private none(lost: Lost): undefined {
    this.lost.add(lost)
    return undefined
  }
}

/** A model may write arguments that are no JSON object, but `input` must be one: they are shown as they came. */
export const inputOf = (text: string): JsonObject => {
  if (text.trim() === "") return {}
  const input = Json.parsed(text)
  return Json.isRecord(input) ? input : { arguments: text }
}

const imageTypes = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"])

const isSecure = (url: string): boolean => /^https:\/\//i.test(url)
