import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { kinds } from "../domain/Alert.js"
import { CatchRule } from "../domain/ErrorCategory.js"
import { MidStream } from "../domain/MidStream.js"
import * as Field from "./Field.js"
import * as Issue from "./Issue.js"
import { cachePolicies, capabilities, stickyKeys, strategies } from "./Settings.js"
import { dialects, vendorSlugs } from "./Vendors.js"

/** A field that may be absent, without a default. */
export const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** A field that may be absent, and what it is then. */
export const or = <A, I>(schema: Schema.Schema<A, I>, absent: NoInfer<A>) =>
  Schema.optionalWith(schema, { exact: true, default: () => absent })

const TimeoutFields = Schema.Struct({
  connect: or(Field.duration("1ms"), 5_000),
  firstToken: or(Field.duration("1ms"), 30_000),
  idle: or(Field.duration("1ms"), 60_000),
  total: or(Field.duration("1ms"), 600_000)
})

const retryable = ["rate_limit", "timeout", "network", "provider_unavailable"] as const

const RetryFields = Schema.Struct({
  maxAttempts: or(Field.integer(1, 20), 3),
  baseDelay: or(Field.duration("0ms"), 250),
  maxDelay: or(Field.duration("0ms"), 8_000),
  multiplier: or(Field.number(1, 10), 2),
  jitter: or(Field.word("full", "none"), "full"),
  backoff: or(Field.word("exponential"), "exponential"),
  on: or(Schema.Array(Field.word(...retryable)), retryable)
})

const failures = ["rate_limit", "provider_unavailable", "network", "malformed_response"] as const

const SimulatedFields = Schema.Struct({
  latency: or(Field.duration("0ms"), 150),
  tokenInterval: or(Field.duration("0ms"), 20),
  failureRate: or(Field.number(0, 1), 0),
  failures: or(Schema.NonEmptyArray(Field.word(...failures)), failures)
})

const tokenPrices = {
  prompt: Field.Price,
  completion: Field.Price,
  cacheRead: optional(Field.Price),
  cacheWrite: optional(Field.Price),
  cacheWrite1h: optional(Field.Price),
  reasoning: optional(Field.Price),
  audioInput: optional(Field.Price),
  audioOutput: optional(Field.Price)
}

const modelPrices = {
  ...tokenPrices,
  request: optional(Field.Price),
  tiers: optional(Schema.NonEmptyArray(Schema.Struct({ above: Field.integer(0, 1_000_000_000), ...tokenPrices })))
}

/** One price for all models may be left out where `models` names some. */
const PricingFields = Schema.Struct({
  ...modelPrices,
  prompt: optional(Field.Price),
  completion: optional(Field.Price),
  models: optional(Schema.Record({ key: Schema.String, value: Schema.Struct(modelPrices) }))
})

const perMinute = {
  requestsPerMinute: optional(Field.integer(1, 10_000_000)),
  tokensPerMinute: optional(Field.integer(1, 10_000_000_000))
}

const InstanceFields = Schema.Struct({
  id: Field.InstanceId,
  provider: Field.word(...vendorSlugs),
  apiKey: optional(Field.Secret),
  baseUrl: optional(Field.BaseUrl),
  enabled: or(Field.Flag, true),
  priority: or(Field.integer(-1_000_000, 1_000_000), 1),
  weight: or(Field.number(0, 1_000_000), 1),
  models: optional(Schema.Array(Field.Text)),
  maxConcurrency: optional(Field.integer(1, 1_000_000)),
  rateLimit: optional(Schema.Struct(perMinute)),
  capabilities: optional(Schema.Array(Field.word(...capabilities))),
  maxTokensPerRequest: optional(Field.integer(1, 100_000_000)),
  allowedBaseUrls: or(Schema.Array(Field.BaseUrl), []),
  timeouts: or(TimeoutFields, Schema.decodeSync(TimeoutFields)({})),
  retry: or(RetryFields, Schema.decodeSync(RetryFields)({})),
  pricing: optional(PricingFields),
  dialect: optional(Field.word(...dialects)),
  accountId: optional(Field.AccountId),
  apiVersion: optional(Field.ApiVersion),
  simulated: optional(SimulatedFields)
})

const TargetFields = Schema.Struct({
  instance: Field.InstanceId,
  model: Field.Text,
  catch: optional(Schema.Array(Field.word(...CatchRule.literals))),
  /** In tokens. */
  contextWindow: optional(Field.integer(1, 1_000_000_000))
})

const ModelFields = Schema.Struct({
  id: Field.Text,
  aliases: or(Schema.Array(Field.Text), []),
  /** Absent only where it is not enabled. */
  targets: optional(Schema.NonEmptyArray(TargetFields)),
  enabled: optional(Field.Flag),
  midStream: optional(Field.word(...MidStream.literals))
})

const StickyFields = Schema.Struct({
  header: or(Field.HeaderName, "x-session-id"),
  by: or(Schema.Array(Field.word(...stickyKeys)), stickyKeys),
  ttl: or(Field.duration("1ms"), 3_600_000)
})

const HedgeFields = Schema.Struct({
  enabled: or(Field.Flag, false),
  /** Absent: the 95th percentile of what the candidate's latest answers took to begin. */
  after: optional(Field.duration("1ms"))
})

const RetryBudgetFields = Schema.Struct({
  ratio: or(Field.number(0, 10), 0.1),
  reserve: or(Field.integer(0, 1_000_000), 10)
})

const RoutingFields = Schema.Struct({
  strategy: or(Field.word(...strategies), "priority"),
  weights: or(Schema.Record({ key: Schema.String, value: Field.number(0, 1_000_000) }), {}),
  deadline: or(Field.duration("1ms"), 120_000),
  maxAttempts: or(Field.integer(1, 100), 6),
  midStream: or(Field.word(...MidStream.literals), "never"),
  /** Absent: a request goes where the strategy sends it, whoever answered the one before. */
  sticky: optional(StickyFields),
  hedge: or(HedgeFields, Schema.decodeSync(HedgeFields)({})),
  retryBudget: or(RetryBudgetFields, Schema.decodeSync(RetryBudgetFields)({}))
})

const CircuitFields = Schema.Struct({
  failureThreshold: or(Field.integer(1, 1_000), 3),
  window: or(Field.duration("1ms"), 60_000),
  /** Absent: only failures in a row open a circuit. */
  failureRatio: optional(Field.number(0.01, 1)),
  minimumCalls: or(Field.integer(1, 100_000), 20),
  successThreshold: or(Field.integer(1, 1_000), 2),
  initialBackoff: or(Field.duration("1ms"), 60_000),
  maxBackoff: or(Field.duration("1ms"), 600_000),
  multiplier: or(Field.number(1, 10), 2),
  jitter: or(Field.number(0, 1), 0.2),
  backoff: or(Field.word("exponential", "linear", "fibonacci"), "exponential"),
  halfOpenMax: or(Field.integer(1, 1_000), 1)
})

const HealthFields = Schema.Struct({
  checkOnStart: or(Field.Flag, true),
  cacheFor: or(Field.duration("0ms"), 60_000),
  probe: or(Field.word("passive", "active"), "passive"),
  probeEvery: or(Field.duration("100ms"), 30_000),
  probeWith: or(Field.word("models", "chat"), "models")
})

/** What may be spent, as the config file and the admin API say it. */
const BudgetFields = Schema.Struct({
  scope: Field.BudgetScope,
  daily: optional(Field.Dollars),
  weekly: optional(Field.Dollars),
  monthly: optional(Field.Dollars),
  mode: or(Field.word("hard", "soft"), "hard"),
  window: or(Field.word("calendar", "rolling"), "calendar"),
  timeZone: or(Field.TimeZone, "UTC"),
  worstCase: optional(Field.Dollars)
})

const CallerLimitFields = Schema.Struct({
  scope: Field.LimitScope,
  ...perMinute,
  /** Requests at once. Absent: as many as a minute has. */
  burst: optional(Field.integer(1, 10_000_000)),
  /** Absent: nobody waits. */
  queue: optional(Schema.Struct({ max: or(Field.integer(1, 100_000), 100), timeout: or(Field.duration("1ms"), 5_000) }))
})

/** A URL alone, or with more to say of it. Of the fields only the second mapping says what is wrong, so that it says it once. */
const Webhook = Schema.transform(
  Schema.Union(
    Schema.String,
    Schema.Struct({
      url: optional(Schema.Unknown),
      events: optional(Schema.Unknown),
      format: optional(Schema.Unknown)
    })
  ).annotations({ description: "a URL, or a mapping with url, events and format" }),
  Schema.Struct({
    url: Field.WebhookUrl,
    /** Absent: all. */
    events: optional(Schema.NonEmptyArray(Field.word(...kinds))),
    format: or(Field.word("slack", "json"), "slack")
  }),
  { strict: false, decode: (given) => (typeof given === "string" ? { url: given } : given), encode: (fields) => fields }
)

const AlertFields = Schema.Struct({
  webhooks: or(Schema.Array(Webhook), []),
  repeatAfter: or(Field.duration("1ms"), 3_600_000),
  timeout: or(Field.duration("100ms"), 10_000)
})

const CacheFields = Schema.Struct({
  /** Two equal requests may be meant to have two answers, so this is for the operator to say. */
  enabled: or(Field.Flag, false),
  policy: or(Field.word(...cachePolicies), "temperature-zero"),
  maxEntries: or(Field.integer(1, 1_000_000), 1_000),
  maxBytes: or(Field.LargeSize, 64 * 2 ** 20),
  maxEntryBytes: or(Field.Size, 2 ** 20),
  ttl: or(Field.duration("1ms"), 3_600_000),
  compressAbove: or(Field.Size, 1024),
  coalesce: or(Field.Flag, false),
  /** Absent: never. */
  staleIfError: optional(Field.duration("1ms"))
})

const ServerFields = Schema.Struct({
  host: or(Field.Text, "127.0.0.1"),
  port: or(Field.Port, 3000),
  bodyLimit: or(Field.Size, 10 * 2 ** 20),
  drain: or(Field.duration("0ms"), 120_000)
})

const LogFields = Schema.Struct({
  level: or(Field.LogLevel, "info"),
  format: or(Field.LogFormat, "pretty"),
  file: optional(Field.Text)
})

/**
 * The config file, as far as this version implements it, with the defaults of what it leaves out. Durations become ms,
 * sizes bytes, keys `Redacted`.
 */
export const ConfigFile = Schema.Struct({
  instances: or(Schema.Array(InstanceFields), []),
  models: or(Schema.Array(ModelFields), []),
  tasks: or(Schema.Record({ key: Schema.String, value: Field.Text }), {}),
  routing: or(RoutingFields, Schema.decodeSync(RoutingFields)({})),
  circuitBreaker: or(CircuitFields, Schema.decodeSync(CircuitFields)({})),
  health: or(HealthFields, Schema.decodeSync(HealthFields)({})),
  budgets: or(Schema.Array(BudgetFields), []),
  rateLimits: or(Schema.Array(CallerLimitFields), []),
  alerts: or(AlertFields, Schema.decodeSync(AlertFields)({})),
  cache: or(CacheFields, Schema.decodeSync(CacheFields)({})),
  server: or(ServerFields, Schema.decodeSync(ServerFields)({})),
  log: or(LogFields, Schema.decodeSync(LogFields)({}))
})
export type ConfigFile = typeof ConfigFile.Type
export type ConfigFileEncoded = typeof ConfigFile.Encoded

export type FileInstance = typeof InstanceFields.Type
export type FileModel = typeof ModelFields.Type

export const defaultCache = Schema.decodeSync(CacheFields)({})
export const defaultTimeouts = Schema.decodeSync(TimeoutFields)({})
export const defaultRetry = Schema.decodeSync(RetryFields)({})
export const defaultSimulated = Schema.decodeSync(SimulatedFields)({})

/** Reads a config file's value, or says everything that is wrong with it. Fields nobody knows are `UnknownField`'s. */
export const decode = (value: unknown): Either.Either<ConfigFile, ReadonlyArray<Issue.Issue>> =>
  Either.mapLeft(
    ParseResult.decodeUnknownEither(ConfigFile, { errors: "all", onExcessProperty: "ignore" })(value),
    (issue) => Issue.fromParseIssue(issue)
  )
