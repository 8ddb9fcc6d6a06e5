import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Analytics from "../ledger/Analytics.js"
import * as Reports from "../ledger/Reports.js"
import { RollupStore } from "../ledger/RollupStore.js"
import type { WrongQuery } from "../ledger/TimeRange.js"
import type { DatabaseUnavailable } from "../store/DatabaseError.js"
import * as CostLines from "./CostLines.js"
import * as Direct from "./Direct.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as Remote from "./Remote.js"

const optional = (name: string, description: string) =>
  CliOptions.text(name).pipe(CliOptions.withDescription(description), CliOptions.optional)

const flags = {
  days: optional("days", "of the last so many days, today included; otherwise 30"),
  from: optional("from", "from this day or time on, as 2026-01-31 or 2026-01-31T12:00:00Z"),
  to: optional("to", "up to this time, or to the end of this day; otherwise now"),
  timeZone: optional("time-zone", "whose days are meant, as Europe/Berlin; otherwise UTC"),
  scope: optional(
    "scope",
    "only of a part, as provider:openai, model:gpt-4o or user:ann; with --by day or --projection"
  ),
  limit: optional("limit", "how many models or users; otherwise 5 and 10")
}

const by = CliOptions.choice("by", ["provider", "model", "user", "day"]).pipe(
  CliOptions.withDescription("what a line is; otherwise a provider"),
  CliOptions.optional
)

const projection = CliOptions.boolean("projection").pipe(
  CliOptions.withDescription("what a day, 30 days and this month will cost, by the last whole days")
)

/** `orelse costs`: what was used and what it cost, and what is to come. */
export const costs = Command.make(
  "costs",
  { ...flags, by, projection, json: Options.json, config: Options.config, url: Options.url },
  (options) =>
    Effect.gen(function* () {
      const given: Asked = {
        days: options.days,
        from: options.from,
        to: options.to,
        time_zone: options.timeZone,
        scope: options.scope,
        limit: options.limit
      }
      if (options.projection && Option.isSome(options.by)) {
        return yield* new Failed({ message: "--projection is of all together, or of a --scope: it takes no --by" })
      }
      if (options.projection) return yield* answer(projected, given, options)
      switch (Option.getOrElse(options.by, () => "provider" as const)) {
        case "provider":
          return yield* answer(byProvider, given, options)
        case "model":
          return yield* answer(byModel, given, options)
        case "user":
          return yield* answer(byUser, given, options)
        case "day":
          return yield* answer(byDay, given, options)
      }
    })
).pipe(
  Command.withDescription("show what was used and what it cost, by provider, model, user or day, and what is to come")
)

/** What may be asked, by its name in an address. */
type Asked = Readonly<Record<Param, Option.Option<string>>>

type Param = "days" | "from" | "to" | "time_zone" | "scope" | "limit"

type Params = Readonly<Partial<Record<Param | "by", string>>>

/** One way to look at costs. */
interface View<A> {
  readonly path: string
  readonly schema: Schema.Schema<A>
  /** What can be asked of it. */
  readonly takes: ReadonlyArray<string>
  /** What is always asked. */
  readonly always?: Params
  readonly here: (params: Params) => Effect.Effect<A, DatabaseUnavailable | WrongQuery, RollupStore>
  readonly lines: (found: A) => ReadonlyArray<string>
}

const range = ["days", "from", "to", "time_zone"] as const

const byProvider: View<Reports.CostSummary> = {
  path: "/admin/costs/summary",
  schema: Reports.CostSummary,
  takes: range,
  here: Analytics.summary,
  lines: CostLines.summary
}

const byModel: View<Reports.TopModels> = {
  path: "/admin/top-models",
  schema: Reports.TopModels,
  takes: [...range, "limit"],
  always: { by: "cost" },
  here: Analytics.topModels,
  lines: CostLines.models
}

const byUser: View<Reports.TopUsers> = {
  path: "/admin/top-users",
  schema: Reports.TopUsers,
  takes: [...range, "limit"],
  always: { by: "cost" },
  here: Analytics.topUsers,
  lines: CostLines.users
}

const byDay: View<Reports.DailyCosts> = {
  path: "/admin/costs/daily",
  schema: Reports.DailyCosts,
  takes: [...range, "scope"],
  here: Analytics.daily,
  lines: CostLines.daily
}

const projected: View<Reports.CostProjection> = {
  path: "/admin/costs/projection",
  schema: Reports.CostProjection,
  takes: ["days", "time_zone", "scope"],
  here: Analytics.projection,
  lines: CostLines.projection
}

interface How extends Options.Given {
  readonly url: Option.Option<string>
  readonly json: boolean
}

/** A running gateway is asked, or else the database itself. */
const answer = <A>(of: View<A>, asked: Asked, how: How) =>
  Effect.gen(function* () {
    const given = Object.entries(asked).flatMap(([param, value]) =>
      Option.isSome(value) ? [[param, value.value] as const] : []
    )
    const strange = given.find(([param]) => !of.takes.includes(param))
    if (strange !== undefined) {
      return yield* new Failed({
        message: `--${strange[0].replace("_", "-")} says nothing here: see orelse costs --help`
      })
    }
    const params: Params = { ...of.always, ...Object.fromEntries(given) }
    const gateway = yield* Remote.running(how.url)
    const found = yield* Option.isSome(gateway)
      ? gateway.value.get(`${of.path}?${new URLSearchParams(params).toString()}`, of.schema)
      : Effect.flatMap(Options.settings(how), (settings) =>
          Effect.provide(of.here(params), Layer.provideMerge(RollupStore.layerTables, Direct.layer(settings)))
        ).pipe(
          Effect.catchTags({
            DatabaseUnavailable: ({ message }) => new Failed({ message }),
            WrongQuery: ({ message }) => new Failed({ message })
          })
        )
    yield* Console.log(how.json ? JSON.stringify(found) : of.lines(found).join("\n"))
  })
