import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ModelSync } from "../catalog/ModelSync.js"
import { CatalogueBody } from "../http/CatalogueBody.js"
import * as ModelSyncBody from "../http/ModelSyncBody.js"
import { Database } from "../store/Database.js"
import * as Direct from "./Direct.js"
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

const sync = Command.make(
  "sync",
  { providers, config: Options.config, url: Options.url, json: Options.json, explain },
  (options) =>
    Effect.gen(function* () {
      const instances = Option.getOrUndefined(Option.map(options.providers, named))
      if (instances?.length === 0) return yield* new Failed({ message: "--providers names nobody" })
      const tell = (result: ModelSyncBody.SyncedInstance): Effect.Effect<void> =>
        options.json ? Effect.void : Console.log(syncedLines(result).join("\n"))
      const gateway = yield* Remote.running(options.url)
      const body = yield* Option.isSome(gateway)
        ? byGateway(gateway.value, instances, options.explain).pipe(
            Effect.tap(({ instances: results }) => Effect.forEach(results, tell))
          )
        : Effect.flatMap(Options.settings(options), (settings) =>
            Effect.provide(here(instances, options.explain, tell), Direct.layer(settings))
          )
      const where = Option.isSome(gateway) ? keptBy(gateway.value.url, body) : kept(body)
      const synced = body.instances.some(({ failed, skipped }) => failed === null && skipped === null)
      yield* Console.log(options.json ? JSON.stringify(body) : [summary(body), ...(synced ? [where] : [])].join("\n"))
      if (body.instances.some(({ failed }) => failed !== null)) return yield* new Failed({ message: "" })
    })
).pipe(
  Command.withDescription("ask each instance for its models, their prices and context windows, which no vendor bills")
)

/** A running gateway does it, and has the models at once. */
const byGateway = (gateway: Remote.Remote, instances: ReadonlyArray<string> | undefined, explained: boolean) =>
  gateway.post(
    "/admin/models/sync",
    { ...(instances === undefined ? {} : { providers: instances }), explain: explained },
    ModelSyncBody.ModelSyncBody
  )

/** No gateway runs: this process does it. */
const here = (
  instances: ReadonlyArray<string> | undefined,
  explained: boolean,
  tell: (result: ModelSyncBody.SyncedInstance) => Effect.Effect<void>
): Effect.Effect<ModelSyncBody.ModelSyncBody, Failed, Database | ModelSync> =>
  Effect.gen(function* () {
    const database = yield* Database
    const { sync: run } = yield* ModelSync
    const results = yield* run({
      instances,
      explain: explained,
      onResult: (result) => tell(ModelSyncBody.of(result))
    }).pipe(Effect.mapError(({ message }) => new Failed({ message })))
    return {
      kept: database.status() === "off" ? "nowhere" : "database",
      instances: results.map(ModelSyncBody.of)
    }
  })

const limit = CliOptions.integer("limit").pipe(
  CliOptions.withAlias("n"),
  CliOptions.withDescription("how many models of instances, up to 10000; otherwise 1000"),
  CliOptions.withDefault(1_000)
)

const list = Command.make("list", { url: Options.url, json: Options.json, limit }, (options) =>
  Effect.gen(function* () {
    const gateway = yield* Remote.make(options.url)
    const { data } = yield* gateway.get("/v1/models", Models)
    const found = { data, catalogue: yield* gateway.get(`/admin/catalogue?limit=${options.limit}`, CatalogueBody) }
    yield* Console.log(options.json ? JSON.stringify(found) : listLines(found).join("\n"))
  })
).pipe(
  Command.withDescription("show the models that a running gateway can be asked for, and what each instance has listed")
)

/** `orelse models`: what there is to ask for. */
export const models = Command.make("models").pipe(
  Command.withDescription("models: ask the vendors for theirs, or show those of a running gateway"),
  Command.withSubcommands([sync, list])
)

/** What a sync without a database says in the end. */
export const keptNowhere = "Nothing was kept: there is no database that it could be kept in."

const kept = (body: ModelSyncBody.ModelSyncBody): string =>
  body.kept === "nowhere" ? keptNowhere : "Kept in the database."

const keptBy = (url: string, body: ModelSyncBody.ModelSyncBody): string =>
  body.kept === "database"
    ? `Kept in the database of the gateway at ${url}.`
    : `The gateway at ${url} has no database: it knows them until it ends.`

const Models = Schema.Struct({ data: Schema.Array(Schema.Struct({ id: Schema.String, owned_by: Schema.String })) })

const named = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")

/** A line for an instance, then one for each of its ids where they were asked for. */
export const syncedLines = (result: ModelSyncBody.SyncedInstance): ReadonlyArray<string> => [
  `${result.instance}: ${ModelSyncBody.outcome(result)}`,
  ...result.names.map(({ explanation }) => `  ${explanation}`)
]

/** One line for all of them. */
export const summary = ({ instances }: Pick<ModelSyncBody.ModelSyncBody, "instances">): string => {
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
  return `${done.length} synced: ${ModelSyncBody.counted(total)}; ${skipped} skipped, ${failed} failed`
}

/** A line for each model of an instance, then one for each name that is in no instance's list. */
export const listLines = ({ catalogue, data }: Listed): ReadonlyArray<string> => {
  if (data.length === 0 && catalogue.rows.length === 0) return ["The gateway knows no models by name."]
  const listed = new Set(catalogue.rows.map(({ model }) => model))
  const others = data.filter(({ id }) => !listed.has(id))
  return [
    ...Table.lines([
      ["model", "provider", "its name there", "USD in", "USD out", "context"],
      ...catalogue.rows.map((row) => [
        row.active ? row.model : `${row.model} (out of service)`,
        row.instance,
        row.provider_model_id,
        row.pricing.prompt ?? "-",
        row.pricing.completion ?? "-",
        row.context_window === null ? "-" : String(row.context_window)
      ]),
      ...(catalogue.more ? [] : others.map(({ id, owned_by }) => [id, owned_by, "-", "-", "-", "-"]))
    ]),
    "Prices are for a million tokens.",
    ...(catalogue.more ? [`There are more: -n shows more than ${catalogue.rows.length} of them.`] : []),
    ...(catalogue.rows.length === 0 ? ["No instance was asked for its list yet: orelse models sync does it."] : [])
  ]
}

interface Listed extends Schema.Schema.Type<typeof Models> {
  readonly catalogue: CatalogueBody
}
