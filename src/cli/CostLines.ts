import type * as Reports from "../ledger/Reports.js"
import * as Table from "./Table.js"

/** A line a provider, then one for all of them. */
export const summary = (found: Reports.CostSummary): ReadonlyArray<string> => {
  const rows = Object.entries(found.by_provider)
  if (rows.length === 0) return [nothing(found)]
  return [
    ...Table.lines([
      ["provider", "requests", "tokens", "USD", "USD a token", ...cached],
      ...rows.map(([provider, row]) => [
        provider,
        String(row.requests),
        String(row.total_tokens),
        row.total_cost,
        row.average_cost_per_token ?? "-",
        ...cachedCells(row)
      ])
    ]),
    `total: ${found.total_cost} USD for ${found.requests} requests ${between(found)}`,
    ...unpriced(found.unpriced)
  ]
}

/** A line a day, the earliest first, then one for all of them. */
export const daily = (found: Reports.DailyCosts): ReadonlyArray<string> => [
  ...Table.lines([
    ["day", "requests", "tokens", "USD", ...cached],
    ...found.days.map((row) => [row.day, String(row.requests), String(row.tokens), row.cost, ...cachedCells(row)])
  ]),
  `total: ${found.total_cost} USD${found.scope === "global" ? "" : ` of ${found.scope}`}, by days of ${found.time_zone}`,
  ...unpriced(found.days.reduce((sum, row) => sum + row.unpriced, 0))
]

/** A line a model, what cost most first. */
export const models = (found: Reports.TopModels): ReadonlyArray<string> =>
  found.models.length === 0 ? [nothing(found)] : performance("model", found.models, ({ model }) => model)

/** A line a user, who cost most first. */
export const users = (found: Reports.TopUsers): ReadonlyArray<string> =>
  found.users.length === 0 ? [nothing(found)] : performance("user", found.users, ({ user }) => user)

/** A line for a day, for 30 days and for this month, and what they go by. */
export const projection = (found: Reports.CostProjection): ReadonlyArray<string> => {
  const { daily: day, month, month_end: end, monthly, spent_this_month: spent } = found
  const spoken = `${month} has cost ${spent} USD so far`
  if (day === null || monthly === null || end === null) {
    return [`${spoken}. There is no whole day with use to go by yet, so nothing is projected.`]
  }
  const basis = found.based_on_days === 1 ? "one whole day" : `${found.based_on_days} whole days`
  return [
    ...Table.lines([
      ["", "USD expected", "from", "to"],
      ["a day", day.expected, day.low, day.high],
      ["30 days", monthly.expected, monthly.low, monthly.high],
      [`${month} at its end`, end.expected, end.low, end.high]
    ]),
    `${spoken}. Based on ${basis}; about ${Math.round(found.confidence * 100)} % of the time it is within the range.`
  ]
}

type Performance = Reports.TopModels["models"][number] | Reports.TopUsers["users"][number]

const performance = <Row extends Performance>(
  what: string,
  rows: ReadonlyArray<Row>,
  nameOf: (row: Row) => string
): ReadonlyArray<string> =>
  Table.lines([
    [what, "requests", "success", "latency", "tokens", "USD", ...cached],
    ...rows.map((row) => [
      nameOf(row),
      String(row.requests),
      row.success_rate === null ? "-" : `${Math.round(row.success_rate * 1000) / 10} %`,
      row.average_latency_ms === null ? "-" : `${Math.round(row.average_latency_ms)} ms`,
      String(row.total_tokens),
      row.total_cost,
      ...cachedCells(row)
    ])
  ]).concat(unpriced(rows.reduce((sum, row) => sum + row.unpriced, 0)))

const cached = ["hits", "USD saved"]

const cachedCells = ({ hits, saved }: { readonly hits: number; readonly saved: string }) => [String(hits), saved]

const nothing = (range: Range): string => `nothing was used ${between(range)}`

interface Range {
  readonly from: string
  readonly to: string
}

const between = ({ from, to }: Range): string => `from ${minutes(from)} to ${minutes(to)}`

const minutes = (iso: string): string => `${iso.slice(0, 16)}Z`

const unpriced = (calls: number): ReadonlyArray<string> =>
  calls === 0
    ? []
    : [
        `The cost of ${calls} ${calls === 1 ? "request" : "requests"} is not known, and not in these figures: see \`pricing\` of the instances.`
      ]
