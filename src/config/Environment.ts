import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Problem } from "./ConfigError.js"
import * as Field from "./Field.js"
import * as Issue from "./Issue.js"
import type { ReplacementSettings } from "./Settings.js"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** A comma list. */
const List = Schema.transform(Schema.String, Schema.Array(Schema.String), {
  strict: true,
  decode: (text) =>
    text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  encode: (items) => items.join(",")
})

/** Every variable that this version reads. `NODE_ENV` may hold any word: it belongs to other programs too. */
const VariableFields = Schema.Struct({
  NODE_ENV: optional(Schema.String),
  ORELSE_CONFIG: optional(Schema.String),
  ORELSE_ADMIN_KEY: optional(Field.Secret),
  ORELSE_DATA_DIR: optional(Field.Text),
  DATABASE_URL: optional(Field.DatabaseUrl),
  HOST: optional(Field.Text),
  PORT: optional(Field.Port),
  LOG_LEVEL: optional(Field.LogLevel),
  LOG_FORMAT: optional(Field.LogFormat),
  LOG_FILE: optional(Field.Text),
  OPENAI_API_KEY: optional(Field.Secret),
  OPENAI_BASE_URL: optional(Field.BaseUrl),
  ANTHROPIC_API_KEY: optional(Field.Secret),
  ANTHROPIC_BASE_URL: optional(Field.BaseUrl),
  GEMINI_API_KEY: optional(Field.Secret),
  GEMINI_BASE_URL: optional(Field.BaseUrl),
  CLOUDFLARE_ACCOUNT_ID: optional(Field.AccountId),
  CLOUDFLARE_API_TOKEN: optional(Field.Secret),
  CLOUDFLARE_BASE_URL: optional(Field.BaseUrl),
  OPENROUTER_API_KEY: optional(Field.Secret),
  OPENROUTER_BASE_URL: optional(Field.BaseUrl),
  OPENROUTER_FALLBACK_MODELS: optional(List),
  OPENROUTER_REPLACE_OPENAI: optional(Field.Text),
  OPENROUTER_REPLACE_CLAUDE: optional(Field.Text),
  AZURE_API_KEY: optional(Field.Secret),
  AZURE_API_BASE: optional(Field.BaseUrl),
  AZURE_API_VERSION: optional(Field.ApiVersion),
  OSS_MODEL_ENABLED: optional(Field.Flag),
  OSS_MODEL_ENDPOINT: optional(Field.BaseUrl),
  OSS_MODEL_NAME: optional(Field.Text)
})
export type Variables = typeof VariableFields.Type

/** Their names; `.env.example` explains each. */
export const names: ReadonlyArray<string> = Object.keys(VariableFields.fields)

/** The variables that are set, blanks around them dropped. An empty one counts as unset. */
export const present = (env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> => {
  const set = new Map<string, string>()
  for (const [name, value] of Object.entries(env)) {
    const trimmed = value?.trim() ?? ""
    if (trimmed !== "") set.set(name, trimmed)
  }
  return set
}

/** Reads the variables, or says which of them hold something else than they should. */
export const read = (env: ReadonlyMap<string, string>): Either.Either<Variables, ReadonlyArray<Problem>> =>
  decode(VariableFields, Object.fromEntries(env))

/** What the command line says, which wins over everything. */
export interface Flags {
  readonly host?: string | undefined
  readonly port?: number | undefined
}

/** Checks the command line. */
export const readFlags = ({ host, port }: Flags): Either.Either<Flags, ReadonlyArray<Problem>> =>
  decode(FlagFields, {
    ...(host === undefined ? {} : { "--host": host }),
    ...(port === undefined ? {} : { "--port": port })
  }).pipe(Either.map((flags) => ({ host: flags["--host"], port: flags["--port"] })))

/** How models reach a provider that no `models` entry names. */
export const replacements = (variables: Variables): ReplacementSettings => ({
  openai: variables.OPENROUTER_REPLACE_OPENAI,
  claude: variables.OPENROUTER_REPLACE_CLAUDE,
  others: variables.OPENROUTER_FALLBACK_MODELS ?? [],
  local: variables.OSS_MODEL_NAME ?? "llama3:8b"
})

/** What could be a key; never shown. */
export const secrets = (env: ReadonlyMap<string, string>): ReadonlyArray<string> =>
  [...env].flatMap(([name, value]) =>
    /KEY|TOKEN|SECRET|PASSWORD/i.test(name) || (name === "DATABASE_URL" && value !== "none") ? [value] : []
  )

const FlagFields = Schema.Struct({ "--host": optional(Field.Text), "--port": optional(Field.Port) })

const decode = <A, I>(schema: Schema.Schema<A, I>, value: unknown): Either.Either<A, ReadonlyArray<Problem>> =>
  Either.mapLeft(ParseResult.decodeUnknownEither(schema, { errors: "all" })(value), (issue) =>
    Issue.toProblems(Issue.fromParseIssue(issue))
  )
