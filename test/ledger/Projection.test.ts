import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Money from "../../src/domain/Money.js"
import * as Projection from "../../src/ledger/Projection.js"

/** 2026-11-02 is a Monday. */
const dayAt = (place: number): Date => new Date(Date.UTC(2026, 10, 2 + place))

const name = (place: number): string => dayAt(place).toISOString().slice(0, 10)

/** Days in a row that cost so many dollars. */
const days = (costs: ReadonlyArray<number>): ReadonlyArray<Projection.DayCost> =>
  costs.map((usd, place) => ({ day: name(place), cost: Money.fromUsd(usd) }))

const always = (usd: number, count: number) => days(Array.from({ length: count }, () => usd))

const project = (of: ReadonlyArray<Projection.DayCost>): Projection.Projection =>
  Projection.projectionOf(of) ?? assert.fail("there is none")

const shown = ({ expected, high, low }: Projection.Estimate) => [low, expected, high].map(Money.toUsd)

const width = ({ high, low }: Projection.Estimate): number => Number(high - low) / 1e12

describe("a projection", () => {
  it("is none without a day to go by", () => {
    assert.isUndefined(Projection.projectionOf([]))
    assert.isUndefined(Projection.monthEndOf([], { spent: Money.zero, elapsed: 0.5, left: [], today: name(0) }))
  })

  it("of days that cost the same is that cost, in a range that narrows as there are more of them", () => {
    for (const count of [1, 2, 7, 13, 14, 30]) {
      const { daily, days: based, monthly } = project(always(10, count))
      assert.strictEqual(based, count)
      assert.deepStrictEqual([Money.toUsd(daily.expected), Money.toUsd(monthly.expected)], ["10", "300"])
    }
    const widths = [1, 2, 3, 7, 13].map((count) => width(project(always(10, count)).monthly))
    assert.deepStrictEqual(
      widths,
      widths.toSorted((a, b) => b - a)
    )
    // One day says little: from nothing to many times as much.
    assert.deepStrictEqual(shown(project(always(10, 1)).daily).slice(0, 2), ["0", "10"])
    assert.isAbove(width(project(always(10, 1)).daily), 50)
    assert.isBelow(width(project(always(10, 30)).daily), 5)
    assert.isBelow(width(project(always(10, 30)).monthly), 60)
  })

  it("is by the documented formula", () => {
    // m = 3, squares 4 + 0 + 4 + 2 * 9 / 3, s = sqrt(14 / 2), t = 2.92
    const { daily, monthly } = project(days([1, 3, 5]))
    const margin = (span: number) => 2.92 * Math.sqrt(7) * Math.sqrt(span + span ** 2 / 3)
    assert.deepStrictEqual(shown(daily), [
      "0",
      "3",
      Money.toUsd(Money.fromUsd(Math.round((3 + margin(1)) * 1e6) / 1e6))
    ])
    assert.closeTo(Number(monthly.high) / 1e12, 90 + margin(30), 1e-6)
  })

  it("knows weekends from two weeks on", () => {
    const weekly = Array.from({ length: 28 }, (_, place) => (dayAt(place).getUTCDay() % 6 === 0 ? 0 : 14))
    const { daily, monthly } = project(days(weekly))
    assert.strictEqual(Money.toUsd(daily.expected), "10")
    // 30 days from a Monday on have 22 weekdays and 8 at the weekend; each is drawn to the mean by two days of six.
    const expected = 22 * ((4 * 14 + 2 * 10) / 6) + 8 * ((2 * 10) / 6)
    assert.closeTo(Number(monthly.expected) / 1e12, expected, 1e-5)
    // A day may be either.
    assert.isBelow(Number(daily.low) / 1e12, 1)
    assert.isAbove(Number(daily.high) / 1e12, 14)
    const shorter = project(days(weekly.slice(0, 13)))
    assert.closeTo(Number(shorter.monthly.expected) / 1e12, (30 * 140) / 13, 1e-5)
  })

  it("of a month adds to what it has cost, exactly, the rest of today and the days that are left", () => {
    const spent = Money.fromText("120.000000000001") ?? assert.fail()
    const left = [name(8), name(9)]
    const end = Projection.monthEndOf(always(10, 7), { spent, elapsed: 0.75, left, today: name(7) }) ?? assert.fail()
    assert.strictEqual(Money.toUsd(end.expected), "142.500000000001")
    assert.isTrue(end.low >= spent && end.low < end.expected && end.high > end.expected)
    const over = Projection.monthEndOf(always(10, 7), { spent, elapsed: 1, left: [], today: name(7) }) ?? assert.fail()
    assert.deepStrictEqual(shown(over), ["120.000000000001", "120.000000000001", "120.000000000001"])
  })

  it.prop(
    "has its range about what is expected, and never below nothing",
    [FastCheck.array(FastCheck.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 30 })],
    ([cents]) => {
      const { daily, monthly } = project(days(cents.map((amount) => amount / 100)))
      for (const { expected, high, low } of [daily, monthly]) {
        assert.isTrue(low >= 0n && low <= expected && expected <= high)
      }
    }
  )

  it("of days that nobody has used costs nothing", () => {
    assert.deepStrictEqual(shown(project(always(0, 5)).monthly), ["0", "0", "0"])
  })

  const chance = (seed: number) => {
    let state = seed
    return () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return (state + 0.5) / 2_147_483_648
    }
  }

  const kinds: Readonly<Record<string, (weekday: number, next: () => number) => number>> = {
    "about the same": (_, next) => 8 + 4 * next(),
    "less at weekends": (weekday, next) => (weekday % 6 === 0 ? 2 : 10) * (0.8 + 0.4 * next()),
    "most unevenly": (_, next) => -5 * Math.log(next())
  }

  for (const [kind, costOf] of Object.entries(kinds)) {
    it(`holds about nine times out of ten where days cost ${kind}`, () => {
      const next = chance(7)
      for (const count of [3, 7, 14, 30]) {
        let [held, rounds] = [0, 0]
        for (; rounds < 500; rounds++) {
          const costs = Array.from({ length: count + 30 }, (_, place) => costOf(dayAt(place).getUTCDay(), next))
          const { monthly } = project(days(costs.slice(0, count)))
          const came = costs.slice(count).reduce((sum, usd) => sum + usd, 0)
          if (Number(monthly.low) / 1e12 <= came && came <= Number(monthly.high) / 1e12) held++
        }
        assert.isAbove(held / rounds, 0.8, `by ${count} days`)
      }
    })
  }
})
