import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Dotenv from "dotenv"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { resolve } from "node:path"
import * as Budgets from "./Budgets.js"
import * as ConfigError from "./ConfigError.js"
import type { ConfigFile } from "./ConfigFile.js"
import type { ConfigSource } from "./ConfigSource.js"
import * as Environment from "./Environment.js"
import * as Instances from "./Instances.js"
import * as Models from "./Models.js"
import { notices } from "./Notices.js"
import type {
  AlertSettings,
  CacheSettings,
  CircuitSettings,
  DatabaseSettings,
  InstanceSettings,
  ModelSettings,
  RoutingSettings,
  Settings
} from "./Settings.js"
import type { VendorSlug } from "./Vendors.js"
import * as Sources from "./Sources.js"

/** Where settings come from, besides the files. */
export interface LoadOptions {
  /** `--config`; otherwise `ORELSE_CONFIG` names the file. Relative to `cwd`. */
  readonly configPath?: string | undefined
  readonly cli?: Environment.Flags | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** `.env` is read here, when there is one. */
  readonly cwd: string
}

/**
 * Reads everything that configures this process: preset < config file < environment < command line, where `.env` is the
 * weaker part of the environment. Fails with a `ConfigError` that holds all problems at once.
 */
export const load = Effect.fn("LoadSettings.load")(function* ({ cli, configPath, cwd, env: given }: LoadOptions) {
  const env = yield* environment({ cwd, env: given })
  const path = configPath ?? env.get("ORELSE_CONFIG")
  const text = path === undefined ? "" : yield* Effect.mapError(readText(resolve(cwd, path)), unreadable(path))
  return yield* Sources.check(text, env, cli ?? {}).pipe(
    Either.mapLeft(({ problems, secrets }) => ConfigError.make(path, problems, secrets)),
    Either.flatMap((sources) => settle(sources, env, path))
  )
})

/** The files that `load` reads, whether or not they are there. */
export const filesOf = Effect.fn("LoadSettings.filesOf")(function* ({ configPath, cwd, env: given }: LoadOptions) {
  const env = yield* environment({ cwd, env: given })
  const path = configPath ?? env.get("ORELSE_CONFIG")
  return [resolve(cwd, ".env"), ...(path === undefined ? [] : [resolve(cwd, path)])]
})

/** The variables that are set, here or in `.env`, unchecked. For who asks a gateway and needs no settings of its own. */
export const environment = Effect.fn("LoadSettings.environment")(function* ({
  cwd,
  env
}: Pick<LoadOptions, "cwd" | "env">) {
  const dotenv = yield* readText(resolve(cwd, ".env")).pipe(
    Effect.catchIf(isNotFound, () => Effect.succeed("")),
    Effect.mapError(unreadable(".env"))
  )
  return Environment.present({ ...Dotenv.parse(dotenv), ...defined(env) })
})

/**
 * The settings of a program that brings its own configuration: an object in the form of the config file. Nothing is read
 * from files, and of the environment only what is given here: `${VAR}` is filled from it, and keys in it make instances.
 */
export const fromObject = (
  config: unknown,
  env: Readonly<Record<string, string | undefined>> = {}
): Either.Either<Settings, ConfigError.ConfigError> => {
  const present = Environment.present(env)
  return ofObject(Sources.check(JSON.stringify(config), present, {}), present)
}

/** The same, where the object is a part of a file that knows the lines of it. */
export const fromSource = (source: ConfigSource): Either.Either<Settings, ConfigError.ConfigError> =>
  ofObject(Sources.checkParsed(Either.right(source), new Map(), {}), new Map())

const ofObject = (checked: ReturnType<typeof Sources.check>, env: ReadonlyMap<string, string>) =>
  checked.pipe(
    Either.mapLeft(({ problems, secrets }) => ConfigError.make(undefined, problems, secrets)),
    Either.flatMap((sources) => settle({ ...sources, preset: sources.preset ?? "production" }, env, undefined))
  )

const settle = (
  { file, flags, made, preset, variables }: Sources.Sources,
  env: ReadonlyMap<string, string>,
  path: string | undefined
): Either.Either<Settings, ConfigError.ConfigError> => {
  const configured = [...Instances.fromFile(file.instances, variables), ...made]
  const standIns = configured.length === 0
  if (standIns && preset === "production") return Either.left(ConfigError.make(path, [noProvider], []))
  const instances = standIns ? Instances.simulated : configured
  const models = Models.fromFile(file.models)
  const budgets = Budgets.fromFile(file.budgets)
  const replacements = Environment.replacements(variables)
  return Either.right({
    preset,
    instances,
    models,
    tasks: { default: defaultTask(instances, models, replacements.local), ...file.tasks },
    replacements,
    routing: routingOf(file.routing),
    circuitBreaker: circuitOf(file.circuitBreaker),
    health: file.health,
    rateLimits: file.rateLimits,
    alerts: alertsOf(file.alerts),
    cache: cacheOf(file.cache),
    server: {
      ...file.server,
      host: flags.host ?? variables.HOST ?? file.server.host,
      port: flags.port ?? variables.PORT ?? file.server.port,
      adminKey: variables.ORELSE_ADMIN_KEY
    },
    budgets,
    log: {
      level: variables.LOG_LEVEL ?? file.log.level,
      format: variables.LOG_FORMAT ?? file.log.format,
      file: variables.LOG_FILE ?? file.log.file
    },
    store: { dataDir: variables.ORELSE_DATA_DIR ?? ".orelse", database: databaseOf(variables.DATABASE_URL) },
    notices: notices(instances, { rateLimits: file.rateLimits, budgets }, standIns, variables, env),
    variables: Redacted.make(env)
  })
}

const databaseOf = (url: Redacted.Redacted | undefined): DatabaseSettings => {
  if (url === undefined) return { _tag: "Embedded" }
  return Redacted.value(url) === "none" ? { _tag: "None" } : { _tag: "Postgres", url }
}

const routingOf = ({ hedge, sticky, ...rest }: ConfigFile["routing"]): RoutingSettings => ({
  ...rest,
  sticky,
  hedge: { enabled: hedge.enabled, after: hedge.after }
})

const alertsOf = ({ webhooks, ...rest }: ConfigFile["alerts"]): AlertSettings => ({
  ...rest,
  webhooks: webhooks.map(({ events, format, url }) => ({ url, events, format }))
})
const cacheOf = ({ staleIfError, ...rest }: ConfigFile["cache"]): CacheSettings => ({ ...rest, staleIfError })

const circuitOf = ({
  backoff,
  failureRatio,
  initialBackoff,
  jitter,
  maxBackoff,
  minimumCalls,
  multiplier,
  ...rest
}: ConfigFile["circuitBreaker"]): CircuitSettings => ({
  ...rest,
  failureRatio: failureRatio === undefined ? undefined : { threshold: failureRatio, minimumCalls },
  backoff: { kind: backoff, initial: initialBackoff, max: maxBackoff, multiplier, jitter }
})

const noProvider = {
  path: "",
  message: `no provider is configured, and production never starts simulated ones; ${Instances.waysToMakeOne}`
}

/** A cheap model of each vendor that has some of its own, for a task that the operator gave none. */
const everyday: Readonly<Partial<Record<VendorSlug, string>>> = {
  anthropic: "claude-haiku-4-5",
  gemini: "gemini-2.5-flash",
  cloudflare: "@cf/meta/llama-3.1-8b-instruct",
  deepseek: "deepseek-chat",
  groq: "llama-3.1-8b-instant",
  mistral: "mistral-small-latest",
  perplexity: "sonar",
  xai: "grok-3-mini"
}

const everydayOf = ({ models, provider }: InstanceSettings): ReadonlyArray<string> => {
  const usual = everyday[provider] ?? "gpt-4o-mini"
  return models === undefined || models.includes(usual) ? [usual] : []
}

/** What a task without a model of its own gets. Azure and Ollama serve only what somebody deployed there. */
const defaultTask = (
  instances: ReadonlyArray<InstanceSettings>,
  models: ReadonlyArray<ModelSettings>,
  local: string
): string => {
  const on = instances.filter(({ enabled, provider }) => enabled && provider !== "azure" && provider !== "ollama")
  const own = on.flatMap(everydayOf)
  const listed = on.flatMap((instance) => instance.models ?? [])
  return own.find((model) => model === "gpt-4o-mini") ?? own[0] ?? models[0]?.id ?? listed[0] ?? local
}

const readText = (path: string): Effect.Effect<string, PlatformError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(path))

const isNotFound = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

const unreadable =
  (path: string) =>
  (error: PlatformError): ConfigError.ConfigError =>
    ConfigError.make(path, [{ path: "", message: isNotFound(error) ? "there is no such file" : "cannot be read" }], [])

/** A variable that is set but empty hides the one in `.env`; one that is `undefined` does not. */
const defined = (env: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
