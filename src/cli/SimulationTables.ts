import type { RunReport, Percentiles, Report, Row } from "../simulation/Report.js"
import * as Table from "./Table.js"

/** The comparison side by side, and then a timeline for each of what was compared. */
export const lines = (report: Report): ReadonlyArray<string> => [
  `${report.name}: ${span(report.duration_s)} with seed ${report.seed}`,
  "",
  ...Table.lines(summary(report)),
  ...report.runs.flatMap((run) => ["", run.name, ...Table.lines(timeline(report, run))])
]

const summary = ({ runs, instances }: Report): ReadonlyArray<ReadonlyArray<string>> => {
  const row = (title: string, cell: (run: RunReport) => string) => [title, ...runs.map(cell)]
  const codes = [...new Set(runs.flatMap(({ failures }) => Object.keys(failures)))].toSorted()
  return [
    row("", ({ name }) => name),
    row("requests", ({ requests }) => count(requests)),
    row("availability", ({ availability }) => percent(availability, 3)),
    row("failed", ({ failed }) => count(failed)),
    ...codes.map((code) => row(`  ${code}`, ({ failures }) => count(failures[code] ?? 0))),
    row("first token p50", ({ first_token_ms }) => millis(first_token_ms.p50)),
    row("first token p99", ({ first_token_ms }) => millis(first_token_ms.p99)),
    row("whole answer p50", ({ total_ms }) => millis(total_ms.p50)),
    row("whole answer p99", ({ total_ms }) => millis(total_ms.p99)),
    row("calls a request", ({ calls_per_request }) => (calls_per_request ?? 0).toFixed(3)),
    row("cost", ({ cost_usd }) => `${Number(cost_usd).toFixed(2)} USD`),
    row("cost an answer", ({ cost_per_answer_usd: each }) => (each === null ? "-" : `${Number(each).toFixed(6)} USD`)),
    ...(runs.some(({ refused_for_budget }) => refused_for_budget > 0)
      ? [row("refused for budget", ({ refused_for_budget }) => count(refused_for_budget))]
      : []),
    ...instances.map((id) =>
      row(`served by ${id}`, ({ answered, served_by }) => percent(share(served_by[id], answered), 1))
    )
  ]
}

const timeline = ({ duration_s, instances, row_s }: Report, run: RunReport): ReadonlyArray<ReadonlyArray<string>> => [
  ["from", "requests", "failed", "p50", "p99", ...instances, "what happened"],
  ...run.timeline.map((row) => [
    clock(row.from_s, duration_s, row_s),
    count(row.requests),
    count(row.failed),
    ...latencies(row.total_ms),
    ...instances.map((id) => percent(share(row.served_by[id], served(row)), 0)),
    row.events.join("; ")
  ])
]

const served = ({ served_by }: Row): number => Object.values(served_by).reduce((sum, each) => sum + each, 0)

const share = (part: number | undefined, whole: number): number | null => (whole === 0 ? null : (part ?? 0) / whole)

const latencies = ({ p50, p99 }: Percentiles): ReadonlyArray<string> => [millis(p50), millis(p99)]

const count = (value: number): string => value.toLocaleString("en-US")

const millis = (ms: number | null): string => {
  if (ms === null) return "-"
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** Never rounded up to all or down to nothing. */
const percent = (value: number | null, digits: number): string => {
  if (value === null) return "-"
  const unit = 10 ** -digits
  const shown = value * 100
  if (value > 0 && shown < unit) return `<${unit.toFixed(digits)} %`
  if (value < 1 && shown > 100 - unit) return `>${(100 - unit).toFixed(digits)} %`
  return `${shown.toFixed(digits)} %`
}

const span = (seconds: number): string => {
  const [hours, minutes, rest] = parts(seconds)
  return [hours > 0 ? `${hours} h` : "", minutes > 0 ? `${minutes} min` : "", rest > 0 ? `${rest} s` : ""]
    .filter((part) => part !== "")
    .join(" ")
}

/** `02:30`; with seconds where rows are shorter than a minute, without hours where there are none. */
const clock = (at: number, duration: number, row: number): string => {
  const [hours, minutes, seconds] = parts(at).map((part) => String(part).padStart(2, "0"))
  if (row % 60 === 0) return `${hours}:${minutes}`
  return duration < 3_600 ? `${minutes}:${seconds}` : `${hours}:${minutes}:${seconds}`
}

const parts = (seconds: number): readonly [number, number, number] => [
  Math.floor(seconds / 3_600),
  Math.floor((seconds % 3_600) / 60),
  seconds % 60
]
