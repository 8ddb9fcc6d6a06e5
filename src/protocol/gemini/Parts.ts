import type { CacheMark, Part, Seal, Source } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import type { Lost } from "../Lossiness.js"

/** Who the parts are for. */
export interface Target {
  /** Whose seals the endpoint takes. */
  readonly realm: string
  /** The model takes media in what a tool gave; to others `functionResponse.parts` is a bad request. */
  readonly richResults: boolean
}

/** Writes the parts of messages; what of them cannot be written is put into `lost`. */
export class PartWriter {
  /** Media of a tool's result that the user shows, since the result cannot. */
  private readonly behind: Array<JsonObject> = []

  constructor(
    private readonly target: Target,
    private readonly lost: Set<Lost>
  ) {}

  /** What a part is written as: one, or none, or a tool's result with what it cannot hold behind it. */
  all(part: Part): ReadonlyArray<JsonObject> {
    const written = this.write(part)
    const behind = this.behind.splice(0)
    return written === undefined ? behind : [written, ...behind]
  }

  /** Nothing for what is not sent. An empty text is refused (`required oneof field 'data'`). */
  private write(part: Part): JsonObject | undefined {
    switch (part._tag) {
      case "Text":
        this.marked(part.cache)
        return text(part.text)
      case "Refusal":
        return text(part.text)
      case "Image":
        this.marked(part.cache)
        if (part.detail !== undefined && part.detail !== "auto") this.lost.add("image_detail")
        return media(part.source)
      case "Document":
        this.marked(part.cache)
        return media(part.source)
      case "Audio":
        return { inlineData: { mimeType: `audio/${part.format}`, data: part.data } }
      case "Reasoning": {
        const thoughtSignature = this.own(part.seal)
        if (thoughtSignature !== undefined && part.text !== "") {
          return { text: part.text, thought: true, thoughtSignature }
        }
        this.lost.add("reasoning_history")
        return undefined
      }
      // What Gemini seals always belongs to a text or a call.
      case "Sealed":
        this.lost.add("reasoning_history")
        return undefined
      case "ToolCall":
        return this.call(part)
      case "ToolResult":
        return this.result(part)
      case "Foreign":
        this.lost.add(`foreign:${part.kind}`)
        return undefined
    }
  }

  private call({ arguments: args, cache, id, name, seal }: Part & { readonly _tag: "ToolCall" }): JsonObject {
    this.marked(cache)
    const thoughtSignature = this.own(seal)
    if (seal !== undefined && thoughtSignature === undefined) this.lost.add("reasoning_history")
    const functionCall = Json.defined({ id: id || undefined, name, args: Json.record(Json.parsed(args)) })
    return Json.defined({ functionCall, thoughtSignature })
  }

  /** With the id, results of parallel calls of one tool may come in any order. */
  private result({ cache, failed, id, name, parts }: Part & { readonly _tag: "ToolResult" }): JsonObject {
    this.marked(cache)
    const texts: Array<string> = []
    const shown: Array<JsonObject> = []
    for (const part of parts) {
      const written = this.write(part)
      const said = Json.text(written?.["text"])
      if (said !== undefined) texts.push(said)
      else if (written !== undefined && this.showable(part)) shown.push(written)
      else if (written !== undefined) this.behind.push(written)
    }
    return {
      functionResponse: Json.defined({
        id: id || undefined,
        name: name ?? id,
        response: responseOf(texts.join("\n"), failed),
        parts: shown.length === 0 ? undefined : shown
      })
    }
  }

  /** Pictures and documents, and only their bytes: https://ai.google.dev/gemini-api/docs/function-calling#multimodal. */
  private showable(part: Part): boolean {
    return (
      this.target.richResults && (part._tag === "Image" || part._tag === "Document") && part.source._tag === "Base64"
    )
  }

  private own(seal: Seal | undefined): string | undefined {
    return seal?.origin === this.target.realm ? seal.value : undefined
  }

  private marked(cache: CacheMark | undefined): void {
    if (cache !== undefined) this.lost.add("cache_control")
  }
}

const text = (value: string): JsonObject | undefined => (value === "" ? undefined : { text: value })

const media = (source: Source): JsonObject | undefined => {
  switch (source._tag) {
    case "Base64":
      return { inlineData: { mimeType: source.mediaType, data: source.data } }
    case "Url":
      return { fileData: Json.defined({ mimeType: typeOf(source.url), fileUri: source.url }) }
    case "PlainText":
      return text(source.text)
  }
}

/** By the extension; without one Google finds out by itself. */
const typeOf = (url: string): string | undefined => {
  const [, extension] = /^[^?#]*\.(\w+)(?:[?#]|$)/.exec(url) ?? []
  return extension === undefined ? undefined : types.get(extension.toLowerCase())
}

const types: ReadonlyMap<string, string> = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["webp", "image/webp"],
  ["gif", "image/gif"],
  ["heic", "image/heic"],
  ["heif", "image/heif"],
  ["pdf", "application/pdf"],
  ["txt", "text/plain"],
  ["md", "text/markdown"],
  ["html", "text/html"],
  ["csv", "text/csv"],
  ["xml", "text/xml"],
  ["json", "application/json"]
])

/** The API takes objects only, and reads `error` as a failure (https://ai.google.dev/api/caching#FunctionResponse). */
const responseOf = (said: string, failed: boolean): JsonObject => {
  const json = Json.parsed(said)
  if (!failed) return Json.isRecord(json) ? json : { result: said }
  if (!Json.isRecord(json)) return { error: said }
  return json["error"] === undefined ? { error: json } : json
}
