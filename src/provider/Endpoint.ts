import { azureVersion } from "../config/Instances.js"
import type { InstanceSettings } from "../config/Settings.js"
import type { Dialect } from "../domain/Dialect.js"

/** Path of an endpoint below an origin; `prefix` is the base URL's own path, without a slash at the end. */
export interface Endpoint {
  (prefix: string, model: string, instance: InstanceSettings, stream: boolean): string
}

/** Path of the list of models. */
export interface ModelsEndpoint {
  (prefix: string, instance: InstanceSettings): string
}

type Endpoints = Readonly<Partial<Record<Dialect, Endpoint>>>

/** A fixed path below the base URL. */
export const below =
  (path: string) =>
  (prefix: string): string =>
    prefix + path

export const openai = {
  "openai-chat": below("/chat/completions"),
  "openai-completions": below("/completions"),
  "openai-embeddings": below("/embeddings")
} satisfies Endpoints

/** Anthropic's SDK takes a base URL without `/v1`, others one with it. */
const unversioned = (prefix: string): string => prefix.replace(/\/v1(?:beta)?$/, "")

export const anthropic: Endpoints = {
  "anthropic-messages": (prefix) => `${unversioned(prefix)}/v1/messages`,
  "anthropic-count-tokens": (prefix) => `${unversioned(prefix)}/v1/messages/count_tokens`
}

export const anthropicModels: ModelsEndpoint = (prefix) => `${unversioned(prefix)}/v1/models?limit=1000`

const geminiRoot = (prefix: string): string => prefix.replace(/\/openai$/, "").replace(/\/v1(?:beta)?$/, "")

export const gemini: Endpoints = {
  gemini: (prefix, model, _, stream) => {
    // Google's own form of an id is a path.
    const [, kind = "models", name = model] = /^(models|tunedModels)\/(.+)$/.exec(model) ?? []
    const path = `${geminiRoot(prefix)}/v1beta/${kind}/${segment(name)}`
    return stream ? `${path}:streamGenerateContent?alt=sse` : `${path}:generateContent`
  },
  "openai-chat": (prefix) => `${geminiRoot(prefix)}/v1beta/openai/chat/completions`,
  "openai-embeddings": (prefix) => `${geminiRoot(prefix)}/v1beta/openai/embeddings`
}

export const geminiModels: ModelsEndpoint = (prefix) => `${geminiRoot(prefix)}/v1beta/models?pageSize=1000`

/** `.../accounts/<id>/ai`; a base URL of one's own that names no account is that root itself, as of Cloudflare's AI gateway. */
const accountRoot = (prefix: string, { accountId }: InstanceSettings): string => {
  const root = prefix.replace(/\/(?:v1|run)$/, "")
  if (accountId === undefined) return root
  return root.includes("/accounts/") ? root : `${root}/accounts/${encodeURIComponent(accountId)}/ai`
}

export const cloudflare: Endpoints = {
  "openai-chat": (prefix, _, instance) => `${accountRoot(prefix, instance)}/v1/chat/completions`,
  "openai-embeddings": (prefix, _, instance) => `${accountRoot(prefix, instance)}/v1/embeddings`,
  // Ids are paths: `@cf/meta/llama-3.1-8b-instruct`.
  "workers-ai": (prefix, model, instance) =>
    `${accountRoot(prefix, instance)}/run/${model
      .split("/")
      .map((part) => segment(part).replace(/^%40/, "@"))
      .join("/")}`
}

export const cloudflareModels: ModelsEndpoint = (prefix, instance) =>
  `${accountRoot(prefix, instance)}/models/search?per_page=1000`

const ollamaRoot = (prefix: string): string => prefix.replace(/\/(?:v1|api)$/, "")

export const ollama: Endpoints = {
  "openai-chat": (prefix) => `${ollamaRoot(prefix)}/v1/chat/completions`,
  "openai-completions": (prefix) => `${ollamaRoot(prefix)}/v1/completions`,
  "openai-embeddings": (prefix) => `${ollamaRoot(prefix)}/v1/embeddings`,
  ollama: (prefix) => `${ollamaRoot(prefix)}/api/chat`
}

export const ollamaModels: ModelsEndpoint = (prefix) => `${ollamaRoot(prefix)}/api/tags`

/** Azure's model is `deployment|api-version`; without the second part the instance's version counts. */
const deployed =
  (path: string): Endpoint =>
  (prefix, model, instance) => {
    const bar = model.indexOf("|")
    const deployment = bar < 0 ? model : model.slice(0, bar)
    const version = bar < 0 ? (instance.apiVersion ?? azureVersion) : model.slice(bar + 1)
    const base = `${prefix}/openai/deployments/${segment(deployment)}${path}`
    return `${base}?api-version=${segment(version)}`
  }

export const azure: Endpoints = {
  "openai-chat": deployed("/chat/completions"),
  "openai-completions": deployed("/completions"),
  "openai-embeddings": deployed("/embeddings")
}

/** One step of a path. Half a surrogate pair has no spelling in a URL, and a step must not lead upwards: it throws. */
const segment = (text: string): string => {
  if (/^\.*$/.test(text)) throw new Error("not a name")
  return encodeURIComponent(Buffer.from(text).toString())
}
