import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { Problem } from "../config/ConfigError.js"
import type { ConfigSource } from "../config/ConfigSource.js"
import { toProblems, type Path } from "../config/Issue.js"
import * as LoadSettings from "../config/LoadSettings.js"
import { overlay } from "../config/Preset.js"
import type { Settings } from "../config/Settings.js"

/** One of the configurations that are compared. */
export interface Compared {
  readonly name: string
  readonly settings: Settings
}

type LineOf = ConfigSource["lineOf"]

/**
 * The configurations of a scenario: its `config` with each of the `strategies`, and with what each of the `variants` changes.
 * Each is checked as a config file is. `strategies` take the place of both.
 */
export const make = (
  scenario: unknown,
  lineOf: LineOf,
  strategies?: ReadonlyArray<string>
): Either.Either<ReadonlyArray<Compared>, ReadonlyArray<Problem>> => {
  const file = Predicate.isReadonlyRecord(scenario) ? scenario : {}
  const own = settingsOf(file["config"], (path) => lineOf(["config", ...path]))
  const wrong = Either.isLeft(own)
    ? own.left.map((problem) => ({ ...problem, path: below("config", problem.path) }))
    : toProblems(calling(own.right), lineOf)
  // What is wrong there is wrong in each of them.
  if (Either.isLeft(own) || wrong.length > 0) return Either.left(wrong)
  const wanted = [
    ...strategiesOf(file, strategies).map(({ at, name }) => ({
      name,
      changes: { routing: { strategy: name } },
      line: lineOf(at),
      path: () => showStrategy(at)
    })),
    ...(strategies === undefined ? variantsOf(file) : []).map(({ config, name }, place) => ({
      name,
      changes: config,
      line: lineOf(["variants", place, "config"]),
      path: (path: string) => below(`variants[${place}].config`, path)
    }))
  ]
  if (wanted.length === 0) return Either.right([{ name: own.right.routing.strategy, settings: own.right }])
  const problems: Array<Problem> = []
  const compared: Array<Compared> = []
  for (const { changes, line, name, path } of wanted) {
    const settings = settingsOf(overlay(file["config"], changes), () => line)
    if (Either.isRight(settings)) compared.push({ name, settings: settings.right })
    else problems.push(...settings.left.map((problem) => ({ ...problem, path: path(problem.path) })))
    if (wanted.filter((other) => other.name === name).length > 1) {
      problems.push({ path: path("name"), message: `the name ${name} is taken already`, ...withLine(line) })
    }
  }
  return problems.length > 0 ? Either.left(problems) : Either.right(compared)
}

/** What the configuration says of a strategy; `undefined`: nothing, it can be used. */
export const strategyProblem = (strategy: string): string | undefined =>
  Either.match(
    settingsOf({ instances: [{ id: "any", provider: "simulated" }], routing: { strategy } }, () => undefined),
    {
      onLeft: (problems) => problems[0]?.message,
      onRight: () => undefined
    }
  )

const settingsOf = (config: unknown, lineOf: LineOf): Either.Either<Settings, ReadonlyArray<Problem>> => {
  const instances = Predicate.isReadonlyRecord(config) ? config["instances"] : undefined
  if (!Array.isArray(instances) || instances.length === 0) {
    const message = "must hold an instance or more, each of provider simulated"
    return Either.left([{ path: "instances", message, ...withLine(lineOf([])) }])
  }
  return Either.mapLeft(LoadSettings.fromSource({ value: config, problems: [], lineOf }), ({ problems }) => problems)
}

/** Nobody real is called, and nobody who is not simulated answers. */
const calling = ({ instances }: Settings) =>
  instances.flatMap(({ provider }, place) =>
    provider === "simulated"
      ? []
      : [{ path: ["config", "instances", place, "provider"], message: "must be simulated: a simulation calls nobody" }]
  )

interface Wanted {
  readonly name: string
  readonly at: Path
}

const strategiesOf = (
  file: Readonly<Record<string, unknown>>,
  instead: ReadonlyArray<string> | undefined
): ReadonlyArray<Wanted> => {
  if (instead !== undefined) return instead.map((name) => ({ name, at: ["--strategy"] }))
  const listed: ReadonlyArray<unknown> = Array.isArray(file["strategies"]) ? file["strategies"] : []
  return listed.flatMap((name, place) => (Predicate.isString(name) ? [{ name, at: ["strategies", place] }] : []))
}

const variantsOf = (file: Readonly<Record<string, unknown>>) => {
  const listed: ReadonlyArray<unknown> = Array.isArray(file["variants"]) ? file["variants"] : []
  return listed.map((variant) => {
    const fields = Predicate.isReadonlyRecord(variant) ? variant : {}
    return { name: String(fields["name"]), config: fields["config"] }
  })
}

const showStrategy = (at: Path): string => (at.length === 1 ? String(at[0]) : `strategies[${String(at[1])}]`)

const below = (head: string, path: string): string =>
  path === "" ? head : `${head}${path.startsWith("[") ? "" : "."}${path}`

const withLine = (line: number | undefined) => (line === undefined ? {} : { line })
