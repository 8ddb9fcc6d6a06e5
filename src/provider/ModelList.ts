import * as Either from "effect/Either"
import type { VendorSlug } from "../config/Vendors.js"
import type { JsonObject } from "../protocol/Dialects.js"
import * as Json from "../protocol/Json.js"
import * as ModelFacts from "./ModelFacts.js"

/** One page of a vendor's list of models. */
export interface Page {
  readonly models: ReadonlyArray<ModelFacts.ListedModel>
  /** What to ask for after it, as members of the query; `undefined`: this was the last one. */
  readonly next: Readonly<Record<string, string>> | undefined
}

/** Why the list of a vendor is no catalogue of what can be asked for; a safe sentence, `undefined` where it is one. */
export const unusable = (vendor: VendorSlug): string | undefined => notCatalogues[vendor]

const notCatalogues: Readonly<Partial<Record<VendorSlug, string>>> = {
  azure: "Azure lists base models, and is asked by names of deployments: name those in the instance's `models`"
}

/** The path of a page, below an origin. */
export const pathOf = (vendor: VendorSlug, path: string, next: Readonly<Record<string, string>>): string => {
  // Only the path and its query are taken; the host is none.
  const url = new URL(path, "http://list.invalid")
  for (const [name, value] of Object.entries({ ...queries[vendor], ...next })) url.searchParams.set(name, value)
  return url.pathname + url.search
}

/** Without it the ids come alone. */
const queries: Readonly<Partial<Record<VendorSlug, Readonly<Record<string, string>>>>> = { nebius: { verbose: "true" } }

/**
 * A page as it came: OpenAI's and Anthropic's `data`, Gemini's and Ollama's `models`, Cloudflare's `result`, or the list alone.
 * What is not offered any more is left out. Left is a safe sentence about a body that is no such list.
 */
export const read = (vendor: VendorSlug, body: Buffer): Either.Either<Page, string> => {
  const json = Json.parsedForReading(body.toString("utf8"))
  if (json === undefined) return Either.left("the provider's list of models is not JSON")
  const list = listIn(json)
  if (list === undefined) return Either.left("what the provider answered is no list of models")
  const entries = Json.records(list).filter(isOffered)
  const models = entries.flatMap((entry) => ModelFacts.read(vendor, entry) ?? [])
  if (models.length === 0 && list.length > 0 && entries.length === Json.records(list).length) {
    return Either.left("the provider's list of models names none in a way that is known")
  }
  return Either.right({ models, next: nextOf(vendor, Json.record(json), list.length) })
}

/** A list of nothing is `null` in some servers that are written in Go. */
const listIn = (json: unknown): ReadonlyArray<unknown> | undefined => {
  if (Array.isArray(json)) return json
  const body = Json.record(json)
  const name = ["data", "models", "result"].find((each) => Array.isArray(body[each]) || body[each] === null)
  return name === undefined ? undefined : Json.list(body[name])
}

/** Groq's `active`, Mistral's `archived`. */
const isOffered = (entry: JsonObject): boolean => entry["active"] !== false && entry["archived"] !== true

const nextOf = (vendor: VendorSlug, body: JsonObject, length: number): Page["next"] => {
  switch (vendor) {
    case "anthropic":
    case "anthropic-compatible": {
      const last = Json.text(body["last_id"])
      return body["has_more"] === true && last !== undefined ? { after_id: last } : undefined
    }
    case "gemini": {
      const token = Json.text(body["nextPageToken"])
      return token === undefined || token === "" ? undefined : { pageToken: token }
    }
    case "cloudflare": {
      const info = Json.record(body["result_info"])
      const page = Json.number(info["page"]) ?? 1
      // It may give less a page than it was asked for.
      const shown = page * (Json.number(info["per_page"]) ?? length)
      const more = page < (Json.number(info["total_pages"]) ?? 0) || shown < (Json.number(info["total_count"]) ?? 0)
      return more && length > 0 ? { page: String(page + 1) } : undefined
    }
    default:
      return undefined
  }
}
