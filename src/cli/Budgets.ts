import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Settings } from "../config/Settings.js"
import * as Ledger from "../gateway/Ledger.js"
import { RemovedBudget } from "../http/BudgetsApi.js"
import { BudgetEditor, type BudgetRefused } from "../ledger/BudgetEditor.js"
import * as BudgetStatus from "../ledger/BudgetStatus.js"
import { Journal } from "../store/Journal.js"
import * as Direct from "./Direct.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as Remote from "./Remote.js"
import * as Table from "./Table.js"

const scope = Args.text({ name: "scope" }).pipe(
  Args.withDescription("one budget, as global, provider:openai or user:alice; otherwise all of them"),
  Args.optional
)

const set = CliOptions.text("set").pipe(
  CliOptions.withDescription('sets it, by fields of the config file, as "daily=10,monthly=200,mode=hard"'),
  CliOptions.optional
)

const remove = CliOptions.boolean("remove").pipe(
  CliOptions.withDescription("takes back what was set; the configuration's holds again")
)

/** `orelse budgets`: what may be spent, and what is spent of it. */
export const budgets = Command.make(
  "budgets",
  { scope, set, remove, json: Options.json, config: Options.config, url: Options.url },
  (options) =>
    Effect.gen(function* () {
      const asked = yield* wishOf(options)
      const gateway = yield* Remote.running(options.url)
      const desk = Option.isSome(gateway) ? there(gateway.value) : here(yield* Options.settings(options))
      switch (asked._tag) {
        case "All": {
          const found = yield* desk.all
          return yield* Console.log(options.json ? JSON.stringify(found) : lines(found.budgets).join("\n"))
        }
        case "Remove": {
          const removed = yield* desk.remove(asked.scope)
          return yield* Console.log(
            options.json ? JSON.stringify(removed) : `${asked.scope}: what was set is taken back`
          )
        }
        case "One":
        case "Set": {
          const found = yield* asked._tag === "One" ? desk.one(asked.scope) : desk.set(asked.scope, asked.fields)
          return yield* Console.log(options.json ? JSON.stringify(found) : oneLines(found).join("\n"))
        }
      }
    })
).pipe(Command.withDescription("show what may be spent and what is spent of it, or set a budget"))

type Wish =
  | { readonly _tag: "All" }
  | { readonly _tag: "One"; readonly scope: string }
  | { readonly _tag: "Remove"; readonly scope: string }
  | { readonly _tag: "Set"; readonly scope: string; readonly fields: Readonly<Record<string, string>> }

interface Given {
  readonly scope: Option.Option<string>
  readonly set: Option.Option<string>
  readonly remove: boolean
}

const wishOf = (given: Given): Effect.Effect<Wish, Failed> =>
  Effect.gen(function* () {
    if (Option.isSome(given.set) && given.remove) {
      return yield* new Failed({ message: "--set and --remove cannot be combined" })
    }
    if (Option.isNone(given.scope)) {
      if (Option.isNone(given.set) && !given.remove) return { _tag: "All" }
      return yield* new Failed({ message: "say whose budget it is, as in: orelse budgets global --set daily=10" })
    }
    const named = given.scope.value
    if (Option.isNone(given.set)) return { _tag: given.remove ? "Remove" : "One", scope: named }
    const fields: Record<string, string> = {}
    for (const pair of given.set.value.split(",")) {
      const [, field, value] = /^\s*(\w+)\s*=\s*(.+?)\s*$/.exec(pair) ?? []
      if (field === undefined || value === undefined) {
        return yield* new Failed({
          message: `--set takes fields as "daily=10,monthly=200,mode=hard", and not '${pair}'`
        })
      }
      fields[field] = value
    }
    return { _tag: "Set", scope: named, fields }
  })

/** By a gateway that runs. */
const there = (gateway: Remote.Remote) => {
  return {
    all: gateway.get("/admin/budgets", BudgetStatus.AllBudgets),
    one: (named: string) => gateway.get(path(named), BudgetStatus.BudgetStatus),
    set: (named: string, fields: object) => gateway.put(path(named), fields, BudgetStatus.BudgetStatus),
    remove: (named: string) => gateway.remove(path(named), RemovedBudget)
  }
}

/** No gateway runs: by the database itself. */
const here = (settings: Settings) => {
  const tables = Ledger.layerTold.pipe(Layer.provideMerge(Direct.layer(settings)), Layer.provideMerge(Journal.none))
  const asked = <A, E extends { readonly _tag: string; readonly message: string }>(
    effect: Effect.Effect<A, E, Layer.Layer.Success<typeof tables>>
  ) =>
    Effect.flatMap(BudgetEditor, ({ follow }) => Effect.zipRight(follow, effect)).pipe(
      Effect.mapError(({ message }) => new Failed({ message })),
      Effect.provide(tables)
    )
  return {
    all: asked(BudgetStatus.all),
    one: (named: string) => asked(one(named)),
    set: (named: string, fields: Readonly<Record<string, string>>) =>
      asked(
        Effect.flatMap(BudgetEditor, (editor) => editor.set(named, fields)).pipe(
          Effect.catchTag("BudgetRefused", refused),
          Effect.zipRight(one(named))
        )
      ),
    remove: (named: string) =>
      asked(
        Effect.flatMap(BudgetEditor, (editor) => editor.remove(named)).pipe(
          Effect.catchTag("BudgetRefused", refused),
          Effect.as({ scope: named, deleted: true })
        )
      )
  }
}

const refused = ({ problems, reason, scope: named }: BudgetRefused): Failed => {
  const wrong = problems.map(({ message, path }) => (path === "" ? message : `${path}: ${message}`)).join("; ")
  return new Failed({
    message: {
      invalid: wrong,
      unknown: `no budget is set for '${named}'`,
      configured: `the budget '${named}' is in the configuration, which only its file can take it out of; --set sets another one over it`
    }[reason]
  })
}

const path = (named: string): string => `/admin/budgets/${encodeURIComponent(named)}`

const one = (named: string) =>
  Effect.flatMap(BudgetStatus.of(named), (found) =>
    found === undefined ? new Failed({ message: `no budget is set for '${named}'` }) : Effect.succeed(found)
  )

const periods = ["daily", "weekly", "monthly"] as const

/** A line for each limit. */
export const lines = (found: ReadonlyArray<BudgetStatus.BudgetStatus>): ReadonlyArray<string> =>
  found.length === 0
    ? ["No budget is set."]
    : Table.lines([
        ["scope", "mode", "limit", "USD", "spent", "reserved", "", "more at"],
        ...found.flatMap((budget) =>
          periods.flatMap((period) => {
            const limit = budget[period]
            if (limit === null) return []
            return [
              [
                budget.scope,
                budget.mode,
                budget.window === "rolling" ? `${period}, rolling` : period,
                limit.limit,
                limit.spent ?? "-",
                limit.reserved ?? "-",
                limit.percentage === null ? "" : `${limit.percentage} %`,
                limit.resets_at?.replace(".000Z", "Z") ?? "-"
              ]
            ]
          })
        )
      ])

/** The same of one, and what is to come. */
const oneLines = (found: BudgetStatus.BudgetStatus): ReadonlyArray<string> => {
  const { projection } = found
  if (projection === null || projection.daily === null || projection.month_end === null) return lines([found])
  const basis = projection.based_on_days === 1 ? "one whole day" : `${projection.based_on_days} whole days`
  const { daily, month, month_end: end } = projection
  return [
    ...lines([found]),
    `expected: ${daily.expected} USD a day (${daily.low} to ${daily.high}), ${end.expected} USD in ${month} (${end.low} to ${end.high}), by ${basis}`
  ]
}
