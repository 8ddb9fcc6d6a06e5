import * as Redacted from "effect/Redacted"
import type { Problem } from "./ConfigError.js"
import type { FileInstance } from "./ConfigFile.js"
import { defaultRetry, defaultSimulated, defaultTimeouts } from "./ConfigFile.js"
import type { Variables } from "./Environment.js"
import type { InstanceSettings } from "./Settings.js"
import type { VendorSlug } from "./Vendors.js"

/**
 * Azure's API version where nothing else names one: 2024-10-21, the newest that is dated and generally available. The
 * versions after it are previews, or the undated `/openai/v1`.
 * @see https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
 */
export const azureVersion = "2024-10-21"

/** How an operator gets to a first instance; ends a sentence. */
export const waysToMakeOne =
  "set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, OPENROUTER_API_KEY, CLOUDFLARE_API_TOKEN with " +
  "CLOUDFLARE_ACCOUNT_ID, AZURE_API_KEY with AZURE_API_BASE, or OSS_MODEL_ENABLED=true, in the environment or in .env, or name a config file with --config or ORELSE_CONFIG"

/** Every instance that the environment can make. */
export const environmentIds: ReadonlyArray<string> = [
  "openai",
  "anthropic",
  "gemini",
  "cloudflare",
  "azure",
  "openrouter",
  "ollama"
]

/** The instances of the config file. */
export const fromFile = (
  instances: ReadonlyArray<FileInstance>,
  variables: Variables
): ReadonlyArray<InstanceSettings> =>
  instances.map((instance) => {
    const keyed = instance.apiKey !== undefined && Redacted.value(instance.apiKey) !== ""
    const version = instance.apiVersion ?? variables.AZURE_API_VERSION ?? azureVersion
    return {
      ...bare(instance.id, instance.provider, instance.priority),
      ...instance,
      apiKey: keyed ? instance.apiKey : undefined,
      dialect: instance.dialect,
      accountId:
        instance.provider === "cloudflare" ? (instance.accountId ?? variables.CLOUDFLARE_ACCOUNT_ID) : undefined,
      apiVersion: instance.provider === "azure" ? version : undefined,
      simulated: instance.simulated ?? defaultSimulated
    }
  })

/** The instances that keys in the environment make, for the vendors and ids that the config file does not have itself. */
export const fromEnvironment = (
  variables: Variables,
  declared: ReadonlyArray<{ readonly [field: string]: unknown }>
): ReadonlyArray<InstanceSettings> => {
  const made: Array<InstanceSettings> = []
  if (variables.OPENAI_API_KEY !== undefined) {
    made.push({
      ...bare("openai", "openai", 1),
      apiKey: variables.OPENAI_API_KEY,
      baseUrl: variables.OPENAI_BASE_URL
    })
  }
  if (variables.ANTHROPIC_API_KEY !== undefined) {
    made.push({
      ...bare("anthropic", "anthropic", 1),
      apiKey: variables.ANTHROPIC_API_KEY,
      baseUrl: variables.ANTHROPIC_BASE_URL
    })
  }
  if (variables.GEMINI_API_KEY !== undefined) {
    made.push({
      ...bare("gemini", "gemini", 1),
      apiKey: variables.GEMINI_API_KEY,
      baseUrl: variables.GEMINI_BASE_URL
    })
  }
  if (variables.CLOUDFLARE_API_TOKEN !== undefined) {
    made.push({
      ...bare("cloudflare", "cloudflare", 1),
      apiKey: variables.CLOUDFLARE_API_TOKEN,
      baseUrl: variables.CLOUDFLARE_BASE_URL,
      accountId: variables.CLOUDFLARE_ACCOUNT_ID
    })
  }
  if (variables.AZURE_API_KEY !== undefined) {
    made.push({
      ...bare("azure", "azure", 1),
      apiKey: variables.AZURE_API_KEY,
      baseUrl: variables.AZURE_API_BASE,
      apiVersion: variables.AZURE_API_VERSION ?? azureVersion
    })
  }
  if (variables.OPENROUTER_API_KEY !== undefined) {
    made.push({
      ...bare("openrouter", "openrouter", 2),
      apiKey: variables.OPENROUTER_API_KEY,
      baseUrl: variables.OPENROUTER_BASE_URL
    })
  }
  if (variables.OSS_MODEL_ENABLED === true) {
    const endpoint = variables.OSS_MODEL_ENDPOINT ?? "http://localhost:11434"
    made.push({ ...bare("ollama", "ollama", 3), baseUrl: endpoint.endsWith("/v1") ? endpoint : `${endpoint}/v1` })
  }
  return made.filter(({ id, provider }) => !declared.some((own) => own["id"] === id || own["provider"] === provider))
}

/** What such an instance lacks to be called. */
export const incomplete = (made: ReadonlyArray<InstanceSettings>): ReadonlyArray<Problem> =>
  made.flatMap(({ accountId, baseUrl, provider }) => {
    if (provider === "azure" && baseUrl === undefined) {
      const message = "is required with AZURE_API_KEY: https://<resource>.openai.azure.com"
      return [{ path: "AZURE_API_BASE", message }]
    }
    if (provider === "cloudflare" && accountId === undefined && baseUrl === undefined) {
      const message = "is required with CLOUDFLARE_API_TOKEN: the id of the account, 32 letters and digits"
      return [{ path: "CLOUDFLARE_ACCOUNT_ID", message }]
    }
    return []
  })

/** The failures that another provider answers at once come first, so that a newcomer soon sees a fallback. */
const stumbling: InstanceSettings["simulated"] = {
  ...defaultSimulated,
  failureRate: 0.3,
  failures: ["provider_unavailable", "malformed_response", "network", "rate_limit"]
}

/** Two that cost nothing and need no key, so that a fresh checkout answers; the first fails now and then. */
export const simulated: ReadonlyArray<InstanceSettings> = [
  { ...bare("simulated-primary", "simulated", 1), simulated: stumbling },
  bare("simulated-backup", "simulated", 2)
]

/** An instance with nothing of its own. */
function bare(id: string, provider: VendorSlug, priority: number): InstanceSettings {
  return {
    id,
    provider,
    apiKey: undefined,
    baseUrl: undefined,
    enabled: true,
    priority,
    weight: 1,
    maxConcurrency: undefined,
    rateLimit: undefined,
    models: undefined,
    capabilities: undefined,
    maxTokensPerRequest: undefined,
    allowedBaseUrls: [],
    timeouts: defaultTimeouts,
    retry: defaultRetry,
    pricing: undefined,
    dialect: undefined,
    accountId: undefined,
    apiVersion: undefined,
    simulated: defaultSimulated
  }
}
