import * as Redacted from "effect/Redacted"
import { azureVersion } from "../config/Instances.js"
import type { InstanceSettings, VendorSlug } from "../config/Settings.js"

/** A vendor as data: where it listens, how a key is shown, what it understands. */
export interface Vendor {
  readonly slug: VendorSlug
  /** Used where an instance names no `baseUrl`. */
  readonly baseUrl: string | undefined
  readonly auth: "bearer" | "api-key" | "none"
  /** Path of the chat endpoint below the base URL, for one model. */
  readonly chatPath: (model: string, instance: InstanceSettings) => string
  readonly modelsPath: (instance: InstanceSettings) => string
  /** What the body's `model` says. */
  readonly modelName: (model: string) => string
  /** Knows `stream_options.include_usage`; the others send usage unasked, or never. */
  readonly asksForUsage: boolean
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
  chatPath: () => "/chat/completions",
  modelsPath: () => "/models",
  modelName: (model) => model,
  asksForUsage: true,
  reportsCost: false,
  priceId: undefined,
  free: false
}

/** Azure's model is `deployment|api-version`; without the second part the instance's version counts. */
const azureParts = (model: string, instance: InstanceSettings): { deployment: string; version: string } => {
  const bar = model.indexOf("|")
  return bar < 0
    ? { deployment: model, version: instance.apiVersion ?? azureVersion }
    : { deployment: model.slice(0, bar), version: model.slice(bar + 1) }
}

/** Half a surrogate pair has no spelling in a URL. */
const wellFormed = (text: string): string => Buffer.from(text).toString()

export const vendors: Readonly<Record<VendorSlug, Vendor>> = {
  "openai-compatible": compatible,
  openai: { ...compatible, slug: "openai", baseUrl: "https://api.openai.com/v1", priceId: "openai" },
  openrouter: {
    ...compatible,
    slug: "openrouter",
    baseUrl: "https://openrouter.ai/api/v1",
    reportsCost: true,
    priceId: "openrouter"
  },
  ollama: { ...compatible, slug: "ollama", baseUrl: "http://localhost:11434/v1", free: true },
  azure: {
    ...compatible,
    slug: "azure",
    auth: "api-key",
    chatPath: (model, instance) => {
      const { deployment, version } = azureParts(model, instance)
      const path = `/openai/deployments/${encodeURIComponent(wellFormed(deployment))}/chat/completions`
      return `${path}?api-version=${encodeURIComponent(wellFormed(version))}`
    },
    modelsPath: (instance) => `/openai/models?api-version=${instance.apiVersion ?? azureVersion}`,
    modelName: (model) => model.split("|", 1)[0] ?? model,
    priceId: "azure"
  },
  simulated: { ...compatible, slug: "simulated", baseUrl: "http://simulated.invalid/v1", auth: "none", free: true }
}

/** The headers that show an instance's key. The value leaves `Redacted` only here. */
export const authHeaders = (instance: InstanceSettings): Readonly<Record<string, string>> => {
  if (instance.apiKey === undefined) return {}
  const key = Redacted.value(instance.apiKey)
  switch (vendors[instance.provider].auth) {
    case "bearer":
      return { authorization: `Bearer ${key}` }
    case "api-key":
      return { "api-key": key }
    case "none":
      return {}
  }
}
