import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { Problem } from "./ConfigError.js"
import * as ConfigFile from "./ConfigFile.js"
import * as ConfigSource from "./ConfigSource.js"
import * as CrossCheck from "./CrossCheck.js"
import * as Environment from "./Environment.js"
import * as Instances from "./Instances.js"
import { interpolate } from "./Interpolate.js"
import { toProblems } from "./Issue.js"
import { isLoopback } from "./Loopback.js"
import * as Preset from "./Preset.js"
import type { InstanceSettings, Settings } from "./Settings.js"
import * as UnknownField from "./UnknownField.js"

/** Everything that was configured and found good, before it is laid over each other. */
export interface Sources {
  readonly preset: Settings["preset"]
  /** With the preset below it and the defaults filled in. */
  readonly file: ConfigFile.ConfigFile
  readonly variables: Environment.Variables
  readonly flags: Environment.Flags
  /** What the environment's keys add to the file's instances. */
  readonly made: ReadonlyArray<InstanceSettings>
}

/** Why there are no settings, and the keys that no message about it may show. */
export interface Rejected {
  readonly problems: ReadonlyArray<Problem>
  readonly secrets: ReadonlyArray<string>
}

/**
 * Checks the text of a config file, the variables that are set and the command line. Goes on after a problem as far as it
 * can, so that the operator hears of all of them at once.
 */
export const check = (
  text: string,
  env: ReadonlyMap<string, string>,
  given: Environment.Flags
): Either.Either<Sources, Rejected> => checkParsed(ConfigSource.parse(text), env, given)

/** The same of a file that was parsed already, or of a part of one. */
export const checkParsed = (
  source: ReturnType<typeof ConfigSource.parse>,
  env: ReadonlyMap<string, string>,
  given: Environment.Flags
): Either.Either<Sources, Rejected> => {
  const variables = Environment.read(env)
  const flags = Environment.readFlags(given)
  const outside = [...left(variables), ...left(flags)]
  if (Either.isLeft(source)) {
    return Either.left({ problems: [...source.left, ...outside], secrets: Environment.secrets(env) })
  }

  const { lineOf } = source.right
  const filled = interpolate(source.right.value, env)
  const value = ConfigSource.withoutEmpty(filled.value)
  const declared = CrossCheck.declared(value)
  const preset = Preset.named(env.get("NODE_ENV"))
  const file = ConfigFile.decode(Preset.overlay(preset === undefined ? {} : Preset.presets[preset], value))
  const made = Either.map(variables, (read) => Instances.fromEnvironment(read, declared))
  // Where the variables cannot be read nobody knows which instances they make, so a target may name any of them.
  const ids = Either.match(made, { onLeft: () => Instances.environmentIds, onRight: (all) => all.map(({ id }) => id) })
  const issues = [
    ...filled.issues,
    ...UnknownField.find(filled.value),
    ...left(file),
    ...CrossCheck.crossCheck(value, ids, env.has("CLOUDFLARE_ACCOUNT_ID"))
  ]
  const problems = [
    ...source.right.problems,
    ...toProblems(issues, lineOf),
    ...outside,
    ...exposed(value, lineOf(["server", "host"]), env, given),
    ...Either.match(made, { onLeft: () => [], onRight: Instances.incomplete })
  ]
  if (
    Either.isLeft(file) ||
    Either.isLeft(variables) ||
    Either.isLeft(flags) ||
    Either.isLeft(made) ||
    problems.length > 0
  ) {
    const keys = declared.map(({ apiKey }) => apiKey).filter(Predicate.isString)
    return Either.left({
      problems,
      secrets: [...Environment.secrets(env), ...keys, ...CrossCheck.webhookUrls(value)]
    })
  }
  return Either.right({ preset, file: file.right, variables: variables.right, flags: flags.right, made: made.right })
}

/** A gateway that others can reach must not have open admin routes. */
const exposed = (
  value: unknown,
  line: number | undefined,
  env: ReadonlyMap<string, string>,
  flags: Environment.Flags
): ReadonlyArray<Problem> => {
  const server = Predicate.isReadonlyRecord(value) ? value["server"] : undefined
  const [path, host] =
    flags.host !== undefined
      ? ["--host", flags.host]
      : env.has("HOST")
        ? ["HOST", env.get("HOST")]
        : ["server.host", Predicate.isReadonlyRecord(server) ? server["host"] : undefined]
  if (!Predicate.isString(host) || host === "" || isLoopback(host) || env.has("ORELSE_ADMIN_KEY")) return []
  const message = "others than this machine could reach the gateway, so ORELSE_ADMIN_KEY must be set"
  return [{ path, message, ...(path === "server.host" && line !== undefined ? { line } : {}) }]
}

const left = <E>(either: Either.Either<unknown, ReadonlyArray<E>>): ReadonlyArray<E> =>
  Either.match(either, { onLeft: (problems) => problems, onRight: () => [] })
