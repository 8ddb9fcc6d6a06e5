import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import { azureVersion } from "../config/Instances.js"
import type { InstanceSettings } from "../config/Settings.js"
import { dialectsOf, type VendorSlug } from "../config/Vendors.js"
import type { Dialect, FrontDialect } from "../domain/Dialect.js"
import type { Quirks } from "../protocol/Dialects.js"
import * as Translation from "../protocol/Translation.js"
import { compatibleVendors, unknownToOpenAi, type AuthScheme, type CompatibleVendor } from "./CompatibleVendors.js"
import * as Endpoint from "./Endpoint.js"

/** A vendor as data: where it listens, how a key is shown, what it understands. */
export interface Vendor {
  readonly slug: VendorSlug
  /** Used where an instance names no `baseUrl`. */
  readonly baseUrl: string | undefined
  readonly auth: AuthScheme
  /** Where each dialect is spoken; what is not here is not spoken. */
  readonly endpoints: Readonly<Partial<Record<Dialect, Endpoint.Endpoint>>>
  /** Where the list of models is; `undefined`: there is none. */
  readonly models: Endpoint.ModelsEndpoint | undefined
  /** What the body's `model` says. */
  readonly modelName: (model: string) => string
  readonly quirks: Quirks
  /** Whose seals its endpoints take; `undefined`: each instance only its own. */
  readonly realm: string | undefined
  /** The only names of models that it serves; `undefined`: no name tells. */
  readonly makes: RegExp | undefined
  /** Serves open models of anybody, so none that only its maker has. */
  readonly open: boolean
  /** Says in its answers what they cost, in USD. What others put there is not believed. */
  readonly reportsCost: boolean
  /** Id in the price catalogue; `undefined`: told by the model's name alone. */
  readonly priceId: string | undefined
  /** Runs on the operator's machine and costs nothing. */
  readonly free: boolean
}

const compatible: Vendor = {
  slug: "openai-compatible",
  baseUrl: undefined,
  auth: "bearer",
  endpoints: Endpoint.openai,
  models: Endpoint.below("/models"),
  modelName: (model) => model,
  quirks: {},
  realm: undefined,
  makes: undefined,
  open: false,
  reportsCost: false,
  priceId: undefined,
  free: false
}

const anthropic: Vendor = {
  ...compatible,
  slug: "anthropic",
  baseUrl: "https://api.anthropic.com",
  auth: "x-api-key",
  endpoints: Endpoint.anthropic,
  models: Endpoint.anthropicModels,
  realm: "anthropic",
  makes: /^claude-/,
  priceId: "anthropic"
}

const { "openai-chat": chat, ...plain } = Endpoint.openai

const preset = (slug: keyof typeof compatibleVendors, vendor: CompatibleVendor): Vendor => {
  const { auth, baseUrl, completions, embeddings, free, makes, models, priceId, quirks, reportsCost } = vendor
  return {
    ...compatible,
    slug,
    baseUrl,
    auth: auth ?? "bearer",
    endpoints: {
      "openai-chat": chat,
      ...(embeddings === false ? {} : { "openai-embeddings": plain["openai-embeddings"] }),
      ...(completions ? { "openai-completions": plain["openai-completions"] } : {})
    },
    models: models === false ? undefined : Endpoint.below(models ?? "/models"),
    quirks: quirks ?? {},
    makes,
    open: makes === undefined && free !== true && !proxies.has(slug),
    priceId,
    reportsCost: reportsCost ?? false,
    free: free ?? false
  }
}

/** They hand requests on to anybody. */
const proxies: ReadonlySet<string> = new Set(["portkey", "litellm", "vercel"])

/** "Image URLs are only allowed for messages with role 'user'" (400). */
const openaiQuirks: Quirks = {
  openai: true,
  thinking: "reasoning_effort",
  toolIds: "openai",
  results: "text",
  refuses: unknownToOpenAi
}

const own = {
  "openai-compatible": compatible,
  "anthropic-compatible": {
    ...anthropic,
    slug: "anthropic-compatible",
    baseUrl: undefined,
    realm: undefined,
    makes: undefined,
    priceId: undefined
  },
  openai: {
    ...compatible,
    slug: "openai",
    baseUrl: "https://api.openai.com/v1",
    quirks: openaiQuirks,
    makes: /^(?:gpt-(?!oss)|o1|o3|o4|chatgpt-|text-embedding-|davinci-|babbage-|ft:)/,
    priceId: "openai"
  },
  anthropic,
  openrouter: {
    ...compatible,
    slug: "openrouter",
    baseUrl: "https://openrouter.ai/api/v1",
    quirks: {
      preferences: true,
      reasoning: "reasoning_details",
      thinking: "reasoning",
      knows: ["top_k", "cache_control"],
      results: "pictures"
    },
    realm: "openrouter",
    reportsCost: true,
    priceId: "openrouter"
  },
  gemini: {
    ...compatible,
    slug: "gemini",
    baseUrl: "https://generativelanguage.googleapis.com",
    auth: "x-goog-api-key",
    endpoints: Endpoint.gemini,
    models: Endpoint.geminiModels,
    realm: "gemini",
    makes: /^(?:gemini-|gemma-|text-embedding-00|embedding-00|learnlm-)/,
    priceId: "google"
  },
  cloudflare: {
    ...compatible,
    slug: "cloudflare",
    baseUrl: "https://api.cloudflare.com/client/v4",
    endpoints: Endpoint.cloudflare,
    models: Endpoint.cloudflareModels,
    makes: /^@(?:cf|hf)\//,
    priceId: "cloudflare"
  },
  ollama: {
    ...compatible,
    slug: "ollama",
    baseUrl: "http://localhost:11434/v1",
    endpoints: Endpoint.ollama,
    models: Endpoint.ollamaModels,
    free: true
  },
  azure: {
    ...compatible,
    slug: "azure",
    auth: "api-key",
    endpoints: Endpoint.azure,
    models: (prefix, instance) => `${prefix}/openai/models?api-version=${instance.apiVersion ?? azureVersion}`,
    modelName: (model) => model.split("|", 1)[0] ?? model,
    quirks: openaiQuirks,
    priceId: "azure"
  },
  simulated: { ...compatible, slug: "simulated", baseUrl: "http://simulated.invalid/v1", auth: "none", free: true }
} as const satisfies Readonly<Partial<Record<VendorSlug, Vendor>>>

export const vendors: Readonly<Record<VendorSlug, Vendor>> = {
  ...own,
  ...Record.map(compatibleVendors, (vendor, slug) => preset(slug, vendor))
}

/** One way for a request to an instance: in which dialect, and where. */
export interface Speaking {
  readonly dialect: Dialect
  readonly endpoint: Endpoint.Endpoint
}

/** The dialect that an instance chats in. */
export const usualDialect = (instance: InstanceSettings): Dialect =>
  instance.dialect ?? dialectsOf(instance.provider)[0]

/** How an instance answers what is asked in a dialect; `undefined`: it cannot. */
export const speaking = (instance: InstanceSettings, front: FrontDialect): Speaking | undefined => {
  const { endpoints } = vendors[instance.provider]
  const usual = usualDialect(instance)
  // What is never translated is asked where the vendor has it, whatever dialect it chats in.
  const dialect = Translation.possible(front, usual) ? usual : front
  const endpoint = endpoints[dialect]
  return endpoint === undefined ? undefined : { dialect, endpoint }
}

/** Whose seals an instance takes and gives. */
export const realmOf = ({ id, provider }: InstanceSettings): string => vendors[provider].realm ?? `#${id}`

/** The headers that show an instance's key in a dialect. The value leaves `Redacted` only here. */
export const authHeaders = (instance: InstanceSettings, dialect: Dialect): Readonly<Record<string, string>> => {
  if (instance.apiKey === undefined) return {}
  const key = Redacted.value(instance.apiKey)
  const { auth } = vendors[instance.provider]
  if (auth === "none") return {}
  // Google's compatible endpoint knows OpenAI's header only.
  const bearer = auth === "bearer" || (auth === "x-goog-api-key" && dialect.startsWith("openai-"))
  return bearer ? { authorization: `Bearer ${key}` } : { [auth]: key }
}
