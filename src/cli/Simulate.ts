import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as CliOptions from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ConfigError from "../config/ConfigError.js"
import * as Compared from "../simulation/Compared.js"
import * as Report from "../simulation/Report.js"
import * as Scenario from "../simulation/Scenario.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as SimulationTables from "./SimulationTables.js"

const file = Args.file({ name: "scenario", exists: "yes" }).pipe(
  Args.withDescription("the scenario, YAML or JSON; the folder scenarios/ of the package orelse holds some")
)

const seed = CliOptions.integer("seed").pipe(
  CliOptions.withDescription("another seed than the file's, from 0 to 4294967295"),
  CliOptions.mapEffect((given) =>
    given >= 0 && given <= 4_294_967_295 ? Effect.succeed(given) : usage("--seed must be from 0 to 4294967295")
  ),
  CliOptions.optional
)

const strategy = CliOptions.text("strategy").pipe(
  CliOptions.withDescription("compare these values of routing.strategy, as a,b, instead of what the file compares"),
  CliOptions.mapEffect((given) => {
    const named = given.split(",").map((name) => name.trim())
    const wrong = named
      .map((name) => [name, Compared.strategyProblem(name)] as const)
      .find(([, why]) => why !== undefined)
    return wrong === undefined ? Effect.succeed(named) : usage(`--strategy ${wrong[0]}: ${wrong[1]}`)
  }),
  CliOptions.optional
)

const usage = (message: string) => Effect.fail(ValidationError.invalidValue(HelpDoc.p(message)))

/** `orelse simulate`: the real routing on a virtual clock, against providers that do what a scenario says. */
export const simulate = Command.make("simulate", { file, seed, strategy, json: Options.json }, (options) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(
      files.readFileString(options.file),
      () => new Failed({ message: `${options.file} cannot be read` })
    )
    const scenario = yield* Either.mapLeft(
      Scenario.parse(text, {
        seed: Option.getOrUndefined(options.seed),
        strategies: Option.getOrUndefined(options.strategy)
      }),
      (problems) => ConfigError.make(options.file, problems, [], "scenario")
    )
    let since = yield* Clock.currentTimeMillis
    const report = yield* Report.make(scenario, (name, requests) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        // Not to stdout, which is the same each time.
        yield* Console.error(`${name}: ${requests} requests in ${((now - since) / 1000).toFixed(1)} s`)
        since = now
      })
    )
    yield* Console.log(options.json ? JSON.stringify(report) : SimulationTables.lines(report).join("\n"))
  })
).pipe(Command.withDescription("run the real routing through a scenario of simulated providers, a day in seconds"))
