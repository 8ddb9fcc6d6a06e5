import * as Either from "effect/Either"
import type { Problem } from "../config/ConfigError.js"
import * as ConfigSource from "../config/ConfigSource.js"
import { toProblems } from "../config/Issue.js"
import * as UnknownField from "../config/UnknownField.js"
import * as Compared from "./Compared.js"
import * as ScenarioCheck from "./ScenarioCheck.js"
import * as ScenarioFile from "./ScenarioFile.js"

/** A scenario that can be run. Durations in ms. */
export interface Scenario extends Pick<
  ScenarioFile.ScenarioFile,
  "name" | "seed" | "duration" | "start" | "arrivals" | "requests" | "behaviours" | "timeline"
> {
  /** What is compared; never empty. */
  readonly compared: ReadonlyArray<Compared.Compared>
}

/** What the command line says instead of the file. */
export interface Overrides {
  readonly seed?: number | undefined
  /** Only these are compared. */
  readonly strategies?: ReadonlyArray<string> | undefined
}

/** Reads a scenario, YAML or JSON, or says everything that is wrong with it. No environment is read. */
export const parse = (text: string, overrides: Overrides = {}): Either.Either<Scenario, ReadonlyArray<Problem>> => {
  const source = ConfigSource.parse(text)
  if (Either.isLeft(source)) return Either.left(source.left)
  const { lineOf } = source.right
  const value = ConfigSource.withoutEmpty(source.right.value)
  const file = ScenarioFile.decode(value)
  const issues = [
    ...UnknownField.findIn(ScenarioFile.ScenarioFile, source.right.value),
    ...(Either.isLeft(file) ? file.left : ScenarioCheck.check(file.right))
  ]
  const compared = Compared.make(value, lineOf, overrides.strategies)
  const problems = [
    ...source.right.problems,
    ...toProblems(issues, lineOf),
    ...(Either.isLeft(compared) ? compared.left : [])
  ]
  if (Either.isLeft(file) || Either.isLeft(compared) || problems.length > 0) return Either.left(problems)
  const lost = ScenarioCheck.checkAgainst(file.right, compared.right)
  if (lost.length > 0) return Either.left(toProblems(lost, lineOf))
  const { arrivals, behaviours, duration, name, requests, seed, start, timeline } = file.right
  return Either.right({
    name,
    seed: overrides.seed ?? seed,
    duration,
    start,
    arrivals,
    requests,
    behaviours,
    timeline,
    compared: compared.right
  })
}
