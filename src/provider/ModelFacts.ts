import type { VendorSlug } from "../config/Vendors.js"
import * as Decimal from "../domain/Decimal.js"
import type { JsonObject } from "../protocol/Dialects.js"
import * as Json from "../protocol/Json.js"

/** What a model is for, as far as its vendor says. */
export type ModelKind = "chat" | "embedding" | "image" | "audio" | "other"

/** A model as its vendor lists it. What the vendor does not say for sure is `undefined`. */
export interface ListedModel {
  /** What a request calls it. */
  readonly id: string
  /** For people. */
  readonly name: string | undefined
  /** Tokens, input and output together. */
  readonly contextWindow: number | undefined
  /** USD per million tokens, exact, as decimal text. */
  readonly promptPrice: string | undefined
  readonly completionPrice: string | undefined
  readonly kind: ModelKind | undefined
  /** How its weights are stored, as `Q4_K_M`. */
  readonly quantization: string | undefined
}

/** An entry of a vendor's list; `undefined` for one without a usable id. */
export const read = (vendor: VendorSlug, entry: JsonObject): ListedModel | undefined => {
  const id = idOf(entry)
  if (id === undefined) return undefined
  const { completion, places, prompt } = prices[vendor]?.(entry) ?? unpriced
  return {
    id,
    name: nameOf(entry, id),
    contextWindow: windowOf(entry),
    promptPrice: perMillion(prompt, places),
    completionPrice: perMillion(completion, places),
    kind: kinds[vendor]?.(entry),
    quantization: Json.text(Json.record(entry["details"])["quantization_level"])
  }
}

const idOf = (entry: JsonObject): string | undefined => {
  const [id, name] = [Json.text(entry["id"]), Json.text(entry["name"])]
  // Cloudflare's ids are UUIDs and its names what is called; Gemini's names are paths.
  const called = name?.startsWith("@") || name?.startsWith("models/") ? name : (id ?? name)
  const bare = called?.replace(/^models\//, "")
  return bare === undefined || !usableId.test(bare) ? undefined : bare
}

const nameOf = (entry: JsonObject, id: string): string | undefined =>
  [entry["display_name"], entry["displayName"], entry["name"]]
    .map(Json.text)
    .find((name) => name !== undefined && name !== id && name !== `models/${id}`)

/** A database takes no NUL, and no vendor has names with blanks in them or as long as this. */
const usableId = /^[^\p{C}\s]{1,300}$/u

/** They all mean the whole window; who says more than one of them says the same. */
const windowOf = (entry: JsonObject): number | undefined => {
  // Gemini's two limits are apart from each other.
  const [input, output] = [entry["inputTokenLimit"], entry["outputTokenLimit"]].map(tokens)
  if (input !== undefined) return Math.min(input + (output ?? 0), mostTokens)
  return [
    entry["context_length"],
    entry["context_window"],
    entry["max_context_length"],
    entry["max_model_len"],
    // Novita, Anthropic, DeepInfra, OpenRouter where no longest one is known, Cloudflare.
    entry["context_size"],
    entry["max_input_tokens"],
    Json.record(entry["metadata"])["context_length"],
    Json.record(entry["top_provider"])["context_length"],
    property(entry, "context_window")
  ]
    .map(tokens)
    .find((window) => window !== undefined)
}

const tokens = (value: unknown): number | undefined => {
  const count = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : Json.number(value)
  return count !== undefined && Number.isInteger(count) && count > 0 && count <= mostTokens ? count : undefined
}

/** What an `integer` of the database holds. */
const mostTokens = 2 ** 31 - 1

const property = (entry: JsonObject, name: string): unknown =>
  Json.records(entry["properties"]).find(({ property_id }) => property_id === name)?.["value"]

/** Two amounts of USD, and how many places the point moves to the right until they are for a million tokens. */
interface Priced {
  readonly prompt: unknown
  readonly completion: unknown
  readonly places: number
}

const unpriced: Priced = { prompt: undefined, completion: undefined, places: 0 }

/** Text of an amount, or a number, whose shortest text is what the vendor wrote. A price below zero is one that varies. */
const perMillion = (amount: unknown, places: number): string | undefined =>
  typeof amount === "string" || typeof amount === "number" ? Decimal.shifted(amount, places) : undefined

/** Units differ, so a price counts only from a vendor whose unit is known. */
const prices: Readonly<Partial<Record<VendorSlug, (entry: JsonObject) => Priced>>> = {
  // OpenRouter's documents, "Models": USD per token as text; -1 where it depends on who answers.
  openrouter: (entry) => perToken(entry, "prompt", "completion"),
  nebius: (entry) => perToken(entry, "prompt", "completion"),
  vercel: (entry) => perToken(entry, "input", "output"),
  deepinfra: (entry) => {
    const { input_tokens, output_tokens } = Json.record(Json.record(entry["metadata"])["pricing"])
    return { prompt: input_tokens, completion: output_tokens, places: 0 }
  },
  together: (entry) => {
    const { input, output } = Json.record(entry["pricing"])
    // It has zeros also for what it sells by the hour, by the picture or not at all.
    return input === 0 && output === 0 ? unpriced : { prompt: input, completion: output, places: 0 }
  },
  // In ten-thousandths of a dollar.
  novita: (entry) => ({
    prompt: entry["input_token_price_per_m"],
    completion: entry["output_token_price_per_m"],
    places: -4
  }),
  cloudflare: (entry) => {
    const amounts = Json.records(property(entry, "price"))
    const of = (unit: string): unknown =>
      amounts.find((amount) => amount["unit"] === unit && (amount["currency"] ?? "USD") === "USD")?.["price"]
    return { prompt: of("per M input tokens"), completion: of("per M output tokens"), places: 0 }
  }
}

/** Does a vendor's list tell prices? */
export const tellsPrices = (vendor: VendorSlug): boolean => prices[vendor] !== undefined

const perToken = (entry: JsonObject, prompt: string, completion: string): Priced => {
  const pricing = Json.record(entry["pricing"])
  return { prompt: pricing[prompt], completion: pricing[completion], places: 6 }
}

const kinds: Readonly<Partial<Record<VendorSlug, (entry: JsonObject) => ModelKind | undefined>>> = {
  anthropic: () => "chat",
  openrouter: (entry) => {
    const outputs = Json.list(Json.record(entry["architecture"])["output_modalities"])
    if (outputs.length === 0 || outputs.includes("text")) return outputs.length === 0 ? undefined : "chat"
    return outputs.includes("embeddings") ? "embedding" : outputs.includes("image") ? "image" : "other"
  },
  vercel: (entry) => named(entry["type"]),
  together: (entry) => named(entry["type"]),
  novita: (entry) => named(entry["model_type"]),
  cloudflare: (entry) => named(Json.record(entry["task"])["name"]),
  gemini: (entry) => {
    const methods = Json.list(entry["supportedGenerationMethods"])
    if (methods.length === 0) return undefined
    if (methods.includes("generateContent")) return "chat"
    return methods.includes("embedContent") ? "embedding" : methods.includes("predict") ? "image" : "other"
  },
  mistral: (entry) => (Json.record(entry["capabilities"])["completion_chat"] === true ? "chat" : undefined),
  // The architectures of every embedding model in its library that is not a chat model's own.
  ollama: (entry) => (/bert/.test(Json.text(Json.record(entry["details"])["family"]) ?? "") ? "embedding" : undefined)
}

/** A vendor's own word for what a model is for. */
const named = (value: unknown): ModelKind | undefined => {
  const word = Json.text(value)?.toLowerCase()
  return word === undefined || word === "" ? undefined : (words.get(word) ?? "other")
}

const words: ReadonlyMap<string, ModelKind> = new Map([
  ["chat", "chat"],
  ["language", "chat"],
  ["code", "chat"],
  ["text generation", "chat"],
  ["embedding", "embedding"],
  ["text embeddings", "embedding"],
  ["image", "image"],
  ["text-to-image", "image"],
  ["audio", "audio"],
  ["transcribe", "audio"],
  ["automatic speech recognition", "audio"],
  ["text-to-speech", "audio"]
])
