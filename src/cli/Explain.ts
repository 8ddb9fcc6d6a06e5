import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { CurrentSettings, type Settings } from "../config/Settings.js"
import * as Live from "../gateway/Live.js"
import { ExplanationBody } from "../http/AdminBodies.js"
import * as Plan from "../routing/Explain.js"
import { Planner } from "../routing/Planner.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as Paint from "./Paint.js"
import * as Remote from "./Remote.js"

const model = Args.text({ name: "model" }).pipe(Args.withDescription("the model, as a request would name it"))

/** `orelse explain`: who would be asked for a model, in which order and why. Nobody is called. */
export const explain = Command.make(
  "explain",
  { model, json: Options.json, config: Options.config, url: Options.url },
  (options) =>
    Effect.gen(function* () {
      const explanation = Option.isSome(options.url)
        ? yield* ofGateway(options.model, options.url)
        : yield* Effect.flatMap(Options.settings(options), (settings) => ofSettings(options.model, settings))
      yield* Console.log(options.json ? JSON.stringify(explanation) : lines(explanation, Paint.forStdout()).join("\n"))
    })
).pipe(Command.withDescription("show who would be asked for a model and why, without asking anybody"))

const ofGateway = (name: string, url: Option.Option<string>) =>
  Effect.flatMap(Remote.make(url), (gateway) =>
    gateway.get(`/admin/failover/model/${encodeURIComponent(name)}`, ExplanationBody)
  )

/** From the configuration alone: nothing is known of anybody's health. */
const ofSettings = (name: string, settings: Settings): Effect.Effect<ExplanationBody, Failed> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const { knowledge } = yield* Planner
    return yield* Plan.make(name, { ...knowledge(now), statusOf: () => undefined }).pipe(
      Either.mapLeft(({ message }) => new Failed({ message }))
    )
  }).pipe(Effect.provide(Live.layer), Effect.provide(Layer.succeed(CurrentSettings, settings)))

/** The candidates in order, then who is left out, then what may follow. */
export const lines = (explanation: ExplanationBody, paint: Paint.Paint): ReadonlyArray<string> => [
  ...explanation.failover_order.map(
    (step) =>
      `${step.priority}. ${step.priority === 1 ? "" : "or else "}${step.instance}/${step.provider_model_id} (${about(step, paint)})`
  ),
  ...explanation.excluded.map(
    ({ detail, instance, provider_model_id, reason }) =>
      `left out: ${instance}/${provider_model_id} (${reason}: ${detail})`
  ),
  `At most ${explanation.max_attempts} calls${costing(explanation)} within ${explanation.deadline_ms / 1000} s, up to ${explanation.waits_ms / 1000} s of them waiting for somebody to be free${ordering(explanation)}: ${explanation.recommendation}.`,
  ...(explanation.mid_stream === "continue" ? ["A stream that breaks is continued by who comes next."] : [])
]

const ordering = ({ strategy }: ExplanationBody): string => (strategy === "priority" ? "" : `, ${strategy}`)

const costing = ({ max_cost_usd }: ExplanationBody): string =>
  max_cost_usd === null ? " of unknown cost" : ` and ${max_cost_usd} USD`

const about = (step: ExplanationBody["failover_order"][number], paint: Paint.Paint): string =>
  [
    step.provider,
    ...(step.priority === 1 || step.catch_errors === null ? [] : [`on ${step.catch_errors.join(", ")}`]),
    ...(step.health === null ? [] : [paint(step.health, step.health)]),
    ...(step.response_time_ms === null ? [] : [`${Math.round(step.response_time_ms)} ms`]),
    step.pricing === null
      ? "price unknown"
      : `${step.pricing.prompt} USD in and ${step.pricing.completion} USD out a million tokens`
  ].join("; ")
