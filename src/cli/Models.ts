import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Catalog } from "../catalog/Catalog.js"
import { CatalogRows } from "../catalog/CatalogRows.js"
import { ModelSync } from "../catalog/ModelSync.js"
import { CurrentSettings } from "../config/Settings.js"
import * as ModelSyncBody from "../http/ModelSyncBody.js"
import { Providers } from "../provider/Providers.js"
import { Simulator } from "../provider/Simulator.js"
import { Transport } from "../provider/Transport.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as Remote from "./Remote.js"
import * as Table from "./Table.js"

const providers = CliOptions.text("providers").pipe(
  CliOptions.withDescription("only these, ids of instances or names of vendors, with commas between them"),
  CliOptions.optional
)

const explain = CliOptions.boolean("explain").pipe(
  CliOptions.withDescription("also show each id with its canonical name, and the rules that made it")
)

const sync = Command.make("sync", { providers, config: Options.config, json: Options.json, explain }, (options) =>
  Effect.gen(function* () {
    const instances = Option.getOrUndefined(Option.map(options.providers, named))
    if (instances?.length === 0) return yield* new Failed({ message: "--providers names nobody" })
    const settings = yield* Options.settings(options)
    const results = yield* Effect.flatMap(ModelSync, (service) =>
      service.sync({
        instances,
        explain: options.explain,
        onResult: (result) =>
          options.json ? Effect.void : Console.log(syncedLines(ModelSyncBody.of(result)).join("\n"))
      })
    ).pipe(
      Effect.mapError(({ message }) => new Failed({ message })),
      Effect.provide(inMemory),
      Effect.provideService(CurrentSettings, settings)
    )
    const body = { instances: results.map(ModelSyncBody.of) }
    yield* options.json ? Console.log(JSON.stringify(body)) : Console.log([summary(body), keptNowhere].join("\n"))
    if (body.instances.some(({ failed }) => failed !== null)) return yield* new Failed({ message: "" })
  })
).pipe(
  Command.withDescription("ask each instance for its models, their prices and context windows, which no vendor bills")
)

const list = Command.make("list", { url: Options.url, json: Options.json }, (options) =>
  Effect.gen(function* () {
    const gateway = yield* Remote.make(options.url)
    const found = yield* gateway.get("/v1/models", Models)
    yield* Console.log(options.json ? JSON.stringify(found) : listLines(found).join("\n"))
  })
).pipe(Command.withDescription("show the models that a running gateway can be asked for"))

/** `orelse models`: what there is to ask for. */
export const models = Command.make("models").pipe(
  Command.withDescription("models: ask the vendors for theirs, or show those of a running gateway"),
  Command.withSubcommands([sync, list])
)

/** What a sync without a database says in the end. */
export const keptNowhere = "Nothing was kept: there is no database that it could be kept in."

const inMemory = ModelSync.layer.pipe(
  Layer.provide(Layer.mergeAll(Catalog.layer, CatalogRows.layerMemory, Providers.layer)),
  Layer.provide(Layer.merge(Transport.layer, Simulator.layer))
)

const Models = Schema.Struct({ data: Schema.Array(Schema.Struct({ id: Schema.String, owned_by: Schema.String })) })

const named = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")

/** A line for an instance, then one for each of its ids where they were asked for. */
export const syncedLines = (result: ModelSyncBody.SyncedInstance): ReadonlyArray<string> => [
  `${result.instance}: ${outcome(result)}`,
  ...result.names.map(({ explanation }) => `  ${explanation}`)
]

const outcome = (result: ModelSyncBody.SyncedInstance): string => {
  if (result.skipped !== null) return `skipped: ${result.skipped}`
  if (result.failed !== null) return `failed: ${result.failed}, ${seconds(result.ms)}`
  const leftOut = result.left_out === 0 ? [] : [`without ${result.left_out} that are not for text`]
  const note = result.note === null ? [] : [result.note]
  return [`${counted(result)}`, seconds(result.ms), ...leftOut, ...note].join(", ")
}

/** One line for all of them. */
export const summary = ({ instances }: ModelSyncBody.ModelSyncBody): string => {
  const done = instances.filter(({ failed, skipped }) => failed === null && skipped === null)
  const total = { models: 0, added: 0, updated: 0, removed: 0 }
  for (const { added, models: rows, removed, updated } of done) {
    total.models += rows
    total.added += added
    total.updated += updated
    total.removed += removed
  }
  const failed = instances.filter((each) => each.failed !== null).length
  const skipped = instances.length - done.length - failed
  return `${done.length} synced: ${counted(total)}; ${skipped} skipped, ${failed} failed`
}

type Counts = Pick<ModelSyncBody.SyncedInstance, "models" | "added" | "updated" | "removed">

const counted = (counts: Counts): string =>
  `${counts.models} ${counts.models === 1 ? "model" : "models"} (${counts.added} new, ${counts.updated} changed, ${counts.removed} gone)`

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

/** A line a model, with whom it is asked of first. */
export const listLines = ({ data }: typeof Models.Type): ReadonlyArray<string> =>
  data.length === 0
    ? ["The gateway knows no models by name."]
    : Table.lines([["model", "provider"], ...data.map(({ id, owned_by }) => [id, owned_by])])
