import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as TimeRange from "../../src/ledger/TimeRange.js"

const noon = Date.parse("2026-11-21T12:07:00Z")

const read = (given: TimeRange.Given, now = noon) => Either.getOrThrow(TimeRange.read(given, now))

const iso = (at: number): string => new Date(at).toISOString().slice(0, 16)

const range = (given: TimeRange.Given, now = noon) => {
  const { from, to } = read(given, now)
  return [iso(from), iso(to)]
}

/** Each day with how many hours it has. */
const days = (given: TimeRange.Given) =>
  TimeRange.daysOf(read(given)).map(({ day, from, to }) => `${day} ${(to - from) / 3_600_000}`)

const refusal = (given: TimeRange.Given): readonly [string, string] =>
  Either.match(TimeRange.read(given, noon), {
    onLeft: ({ message, param }) => [param, message],
    onRight: () => assert.fail("it was taken")
  })

describe("a range of time", () => {
  it("is the last 30 days of UTC where nothing is said, today included, in whole quarters of an hour", () => {
    assert.deepStrictEqual(range({}), ["2026-10-23T00:00", "2026-11-21T12:15"])
    assert.deepStrictEqual(range({ days: "1" }), ["2026-11-21T00:00", "2026-11-21T12:15"])
    assert.deepStrictEqual(range({ days: "1" }, Date.parse("2026-11-21T12:15:00Z"))[1], "2026-11-21T12:15")
  })

  it("has the days of its time zone", () => {
    const kolkata = { days: "2", time_zone: "Asia/Kolkata" }
    assert.deepStrictEqual(range(kolkata), ["2026-11-19T18:30", "2026-11-21T12:15"])
    // There it is tomorrow already.
    assert.deepStrictEqual(range(kolkata, Date.parse("2026-11-21T18:31:00Z")), ["2026-11-20T18:30", "2026-11-21T18:45"])
    assert.strictEqual(read(kolkata).timeZone, "Asia/Kolkata")
  })

  it("goes from a day to the end of one, or from a time to a time", () => {
    assert.deepStrictEqual(range({ from: "2026-11-01", to: "2026-11-02" }), ["2026-11-01T00:00", "2026-11-03T00:00"])
    assert.deepStrictEqual(range({ from: "2026-11-01", to: "2026-11-01", time_zone: "America/New_York" }), [
      "2026-11-01T04:00",
      "2026-11-02T05:00"
    ])
    assert.deepStrictEqual(range({ from: "2026-11-01T10:20:00+01:00", to: "2026-11-01T09:31Z" }), [
      "2026-11-01T09:15",
      "2026-11-01T09:45"
    ])
    assert.deepStrictEqual(range({ from: "2026-11-20" }), ["2026-11-20T00:00", "2026-11-21T12:15"])
  })

  it("has a day of 23 and one of 25 hours where clocks change", () => {
    const of = (from: string, to: string, zone: string) => days({ from, to, time_zone: zone })
    assert.deepStrictEqual(of("2026-03-28", "2026-03-30", "Europe/Berlin"), [
      "2026-03-28 24",
      "2026-03-29 23",
      "2026-03-30 24"
    ])
    assert.deepStrictEqual(of("2026-10-24", "2026-10-26", "Europe/Berlin"), [
      "2026-10-24 24",
      "2026-10-25 25",
      "2026-10-26 24"
    ])
    assert.deepStrictEqual(of("2024-04-06", "2024-04-08", "Australia/Lord_Howe"), [
      "2024-04-06 24",
      "2024-04-07 24.5",
      "2024-04-08 24"
    ])
  })

  it("has the days that have no midnight, and not one that was left out", () => {
    assert.deepStrictEqual(days({ from: "2024-09-07", to: "2024-09-09", time_zone: "America/Santiago" }), [
      "2024-09-07 24",
      "2024-09-08 23",
      "2024-09-09 24"
    ])
    assert.deepStrictEqual(days({ from: "2011-12-29", to: "2011-12-31", time_zone: "Pacific/Apia" }), [
      "2011-12-29 24",
      "2011-12-31 24"
    ])
  })

  it("may begin and end within a day", () => {
    assert.deepStrictEqual(days({ from: "2026-11-01T20:00:00Z", to: "2026-11-03T06:00:00Z" }), [
      "2026-11-01 4",
      "2026-11-02 24",
      "2026-11-03 6"
    ])
  })

  const zones = [
    "UTC",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/St_Johns",
    "America/Santiago",
    "Africa/Cairo",
    "Pacific/Apia"
  ]

  it.prop(
    "is its days without a gap, each of whole quarters of an hour and with its own name, in any time zone",
    [
      FastCheck.constantFrom(...zones),
      FastCheck.integer({ min: 0, max: 20 * 365 * 96 }),
      FastCheck.integer({ min: 1, max: 60 * 96 })
    ],
    ([zone, start, length]) => {
      const from = Date.UTC(2010, 0) + start * 900_000
      const to = from + length * 900_000
      const made = TimeRange.daysOf({ from, to, zone: DateTime.zoneUnsafeMakeNamed(zone) })
      assert.deepStrictEqual([made[0]?.from, made.at(-1)?.to], [from, to])
      for (const [at, each] of made.entries()) {
        assert.isBelow(each.from, each.to)
        assert.strictEqual(each.from % 900_000, 0)
        if (at > 0) assert.strictEqual(each.from, made[at - 1]?.to)
      }
      assert.strictEqual(new Set(made.map(({ day }) => day)).size, made.length)
    }
  )

  it("is refused with a sentence that says what to write", () => {
    const wrong: ReadonlyArray<readonly [TimeRange.Given, string, RegExp]> = [
      [{ days: "0" }, "days", /whole number from 1 to 400/],
      [{ days: "401" }, "days", /whole number/],
      [{ days: "1.5" }, "days", /whole number/],
      [{ days: "3", from: "2026-01-01" }, "days", /cannot be combined with 'from' and 'to'/],
      [{ from: "yesterday" }, "from", /a day, as 2026-01-31 is, or a time with its offset/],
      [{ from: "2026-02-30" }, "from", /a day, as/],
      [{ from: "2026-02-30T00:00:00Z" }, "from", /a day, as/],
      [{ from: "2026-02-03T00:00:00" }, "from", /with its offset/],
      [{ from: "2026-02-03", to: "2026-02-03T25:00:00Z" }, "to", /a day, as/],
      [{ from: "2026-11-22" }, "from", /earlier than 'to', which is now/],
      [{ from: "2026-02-03", to: "2026-02-02" }, "from", /earlier than 'to'/],
      [{ from: "2020-01-01" }, "from", /no more than 400 days apart/],
      [{ to: "2026-01-01" }, "from", /'to' needs a 'from'/],
      [{ time_zone: "Europe/Nowhere" }, "time_zone", /as UTC or Europe\/Berlin are/],
      [{ time_zone: "+05:07" }, "time_zone", /name of a time zone/]
    ]
    for (const [given, param, message] of wrong) {
      const [of, said] = refusal(given)
      assert.strictEqual(of, param, JSON.stringify(given))
      assert.match(said, message)
    }
  })
})

describe("a calendar month", () => {
  it("is that of the time zone", () => {
    const berlin = DateTime.zoneUnsafeMakeNamed("Europe/Berlin")
    const { from, month, to } = TimeRange.monthOf(berlin, Date.parse("2026-02-28T23:30:00Z"))
    assert.deepStrictEqual([month, iso(from), iso(to)], ["2026-03", "2026-02-28T23:00", "2026-03-31T22:00"])
    const last = TimeRange.monthOf(berlin, Date.parse("2026-12-31T12:00:00Z"))
    assert.deepStrictEqual([last.month, iso(last.to)], ["2026-12", "2026-12-31T23:00"])
  })
})
