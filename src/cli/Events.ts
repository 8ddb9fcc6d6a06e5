import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as HealthTables from "../health/HealthTables.js"
import * as Retention from "../health/Retention.js"
import { EventsBody } from "../http/AdminBodies.js"
import { PrunedBody } from "../http/PrunedBody.js"
import { Database } from "../store/Database.js"
import type { EventRow } from "../store/EventLog.js"
import * as Direct from "./Direct.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as Remote from "./Remote.js"
import * as Table from "./Table.js"

const limit = CliOptions.integer("limit").pipe(
  CliOptions.withAlias("n"),
  CliOptions.withDescription("how many of the latest, up to 1000; otherwise 100"),
  CliOptions.withDefault(100)
)

const instance = CliOptions.text("instance").pipe(
  CliOptions.withDescription("only those of this instance"),
  CliOptions.optional
)

const type = CliOptions.text("type").pipe(
  CliOptions.withDescription("only those of this type, as circuit_open or failover"),
  CliOptions.optional
)

const prune = CliOptions.text("prune").pipe(
  CliOptions.withDescription("take away what is older than this, as 30d or 12h: events, samples of health, requests"),
  CliOptions.optional
)

/** `orelse events`: what happened to the circuits of a running gateway, and which requests went on to somebody else. */
export const events = Command.make(
  "events",
  { url: Options.url, config: Options.config, json: Options.json, limit, instance, type, prune },
  (options) =>
    Effect.gen(function* () {
      if (Option.isSome(options.prune)) return yield* pruned(options.prune.value, options)
      const gateway = yield* Remote.make(options.url)
      const query = new URLSearchParams({ limit: String(options.limit) })
      if (Option.isSome(options.instance)) query.set("instance", options.instance.value)
      if (Option.isSome(options.type)) query.set("type", options.type.value)
      const found = yield* gateway.get(`/admin/events?${query.toString()}`, EventsBody)
      yield* Console.log(options.json ? JSON.stringify(found) : lines(found).join("\n"))
    })
).pipe(Command.withDescription("show what happened to the instances of a running gateway"))

/** Takes away what is old, by the gateway that runs, or in the database itself. */
const pruned = (
  age: string,
  options: Options.Given & { readonly url: Option.Option<string>; readonly json: boolean }
) =>
  Effect.gen(function* () {
    const days = Retention.daysOf(age)
    if (days === undefined) return yield* new Failed({ message: "--prune takes an age, as 30d or 12h" })
    const gateway = yield* Remote.running(options.url)
    const gone = yield* Option.isSome(gateway)
      ? gateway.value.remove(`/admin/events?older_than=${age.trim()}`, PrunedBody)
      : Effect.flatMap(Options.settings(options), (settings) =>
          Effect.provide(
            Effect.flatMap(Database, ({ use }) => use(HealthTables.prune(days))),
            Direct.layer(settings)
          )
        ).pipe(
          Effect.catchTags({
            DatabaseUnavailable: ({ message }) => new Failed({ message }),
            SqlError: () => new Failed({ message: "the database refuses; nothing was taken away" })
          })
        )
    yield* Console.log(
      options.json
        ? JSON.stringify(gone)
        : `${gone.events} events, ${gone.samples} samples of health and ${gone.requests} requests were older than ${age.trim()}, and are gone.`
    )
  })

/** A line an event, the latest last, as in a log. */
export const lines = ({ events: rows }: EventsBody): ReadonlyArray<string> =>
  rows.length === 0
    ? ["nothing has happened"]
    : Table.lines([
        ["time", "event", "instance", "model", "what"],
        ...rows.toReversed().map((row) => [row.timestamp, row.event_type, row.instance, row.model ?? "-", detail(row)])
      ])

const detail = (row: EventRow): string =>
  [
    ...(row.to_instance === null ? [] : [`to ${row.to_instance}`]),
    ...(row.reason === null ? [] : [row.reason]),
    ...(row.consecutive_failures === 0 ? [] : [`${row.consecutive_failures} failures in a row`]),
    ...(row.next_retry_secs === null ? [] : [`retry in ${row.next_retry_secs} s`]),
    ...(row.request_id === null ? [] : [`request ${row.request_id}`])
  ].join(", ")
