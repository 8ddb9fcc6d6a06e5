import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Catalog from "../catalog/Catalog.js"
import { CurrentSettings, type Settings } from "../config/Settings.js"
import * as Live from "../gateway/Live.js"
import { Health } from "../health/Health.js"
import * as RequestIn from "../protocol/openai/RequestIn.js"
import type { Candidate } from "../routing/Candidate.js"
import * as Plan from "../routing/Plan.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"

const live = CliOptions.boolean("live").pipe(
  CliOptions.withDescription("also ask each instance for its models, which no vendor bills")
)

/** `orelse test`: is the configuration good, and who would answer which model? */
export const test = Command.make("test", { config: Options.config, live }, (options) =>
  Effect.gen(function* () {
    const settings = yield* Options.settings(options)
    for (const notice of settings.notices) yield* Console.log(`note: ${notice}`)
    yield* Console.log(`instances: ${settings.instances.map(describe).join(", ")}`)
    yield* Effect.forEach(plans(settings), (line) => Console.log(line))
    if (options.live) yield* callEach(settings)
    else yield* Console.log("The configuration is good. No provider was called; --live asks each instance once.")
  })
).pipe(Command.withDescription("check the configuration and print the plan for each model"))

const describe = ({ enabled, id, provider }: Settings["instances"][number]): string =>
  `${id} (${provider}${enabled ? "" : ", disabled"})`

const plans = (settings: Settings): ReadonlyArray<string> => {
  const snapshot = Catalog.makeSnapshot(settings)
  const models = [...new Set([...snapshot.modelNames, ...Object.values(settings.tasks)])]
  return models.map((model) => {
    const plan = RequestIn.makeRequest({ model, messages: [] }).pipe(
      Either.flatMap((request) => Plan.make(request, snapshot, Plan.unknown))
    )
    if (Either.isLeft(plan)) return `${model}: ${plan.left.message}`
    return `${model}: ${plan.right.candidates.map(step).join(", or else ")}`
  })
}

const step = ({ catch: rules, instance, model }: Candidate): string =>
  `${instance.id}/${model}${rules === undefined ? "" : ` (on ${rules.join(", ")})`}`

const callEach = (settings: Settings): Effect.Effect<void, Failed> =>
  Effect.gen(function* () {
    const health = yield* Health
    const checks = yield* health.checkAll
    for (const { available, instance, models, reason } of checks) {
      yield* Console.log(
        available && reason === undefined
          ? `${instance.id}: ok (${models.length} models)`
          : `${instance.id}: ${reason ?? "failed"}`
      )
    }
    const failed = checks.filter(({ available }) => !available).length
    yield* Console.log(`${checks.length - failed} passed, ${failed} failed`)
    if (failed > 0) yield* new Failed({ message: "" })
  }).pipe(
    Effect.provide(Live.layer),
    // Each is asked once, whatever a running gateway would do.
    Effect.provideService(CurrentSettings, { ...settings, health: { ...settings.health, probe: "passive" } })
  )
