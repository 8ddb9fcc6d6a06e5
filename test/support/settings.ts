import * as Redacted from "effect/Redacted"
import type { InstanceSettings, ModelSettings, Settings } from "../../src/config/Settings.js"

export const routing: Settings["routing"] = {
  strategy: "priority",
  weights: {},
  deadline: 120_000,
  maxAttempts: 6,
  midStream: "never",
  sticky: undefined,
  hedge: { enabled: false, after: undefined },
  retryBudget: { ratio: 0.1, reserve: 10 }
}

/** Settings of tests: everything at its default, on a free port, without a word on stdout. */
export const settings = (overrides: Partial<Settings> = {}): Settings => ({
  preset: undefined,
  instances: [],
  models: [],
  tasks: { default: "gpt-4o-mini" },
  replacements: { openai: undefined, claude: undefined, others: [], local: "llama3:8b" },
  routing,
  circuitBreaker: {
    failureThreshold: 3,
    window: 60_000,
    failureRatio: undefined,
    successThreshold: 2,
    halfOpenMax: 1,
    backoff: { kind: "exponential", initial: 60_000, max: 600_000, multiplier: 2, jitter: 0 }
  },
  health: { checkOnStart: false, cacheFor: 60_000, probe: "passive", probeEvery: 30_000, probeWith: "models" },
  rateLimits: [],
  server: { host: "127.0.0.1", port: 0, bodyLimit: 1024 * 1024, drain: 5_000, adminKey: undefined },
  store: { dataDir: ".orelse", database: { _tag: "None" } },
  budgets: [],
  log: { level: "silent", format: "json", file: undefined },
  notices: [],
  variables: Redacted.make(new Map()),
  ...overrides
})

/** An instance of tests; simulated unless said otherwise. */
export const instance = (id: string, overrides: Partial<InstanceSettings> = {}): InstanceSettings => ({
  id,
  provider: "simulated",
  apiKey: undefined,
  baseUrl: undefined,
  enabled: true,
  priority: 1,
  weight: 1,
  maxConcurrency: undefined,
  rateLimit: undefined,
  models: undefined,
  capabilities: undefined,
  maxTokensPerRequest: undefined,
  allowedBaseUrls: [],
  timeouts: { connect: 5_000, firstToken: 30_000, idle: 60_000, total: 600_000 },
  retry: {
    maxAttempts: 3,
    baseDelay: 250,
    maxDelay: 8_000,
    multiplier: 2,
    jitter: "none",
    backoff: "exponential",
    on: ["rate_limit", "timeout", "network", "provider_unavailable"]
  },
  pricing: undefined,
  dialect: undefined,
  accountId: undefined,
  apiVersion: undefined,
  simulated: {
    latency: 100,
    tokenInterval: 10,
    failureRate: 0,
    failures: ["rate_limit", "provider_unavailable", "network", "malformed_response"]
  },
  ...overrides
})

/** A model that is asked of these instances in turn. */
export const model = (
  id: string,
  targets: ReadonlyArray<string | ModelSettings["targets"][number]>
): ModelSettings => ({
  id,
  aliases: [],
  targets: targets.map((target) =>
    typeof target === "string" ? { instance: target, model: id, catch: undefined } : target
  )
})
