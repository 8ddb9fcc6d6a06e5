import * as Effect from "effect/Effect"
import * as Money from "../domain/Money.js"
import type { Compared } from "./Compared.js"
import * as Event from "./Event.js"
import type { Scenario } from "./Scenario.js"
import * as Simulation from "./Simulation.js"
import { Tally, type Bucket } from "./Tally.js"

/** Milliseconds; null where there was none. */
export interface Percentiles {
  readonly p50: number | null
  readonly p99: number | null
}

type Counts = Readonly<Record<string, number>>

/** One stretch of time; requests are counted where they arrive. */
export interface Row {
  readonly from_s: number
  readonly requests: number
  readonly failed: number
  readonly total_ms: Percentiles
  readonly served_by: Counts
  /** What the scenario does, and then what circuits do. */
  readonly events: ReadonlyArray<string>
}

/** How one configuration fared. */
export interface RunReport {
  readonly name: string
  readonly requests: number
  readonly answered: number
  readonly failed: number
  /** Share of the requests that were answered to their end; null without requests. */
  readonly availability: number | null
  /** Code -> requests that failed with it. */
  readonly failures: Counts
  /** Of streams, from the arrival. */
  readonly first_token_ms: Percentiles
  /** Of answered requests, from the arrival to the end. */
  readonly total_ms: Percentiles
  readonly calls: number
  readonly calls_per_request: number | null
  /** What the gateway has written down, a decimal; of what has a price. */
  readonly cost_usd: string
  /** What the providers have: the same, but for calls that ended before their provider said what they took. */
  readonly billed_usd: string
  /** Of what is written down, rounded to a millionth of a dollar; null without answers. */
  readonly cost_per_answer_usd: string | null
  /** Requests that no budget paid for. */
  readonly refused_for_budget: number
  readonly served_by: Counts
  readonly calls_to: Counts
  readonly timeline: ReadonlyArray<Row>
}

/** A whole comparison. */
export interface Report {
  readonly name: string
  readonly seed: number
  readonly duration_s: number
  /** All that are configured, in order. */
  readonly instances: ReadonlyArray<string>
  /** Of a row of the timeline. */
  readonly row_s: number
  readonly runs: ReadonlyArray<RunReport>
}

/** Runs a scenario with each of its configurations. `ran` hears of each of them. */
export const make = (
  scenario: Scenario,
  ran: (name: string, requests: number) => Effect.Effect<void>
): Effect.Effect<Report> =>
  Effect.gen(function* () {
    const width = rowOf(scenario.duration)
    const instances = [...new Set(scenario.compared.flatMap(({ settings }) => settings.instances.map(({ id }) => id)))]
    const runs: Array<RunReport> = []
    for (const compared of scenario.compared) {
      const tally = new Tally(width, scenario.duration)
      yield* Simulation.run(scenario, compared, tally)
      runs.push(reportOf(compared, tally, scenario, width, instances))
      yield* ran(compared.name, tally.requests)
    }
    return {
      name: scenario.name,
      seed: scenario.seed,
      duration_s: scenario.duration / 1000,
      instances,
      row_s: width / 1000,
      runs
    }
  })

/** Failures of requests that no budget pays for. */
const budgetCodes = ["budget_exceeded", "budget_unavailable", "cost_unbounded"]

/** To the next millionth of a dollar. */
const perAnswer = (cost: Money.Money, answered: number): Money.Money => {
  const micro = 1_000_000n
  const unit = micro * BigInt(answered)
  return Money.Money.make(((cost + unit / 2n) / unit) * micro)
}

/** A timeline has no more rows than this. */
const mostRows = 24

const rows = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600].map((seconds) => seconds * 1000)

const rowOf = (duration: number): number => rows.find((row) => duration / row <= mostRows) ?? 3_600_000

const reportOf = (
  { name }: Compared,
  tally: Tally,
  scenario: Scenario,
  width: number,
  instances: ReadonlyArray<string>
): RunReport => {
  const { buckets, calls, requests } = tally
  const failed = [...tally.failures.values()].reduce((sum, count) => sum + count, 0)
  const answered = requests - failed
  return {
    name,
    requests,
    answered,
    failed,
    availability: requests === 0 ? null : answered / requests,
    failures: Object.fromEntries([...tally.failures].toSorted(([one], [other]) => (one < other ? -1 : 1))),
    first_token_ms: percentiles(tally.firstToken),
    total_ms: percentiles(tally.total),
    calls,
    calls_per_request: requests === 0 ? null : calls / requests,
    cost_usd: Money.toUsd(tally.cost),
    billed_usd: Money.toUsd(tally.bills),
    cost_per_answer_usd: answered === 0 ? null : Money.toUsd(perAnswer(tally.cost, answered)),
    refused_for_budget: budgetCodes.reduce((sum, code) => sum + (tally.failures.get(code) ?? 0), 0),
    served_by: countsOf(tally.served, instances),
    calls_to: countsOf(tally.called, instances),
    timeline: buckets.map((bucket, at) => rowFrom(bucket, at * width, width, scenario, instances))
  }
}

const rowFrom = (
  { changes, failed, requests, served, total }: Bucket,
  from: number,
  width: number,
  { duration, timeline }: Scenario,
  instances: ReadonlyArray<string>
): Row => {
  const within = (at: number): boolean => at >= from && at < from + width
  const begun = timeline.filter(({ at }) => within(at)).map((event) => `${event.instance}: ${Event.describe(event)}`)
  const over = timeline
    .filter(({ at, for: length }) => length !== undefined && at + length < duration && within(at + length))
    .map((event) => `${event.instance}: ${Event.describe(event)} ends`)
  const circuits = [...changes].map(([change, count]) => (count === 1 ? change : `${change} ${count} times`))
  return {
    from_s: from / 1000,
    requests,
    failed,
    total_ms: percentiles(total),
    served_by: countsOf(served, instances),
    events: [...begun, ...over, ...circuits]
  }
}

const countsOf = (counts: ReadonlyMap<string, number>, instances: ReadonlyArray<string>): Counts =>
  Object.fromEntries(instances.map((instance) => [instance, counts.get(instance) ?? 0]))

/** The nearest rank. */
const percentiles = (values: ReadonlyArray<number>): Percentiles => {
  const sorted = Float64Array.from(values).toSorted()
  const at = (share: number): number | null => {
    const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
    return found === undefined ? null : Math.round(found * 10) / 10
  }
  return { p50: at(0.5), p99: at(0.99) }
}
