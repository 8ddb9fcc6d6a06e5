import type { ChatRequest } from "../domain/ChatRequest.js"
import type { JsonObject } from "./Dialects.js"
import * as Json from "./Json.js"
import * as RequestNeeds from "./RequestNeeds.js"
import * as TokenEstimate from "./TokenEstimate.js"
import type { TokenSampler } from "./TokenSampler.js"

/** How large a request is. No text has more tokens than bytes. */
export interface RequestSize {
  /** Of the body without what is encoded in base64. */
  readonly bytes: number
  /** Of its texts, without the JSON around them. */
  readonly characters: number
  readonly images: number
  /** Documents, sounds and films. */
  readonly documents: number
  /** Nothing was left out because there was too much of it. */
  readonly whole: boolean
  /** Pieces of its texts, from all over it. */
  readonly sample: ReadonlyArray<string>
}

/** Looks through a request: some ms for the largest. */
export const of = (request: ChatRequest): RequestSize => {
  const { view } = request
  const reader = new Reader()
  reader.content(view["system"])
  for (const message of Json.list(view["messages"])) reader.holder(message)
  for (const member of ["tools", "functions", "response_format", "output_format", "output_config"]) {
    reader.anything(view[member])
  }
  const { characters, documents, encoded, images, texts, whole } = reader
  const bytes = Math.max(0, request.body.byteLength - encoded)
  return { bytes, characters, images, documents, whole, sample: sampleOf(texts) }
}

/** Nothing but texts. It is seen at once, as there is no need to look into them. */
export const isPlain = ({ view }: ChatRequest): boolean =>
  onlyTexts(view["system"]) &&
  Json.list(view["messages"]).every((message) => onlyTexts(Json.record(message)["content"]))

const onlyTexts = (content: unknown): boolean =>
  !Array.isArray(content) || content.every((part) => Json.isRecord(part) && part["type"] === "text")

/** At most so many tokens, where pictures and documents are what they mostly are. */
export const mostTokens = ({ bytes, documents, images }: RequestSize): number => bytes + media(images, documents)

/** At least so many: no prose has eight characters a token. */
export const leastTokens = ({ characters }: RequestSize): number => characters / 8

/** About so many, in tokens of o200k. */
export const estimate = (size: RequestSize, sampler: TokenSampler): number => {
  const sampled = size.sample.reduce((sum, { length }) => sum + length, 0)
  const each = sampled === 0 ? 0 : sampler.count(size.sample) / sampled
  return Math.ceil((size.whole ? size.characters : size.bytes) * each) + media(size.images, size.documents)
}

/** Input tokens without counting any: four bytes each, as JSON around English has. What is large is mostly pictures. */
export const likelyTokens = (request: ChatRequest): number => {
  if (request.body.byteLength <= looksLikeText) return Math.ceil(request.body.byteLength / 4)
  const { bytes, documents, images } = of(request)
  return Math.ceil(bytes / 4) + media(images, documents)
}

/** In bytes; a smaller body is not looked through. */
const looksLikeText = 32_768

const media = (images: number, documents: number): number =>
  images * TokenEstimate.perImage + documents * TokenEstimate.perDocument

/** Values of one request that are looked at: a few ms' work. */
const mostValues = 100_000

class Reader {
  characters = 0
  images = 0
  documents = 0
  /** Bytes of base64. */
  encoded = 0
  whole = true
  readonly texts: Array<string> = []
  private values = 0

  /** A message, or what a tool gave. */
  holder(value: unknown): void {
    const { content, ...rest } = Json.record(value)
    this.content(content)
    this.anything(rest)
  }

  /** A text, or parts. */
  content(value: unknown): void {
    if (!Array.isArray(value)) return this.anything(value)
    for (const part of value) {
      if (this.full()) return
      if (Json.isRecord(part)) this.part(part)
      else this.anything(part)
    }
  }

  anything(value: unknown): void {
    const waiting: Array<unknown> = [value]
    while (waiting.length > 0 && !this.full()) {
      const next = waiting.pop()
      if (typeof next === "string") this.text(next)
      else if (Array.isArray(next)) {
        for (const item of next) if (this.fits(waiting)) waiting.push(item)
      } else if (Json.isRecord(next)) {
        for (const key in next) {
          this.characters += key.length
          if (this.fits(waiting)) waiting.push(next[key])
        }
      }
    }
  }

  private part(part: JsonObject): void {
    if (RequestNeeds.isImage(part)) {
      this.images++
      this.encoded += encodedIn(part)
    } else if (isDocument(part)) {
      this.documents++
      this.encoded += encodedIn(part)
    } else if (part["type"] === "tool_result") {
      // Not of this method: what tools give holds no results of tools.
      const { content, ...rest } = part
      for (const inner of Json.list(content)) {
        if (Json.isRecord(inner) && inner["type"] !== "tool_result") this.part(inner)
        else this.anything(inner)
      }
      this.anything(typeof content === "string" ? { ...rest, content } : rest)
    } else this.anything(part)
  }

  private text(text: string): void {
    this.characters += text.length
    this.texts.push(text)
  }

  private fits(waiting: ReadonlyArray<unknown>): boolean {
    if (waiting.length >= mostValues) this.whole = false
    return this.whole
  }

  private full(): boolean {
    this.values++
    if (this.values > mostValues) this.whole = false
    return !this.whole
  }
}

/** A document of plain text is a text. */
const isDocument = (part: JsonObject): boolean => {
  if (part["type"] === "document") return !plain.has(Json.record(part["source"])["type"])
  return part["type"] === "file" || part["type"] === "input_audio" || part["type"] === "video_url"
}

const plain: ReadonlySet<unknown> = new Set(["text", "content"])

/** The bytes of a part that are the thing itself. */
const encodedIn = (part: JsonObject): number => {
  const image = part["image_url"]
  const url = Json.text(image) ?? Json.text(Json.record(image)["url"])
  const film = Json.text(Json.record(part["video_url"])["url"])
  const data = [
    url?.startsWith("data:") === true ? url : undefined,
    film?.startsWith("data:") === true ? film : undefined,
    Json.text(Json.record(part["source"])["data"]),
    Json.text(Json.record(part["input_audio"])["data"]),
    Json.text(Json.record(part["file"])["file_data"])
  ]
  return data.reduce((sum, text) => sum + (text?.length ?? 0), 0)
}

const pieces = 8
const pieceLength = 2_000

/** Pieces at even distances, or all where that is little: prompts begin with other words than they end with. */
const sampleOf = (texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const total = texts.reduce((sum, { length }) => sum + length, 0)
  if (total <= pieces * pieceLength) return texts
  const step = total / pieces
  const sample: Array<string> = []
  let before = 0
  for (const text of texts) {
    const after = before + text.length
    for (let piece = Math.floor(before / step); piece * step < after; piece++) {
      const from = Math.max(before, Math.floor(piece * step))
      const to = Math.min(after, Math.floor(piece * step) + pieceLength)
      if (to > from) sample.push(text.slice(from - before, to - before))
    }
    before = after
  }
  return sample
}
