import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ModelProvidersBody from "../http/ModelProvidersBody.js"
import { Planner } from "../routing/Planner.js"
import * as Direct from "./Direct.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as Paint from "./Paint.js"
import * as Remote from "./Remote.js"
import * as Table from "./Table.js"

const model = Args.text({ name: "model" }).pipe(Args.withDescription("the model, as a request would name it"))

const all = CliOptions.boolean("all").pipe(CliOptions.withDescription("also those that are out of service"))

const provider = CliOptions.text("provider").pipe(
  CliOptions.withDescription("only this instance, or those of this vendor: has it the model, and under which name?"),
  CliOptions.optional
)

/** `orelse failover`: who serves a model, in the order in which a request would ask them. */
export const failover = Command.make(
  "failover",
  { model, all, provider, json: Options.json, config: Options.config, url: Options.url },
  (options) =>
    Effect.gen(function* () {
      const query = { activeOnly: !options.all, provider: Option.getOrUndefined(options.provider) }
      const gateway = yield* Remote.running(options.url)
      const found = yield* Option.isSome(gateway)
        ? gateway.value.get(pathOf(options.model, query), ModelProvidersBody.ModelProvidersBody)
        : Effect.flatMap(Options.settings(options), (settings) =>
            Effect.provide(here(options.model, query), Direct.layer(settings))
          )
      yield* Console.log(options.json ? JSON.stringify(found) : lines(found, Paint.forStdout()).join("\n"))
      if (!found.available) return yield* new Failed({ message: "" })
    })
).pipe(Command.withDescription("show who serves a model, in the order in which they would be asked"))

const pathOf = (name: string, { activeOnly, provider: of }: ModelProvidersBody.ModelProvidersQuery): string => {
  const query = new URLSearchParams({ active: String(activeOnly), ...(of === undefined ? {} : { provider: of }) })
  return `/admin/failover/providers/${encodeURIComponent(name)}?${query.toString()}`
}

/** No gateway runs: from the configuration, and from what the database knows. */
const here = (name: string, query: ModelProvidersBody.ModelProvidersQuery) =>
  Effect.gen(function* () {
    const { knowledge } = yield* Planner
    return ModelProvidersBody.make(name, query, knowledge(yield* Clock.currentTimeMillis))
  })

/** A line for each, the first to be asked first. */
export const lines = (found: ModelProvidersBody.ModelProvidersBody, paint: Paint.Paint): ReadonlyArray<string> => {
  const { model: name, provider: of, providers } = found
  if (providers.length === 0) return [`${of ?? "Nobody"} ${of === null ? "serves" : "does not serve"} ${name}.`]
  return Table.lines(
    [
      ["", "instance", "provider", "its name there", "health", "answers in", "USD in", "USD out", ""],
      ...providers.map((row) => [
        row.priority === null ? "-" : `${row.priority}.`,
        row.instance,
        row.provider,
        row.provider_model_id,
        row.health ?? "-",
        row.response_time_ms === null ? "-" : `${Math.round(row.response_time_ms)} ms`,
        row.pricing?.prompt ?? "-",
        row.pricing?.completion ?? "-",
        row.left_out ?? ""
      ])
    ],
    (padded, at, column) => {
      const health = providers[at - 1]?.health
      return column === 4 && health !== undefined && health !== null ? paint(health, padded) : padded
    }
  )
}
