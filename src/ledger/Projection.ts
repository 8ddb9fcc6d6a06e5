import * as Money from "../domain/Money.js"

/** What a whole day has cost. */
export interface DayCost {
  /** As 2026-11-21, in whichever time zone days are told apart. */
  readonly day: string
  readonly cost: Money.Money
}

/** What something will cost: the expected amount, and two between which it lies about nine times out of ten. */
export interface Estimate {
  readonly expected: Money.Money
  readonly low: Money.Money
  readonly high: Money.Money
}

/** What is to come, by days that were. */
export interface Projection {
  /** On so many days it is based. */
  readonly days: number
  /** Any day. */
  readonly daily: Estimate
  /** The 30 days after the last one. */
  readonly monthly: Estimate
}

/** A month that is under way. */
export interface Month {
  /** What it has cost so far, exactly. */
  readonly spent: Money.Money
  /** Which share of today is over, from 0 to 1. */
  readonly elapsed: number
  /** The days after today that are left of it, as 2026-11-22. */
  readonly left: ReadonlyArray<string>
  readonly today: string
}

/**
 * A projection by what whole days in a row have cost, up to yesterday; the first of them is one on which something was used.
 * `undefined`: there is none to go by.
 *
 * With n days at a mean of m a day is expected to cost m. From two weeks on, where its weekday is known, it is what that has cost in
 * the mean, drawn to m as if two more of the k of them had cost m: (sum + 2 m) / (k + 2). The variance s^2 of a day is that of the
 * days about what was expected of them, with 2 m^2 / n more in their sum of squares: of a single day nobody knows how much they
 * differ, and it is taken that they do by more than they cost. The range of h days is what is expected of them
 * +- t * s * sqrt(h + h^2 / n), and never below 0: days differ each by itself, and what is expected may be wrong of all of them. t is
 * of Student's distribution, for 90 %.
 */
export const projectionOf = (days: ReadonlyArray<DayCost>): Projection | undefined => {
  const last = days.at(-1)
  if (last === undefined) return undefined
  const model = modelOf(days, days.length >= weekly)
  const coming = Array.from({ length: 30 }, (_, after) => model.of(weekdayOf(last.day) + after + 1))
  // Any day: which weekday it is is not known.
  const any = modelOf(days, false)
  return { days: days.length, daily: estimate(any, any.of(0), 1), monthly: estimate(model, sum(coming), coming.length) }
}

/** What a month will have cost at its end: what it has so far, the rest of today, and the days that are left. */
export const monthEndOf = (days: ReadonlyArray<DayCost>, month: Month): Estimate | undefined => {
  if (days.length === 0) return undefined
  const model = modelOf(days, days.length >= weekly)
  const rest = 1 - month.elapsed
  const expected = rest * model.of(weekdayOf(month.today)) + sum(month.left.map((day) => model.of(weekdayOf(day))))
  const { low, high, ...coming } = estimate(model, expected, rest + month.left.length)
  return {
    expected: Money.sum([month.spent, coming.expected]),
    low: Money.sum([month.spent, low]),
    high: Money.sum([month.spent, high])
  }
}

/** How often what comes lies between `low` and `high` of an estimate, about. */
export const confidence = 0.9

/** Statistics are in floating point, and in USD. */
interface Model {
  readonly days: number
  /** What is expected of a weekday, as a number of which the rest by 7 counts. */
  readonly of: (weekday: number) => number
  /** Of a day, about what is expected of it. */
  readonly deviation: number
  readonly t: number
}

const modelOf = (days: ReadonlyArray<DayCost>, isWeekly: boolean): Model => {
  const n = days.length
  const costs = days.map(({ cost, day }) => ({ usd: Number(cost) / 1e12, weekday: weekdayOf(day) }))
  const mean = sum(costs.map(({ usd }) => usd)) / n
  const expected = week.map((weekday) => {
    const same = isWeekly ? costs.filter((each) => each.weekday === weekday).map(({ usd }) => usd) : []
    return (sum(same) + drawn * mean) / (same.length + drawn)
  })
  const of = (weekday: number): number => expected[weekday % 7] ?? mean
  const squares = sum(costs.map(({ usd, weekday }) => (usd - of(weekday)) ** 2)) + (2 * mean ** 2) / n
  const freedom = Math.max(1, n - (isWeekly ? 7 : 1))
  return { days: n, of, deviation: Math.sqrt(squares / freedom), t: student[freedom - 1] ?? normal }
}

const estimate = ({ days, deviation, t }: Model, expected: number, span: number): Estimate => {
  const margin = t * deviation * Math.sqrt(span + span ** 2 / days)
  return { expected: usd(expected), low: usd(Math.max(0, expected - margin)), high: usd(expected + margin) }
}

/** From so many days on a weekday is expected to be like those before it. */
const weekly = 14

/** So many days at the mean a weekday is given beside its own. */
const drawn = 2

const week = [0, 1, 2, 3, 4, 5, 6]

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, each) => total + each, 0)

/** 0 is Sunday. */
const weekdayOf = (day: string): number => new Date(`${day}T00:00:00Z`).getUTCDay()

/** Nothing that is estimated is known better than to a millionth of a dollar. */
const usd = (amount: number): Money.Money => Money.fromUsd(Math.round(amount * 1e6) / 1e6)

/** The 95 % quantiles of Student's t, by degrees of freedom from 1. */
const student = [
  6.314, 2.92, 2.353, 2.132, 2.015, 1.943, 1.895, 1.86, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.74,
  1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697
]
const normal = 1.645
