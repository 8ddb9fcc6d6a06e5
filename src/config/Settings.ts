import type * as Redacted from "effect/Redacted"
import * as Context from "effect/Context"
import type { ChatDialect } from "../domain/Dialect.js"
import type { CatchRule, ErrorCategory } from "../domain/ErrorCategory.js"
import type { Money } from "../domain/Money.js"
import type { MidStream } from "../domain/MidStream.js"
import type { VendorSlug } from "./Vendors.js"

/** How the instances that serve the same model are ordered. */
export const strategies = [
  "priority",
  "round-robin",
  "weighted",
  "least-latency",
  "cost-optimized",
  "least-busy"
] as const
export type Strategy = (typeof strategies)[number]

/** What tells the requests of one session from others. */
export const stickyKeys = ["header", "prompt_cache_key", "user"] as const

/** A session stays with the instance that served it, as long as that is well: so a provider's prompt cache is hit. */
export interface StickySettings {
  /** In lower case. */
  readonly header: string
  /** The first of these that a request has names its session. */
  readonly by: ReadonlyArray<(typeof stickyKeys)[number]>
  /** From its latest request on, in ms. */
  readonly ttl: number
}

/** A second candidate is asked beside the first when that one is late; the first answer counts. */
export interface HedgeSettings {
  readonly enabled: boolean
  /** In ms; `undefined`: the 95th percentile of what the candidate's latest answers took to begin. */
  readonly after: number | undefined
}

/** What an operator can say of an instance's models. */
export const capabilities = ["chat", "tools", "vision", "json_schema"] as const
export type Capability = (typeof capabilities)[number]

/** Time limits of one attempt, in ms. */
export interface Timeouts {
  readonly connect: number
  /** Until a stream's first semantic output. */
  readonly firstToken: number
  /** Between two outputs of a stream; comments and pings do not count. */
  readonly idle: number
  readonly total: number
}

/** Categories that a second try at the same instance can help with. */
export type RetryableCategory = Extract<ErrorCategory, "rate_limit" | "timeout" | "network" | "provider_unavailable">

/** The retry schedule within one candidate. Delays in ms. */
export interface RetrySettings {
  /** Calls to one candidate, the first included. */
  readonly maxAttempts: number
  readonly baseDelay: number
  readonly maxDelay: number
  readonly multiplier: number
  /** `full`: uniform between 0 and the delay; `none`: the delay itself. */
  readonly jitter: "full" | "none"
  readonly backoff: "exponential"
  readonly on: ReadonlyArray<RetryableCategory>
}

/** What a simulated instance does: how fast it answers and how often it fails. */
export interface SimulatedSettings {
  /** Until the answer or the first token, in ms. */
  readonly latency: number
  /** Between two tokens of a stream, in ms. */
  readonly tokenInterval: number
  /** Share of calls that fail, 0 to 1. */
  readonly failureRate: number
  /** What a failing call looks like on the wire; picked in turn. */
  readonly failures: ReadonlyArray<"rate_limit" | "provider_unavailable" | "network" | "malformed_response">
}

/** An amount of USD as it was written: text keeps what a double could not. */
export type Price = number | string

/** USD per million tokens. Absent ones cost what `prompt` or `completion` does. */
export interface TokenPrices {
  readonly prompt: Price
  readonly completion: Price
  readonly cacheRead?: Price
  readonly cacheWrite?: Price
  /** Absent: as `cacheWrite`. */
  readonly cacheWrite1h?: Price
  readonly reasoning?: Price
  readonly audioInput?: Price
  readonly audioOutput?: Price
}

/** What a model costs. */
export interface ModelPrices extends TokenPrices {
  /** USD a request, besides its tokens. */
  readonly request?: Price
  /** What all of a request's tokens cost whose input, cached or not, is more than `above` tokens. */
  readonly tiers?: ReadonlyArray<TokenPrices & { readonly above: number }>
}

/** What the models of an instance cost: those named by the id that it has for them, and, where `prompt` is there, all others. */
export interface PriceSettings extends Partial<ModelPrices> {
  readonly models?: Readonly<Record<string, ModelPrices>>
}

/** What may be asked in a minute; one of both is there. */
export interface RateSettings {
  readonly requestsPerMinute?: number | undefined
  /** Input and output together. */
  readonly tokensPerMinute?: number | undefined
}

/** What callers may ask in a minute. */
export interface CallerLimitSettings extends RateSettings {
  /**
   * `global` is everybody together, `caller` each caller by itself. `key:`, `user:` and `tenant:` name one, or with `*` each of
   * them by itself; one that is named is held to its own limit only.
   */
  readonly scope: string
  /** Requests at once; absent: as many as a minute has. */
  readonly burst?: number | undefined
  /** So many wait, each for so long (ms); absent: nobody waits. */
  readonly queue?: { readonly max: number; readonly timeout: number } | undefined
}

/** One account or endpoint of a vendor. */
export interface InstanceSettings {
  readonly id: string
  readonly provider: VendorSlug
  readonly apiKey: Redacted.Redacted | undefined
  /** As the vendor's own SDK takes it, without a trailing slash. `undefined` is the vendor's public endpoint. */
  readonly baseUrl: string | undefined
  readonly enabled: boolean
  /** Lower goes first. */
  readonly priority: number
  /** Its share of the requests, against the others', with the strategy `weighted`. */
  readonly weight: number
  /** Calls at a time; `undefined`: as many as come. */
  readonly maxConcurrency: number | undefined
  /** What it is asked in a minute at most; `undefined`: as much as comes. */
  readonly rateLimit: RateSettings | undefined
  /** The only models it serves; `undefined`: all that its vendor is known for. */
  readonly models: ReadonlyArray<string> | undefined
  /** What its models can do; `undefined`: nobody said, and nothing is kept from it. */
  readonly capabilities: ReadonlyArray<Capability> | undefined
  /** The most output tokens that a request may ask of it. */
  readonly maxTokensPerRequest: number | undefined
  /** Other origins that a request's `base_url` may name. */
  readonly allowedBaseUrls: ReadonlyArray<string>
  readonly timeouts: Timeouts
  readonly retry: RetrySettings
  /** Overrides whatever else is known of prices. */
  readonly pricing: PriceSettings | undefined
  /** Which of the vendor's wire formats is spoken; `undefined`: the usual one. */
  readonly dialect: ChatDialect | undefined
  /** Cloudflare only: the account whose models are called. */
  readonly accountId: string | undefined
  /** Azure only: used where a model is named without `|api-version`. */
  readonly apiVersion: string | undefined
  readonly simulated: SimulatedSettings
}

/** One step of a model's chain. */
export interface TargetSettings {
  readonly instance: string
  /** The provider's own id. */
  readonly model: string
  /** Which failures of the step before open this one; `undefined` is the default of `catches`. */
  readonly catch: ReadonlyArray<CatchRule> | undefined
  /** Tokens of input and output together; absent: as the price catalogue has it. */
  readonly contextWindow?: number | undefined
}

/** A canonical model name and its chain. */
export interface ModelSettings {
  readonly id: string
  readonly aliases: ReadonlyArray<string>
  readonly targets: ReadonlyArray<TargetSettings>
  /** Absent: as the routing has it. */
  readonly midStream?: MidStream
  /** Absent: true. Nobody is asked for a model that is not. */
  readonly enabled?: boolean
}

/** How models that no `models` entry names reach a provider; from the environment. */
export interface ReplacementSettings {
  /** `OPENROUTER_REPLACE_OPENAI` */
  readonly openai: string | undefined
  /** `OPENROUTER_REPLACE_CLAUDE` */
  readonly claude: string | undefined
  /** `OPENROUTER_FALLBACK_MODELS`, in order */
  readonly others: ReadonlyArray<string>
  /** `OSS_MODEL_NAME`: what the local model serves, whatever was asked */
  readonly local: string
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent"

/** How long an open circuit stays open: each opening in a row takes longer. */
export interface BackoffSettings {
  readonly kind: "exponential" | "linear" | "fibonacci"
  /** In ms. */
  readonly initial: number
  /** In ms. */
  readonly max: number
  /** For `exponential`. */
  readonly multiplier: number
  /** Share of the time that chance adds or takes: 0.2 is +-20 %. */
  readonly jitter: number
}

/** When a circuit opens, and how it closes again. */
export interface CircuitSettings {
  /** So many failures in a row, all within the window, open the circuit. */
  readonly failureThreshold: number
  /** In ms. */
  readonly window: number
  /** Or this share of failures among at least so many calls of the window. */
  readonly failureRatio: { readonly threshold: number; readonly minimumCalls: number } | undefined
  /** So many successes in a row close a half-open circuit. */
  readonly successThreshold: number
  /** Calls that a half-open circuit lets through at a time. */
  readonly halfOpenMax: number
  readonly backoff: BackoffSettings
}

/** How it is found out who is well, apart from what traffic shows. Durations in ms. */
export interface HealthSettings {
  readonly checkOnStart: boolean
  /** How long a check is remembered. */
  readonly cacheFor: number
  /** `active`: every enabled instance is checked again and again. */
  readonly probe: "passive" | "active"
  /** Between two checks of an instance, give or take a tenth. */
  readonly probeEvery: number
  /** `models` lists the models, which no vendor bills. `chat` asks a model for one token, which costs what a tiny chat costs. */
  readonly probeWith: "models" | "chat"
}

/** How requests are routed. Durations in ms. */
export interface RoutingSettings {
  readonly strategy: Strategy
  /** Instance -> weight; over the instance's own. */
  readonly weights: Readonly<Record<string, number>>
  readonly deadline: number
  /** Calls to providers that one request may cost, over all candidates. */
  readonly maxAttempts: number
  /** What becomes of a stream that breaks after its first output, where neither its model nor the request says. */
  readonly midStream: MidStream
  readonly sticky: StickySettings | undefined
  readonly hedge: HedgeSettings
  /** Retries and hedges of an instance: so many at once, and this share of its first calls. */
  readonly retryBudget: { readonly ratio: number; readonly reserve: number }
}

/** Where the database is. */
export type DatabaseSettings =
  | { readonly _tag: "Embedded" }
  | { readonly _tag: "Postgres"; readonly url: Redacted.Redacted }
  | { readonly _tag: "None" }

/** What is remembered, and where. */
export interface StoreSettings {
  /** Holds the embedded database, and what waits for a database that is away. */
  readonly dataDir: string
  readonly database: DatabaseSettings
}

/** Everything that was configured, checked, with defaults filled in. Durations in ms, sizes in bytes. */
export interface Settings {
  readonly preset: "development" | "production" | undefined
  readonly instances: ReadonlyArray<InstanceSettings>
  readonly models: ReadonlyArray<ModelSettings>
  /** `taskType` of /v1/route -> model */
  readonly tasks: Readonly<Record<string, string>>
  readonly replacements: ReplacementSettings
  readonly routing: RoutingSettings
  readonly circuitBreaker: CircuitSettings
  readonly health: HealthSettings
  readonly rateLimits: ReadonlyArray<CallerLimitSettings>
  readonly server: {
    readonly host: string
    readonly port: number
    readonly bodyLimit: number
    /** How long SIGTERM waits for requests in flight. */
    readonly drain: number
    readonly adminKey: Redacted.Redacted | undefined
  }
  readonly store: StoreSettings
  readonly budgets: ReadonlyArray<BudgetSettings>
  readonly log: { readonly level: LogLevel; readonly format: "pretty" | "json"; readonly file: string | undefined }
  /** Things that the operator should read at start, in full sentences. */
  readonly notices: ReadonlyArray<string>
  /** What `${VAR}` is filled from in what is configured later. */
  readonly variables: Redacted.Redacted<ReadonlyMap<string, string>>
}

/** What may be spent. */
export interface BudgetSettings {
  /** `global`, or whose it is: `provider:openai`, `instance:openai-primary`, `model:gpt-4o`, `user:alice`, `key:<id>`; `user:*` is one for each. */
  readonly scope: string
  readonly daily: Money | undefined
  readonly weekly: Money | undefined
  readonly monthly: Money | undefined
  /** A hard one is never overspent: it refuses. A soft one only tells. */
  readonly mode: "hard" | "soft"
  /** A calendar's day begins at midnight, its week on Monday and its month on the first; a rolling one is the last 24 hours, 7 or 30 days. */
  readonly window: "calendar" | "rolling"
  /** Of the calendar, as `Europe/Berlin`. */
  readonly timeZone: string
  /** What a call is taken to cost of which nobody knows the most that it can; `undefined`: a hard budget refuses it. */
  readonly worstCase: Money | undefined
}

/** The settings that this process was started with. */
export class CurrentSettings extends Context.Tag("orelse/CurrentSettings")<CurrentSettings, Settings>() {}
