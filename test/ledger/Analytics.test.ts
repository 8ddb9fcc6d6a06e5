import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as Analytics from "../../src/ledger/Analytics.js"
import type { LedgerEntry } from "../../src/ledger/LedgerEntry.js"
import * as Reports from "../../src/ledger/Reports.js"
import * as Rollup from "../../src/ledger/Rollup.js"
import { RollupStore } from "../../src/ledger/RollupStore.js"
import type { WrongQuery } from "../../src/ledger/TimeRange.js"
import type { DatabaseUnavailable } from "../../src/store/DatabaseError.js"
import { entry, hit } from "./entries.js"

/** A Saturday. */
const now = Date.parse("2026-11-21T18:00:00Z")

/** What is answered of this ledger, at this time. */
const of =
  (entries: ReadonlyArray<LedgerEntry>, at = now) =>
  <A, E>(asked: Effect.Effect<A, E, RollupStore>): Effect.Effect<A, E> =>
    Effect.gen(function* () {
      yield* TestClock.setTime(at)
      const { add } = yield* RollupStore
      for (const each of entries) add?.(Rollup.rollupsOf(each))
      return yield* asked
    }).pipe(Effect.provide(Layer.fresh(RollupStore.layerMemory)))

const anthropic = { provider: "anthropic", instance: "claude", model: "claude-5" } as const

const known: ReadonlyArray<LedgerEntry> = [
  entry({ user: "ann", cost_usd: "0.3", ms: 100, input_tokens: 900, output_tokens: 100 }),
  entry({ user: "ann", cost_usd: "0.1", ms: 201, input_tokens: 400, output_tokens: 100 }),
  entry({
    user: "bob",
    cost_usd: null,
    outcome: "failure",
    category: "timeout",
    input_tokens: null,
    output_tokens: null
  }),
  entry({ user: "bob", cost_usd: "0.05", outcome: "cancelled", input_tokens: 10, output_tokens: 0 }),
  entry({ user: "cid", cost_usd: "5", ...anthropic, ms: 1_000, input_tokens: 3, output_tokens: 4 }),
  hit({ user: "ann", saved_usd: "0.3" }),
  // Long ago.
  entry({ user: "ann", cost_usd: "1000", timestamp: "2026-10-20T00:00:00.000Z" })
]

describe("the cost summary", () => {
  it.effect("says what each provider has cost, what was saved, and how often nobody knows", () =>
    Effect.gen(function* () {
      const found = yield* of(known)(Analytics.summary({}))
      assert.deepStrictEqual(found, {
        currency: "USD",
        from: "2026-10-23T00:00:00.000Z",
        to: "2026-11-21T18:00:00.000Z",
        total_cost: "5.45",
        total_tokens: 1_517,
        requests: 5,
        hits: 1,
        saved: "0.3",
        unpriced: 1,
        by_provider: {
          anthropic: {
            total_cost: "5",
            total_tokens: 7,
            average_cost_per_token: "0.714285714286",
            requests: 1,
            hits: 0,
            saved: "0",
            unpriced: 0
          },
          openai: {
            total_cost: "0.45",
            total_tokens: 1_510,
            average_cost_per_token: "0.000298013245",
            requests: 4,
            hits: 1,
            saved: "0.3",
            unpriced: 1
          }
        }
      })
      assert.deepStrictEqual(Schema.encodeSync(Reports.CostSummary)(found), found)
    })
  )

  it.effect("of nothing is zero, of which there is no average", () =>
    Effect.gen(function* () {
      const none = yield* of([])(Analytics.summary({ days: "1" }))
      assert.deepInclude(none, {
        total_cost: "0",
        total_tokens: 0,
        requests: 0,
        saved: "0",
        unpriced: 0,
        by_provider: {}
      })
      const failed = yield* of(known.slice(2, 3))(Analytics.summary({}))
      assert.deepInclude(failed.by_provider["openai"], { total_cost: "0", average_cost_per_token: null, unpriced: 1 })
    })
  )
})

describe("metrics", () => {
  it.effect("are requests, success rate, latency and cost of each provider and of all", () =>
    Effect.gen(function* () {
      const found = yield* of(known)(Analytics.metrics({ from: "2026-11-21", to: "2026-11-21" }))
      assert.deepInclude(found, { requests: 5, success_rate: 0.75, average_latency_ms: 433.666667, total_cost: "5.45" })
      assert.deepStrictEqual(found.by_provider["openai"], {
        requests: 4,
        successes: 2,
        failures: 1,
        cancelled: 1,
        success_rate: 0.666667,
        average_latency_ms: 150.5,
        input_tokens: 1_310,
        output_tokens: 200,
        total_tokens: 1_510,
        total_cost: "0.45",
        hits: 1,
        saved: "0.3",
        unpriced: 1
      })
      assert.deepStrictEqual(Schema.encodeSync(Reports.Metrics)(found), found)
      const none = yield* of(known)(Analytics.metrics({ from: "2026-11-20", to: "2026-11-20" }))
      assert.deepInclude(none, { requests: 0, success_rate: null, average_latency_ms: null, by_provider: {} })
    })
  )
})

describe("the top", () => {
  it.effect("models are those that were asked most often, users those who cost most", () =>
    Effect.gen(function* () {
      const models = yield* of(known)(Analytics.topModels({}))
      assert.deepStrictEqual(
        models.models.map(({ model, requests, total_cost }) => [model, requests, total_cost]),
        [
          ["gpt-4o", 4, "0.45"],
          ["claude-5", 1, "5"]
        ]
      )
      const users = yield* of(known)(Analytics.topUsers({}))
      assert.deepStrictEqual(
        users.users.map(({ total_cost, user }) => [user, total_cost]),
        [
          ["cid", "5"],
          ["ann", "0.4"],
          ["bob", "0.05"]
        ]
      )
      assert.deepStrictEqual(Schema.encodeSync(Reports.TopModels)(models), models)
      assert.deepStrictEqual(Schema.encodeSync(Reports.TopUsers)(users), users)
    })
  )

  it.effect("are as many as were asked for, by what was asked for", () =>
    Effect.gen(function* () {
      const first = (given: Parameters<typeof Analytics.topUsers>[0]) =>
        Effect.map(of(known)(Analytics.topUsers(given)), ({ by, users }) => [by, ...users.map(({ user }) => user)])
      assert.deepStrictEqual(yield* first({ limit: "1" }), ["cost", "cid"])
      assert.deepStrictEqual(yield* first({ limit: "2", by: "tokens" }), ["tokens", "ann", "bob"])
      assert.deepStrictEqual(yield* first({ limit: "2", by: "requests" }), ["requests", "ann", "bob"])
      assert.deepStrictEqual(yield* first({ days: "40", limit: "1" }), ["cost", "ann"])
    })
  )
})

describe("daily costs", () => {
  const late = entry({ timestamp: "2026-11-20T18:29:59.000Z", cost_usd: "1" })
  const night = entry({ timestamp: "2026-11-20T18:30:00.000Z", cost_usd: "2", user: "ann" })

  it.effect("are of every day, also of those that cost nothing, as the time zone has them", () =>
    Effect.gen(function* () {
      const shown = (given: Parameters<typeof Analytics.daily>[0]) =>
        Effect.map(of([late, night, hit()])(Analytics.daily(given)), ({ days, total_cost }) => [
          total_cost,
          ...days.map(({ cost, day }) => `${day} ${cost}`)
        ])
      assert.deepStrictEqual(yield* shown({ days: "3" }), ["3", "2026-11-19 0", "2026-11-20 3", "2026-11-21 0"])
      assert.deepStrictEqual(yield* shown({ days: "3", time_zone: "Asia/Kolkata" }), [
        "3",
        "2026-11-19 0",
        "2026-11-20 1",
        "2026-11-21 2"
      ])
      assert.deepStrictEqual(yield* shown({ days: "1", scope: "user:ann", time_zone: "Asia/Kolkata" }), [
        "2",
        "2026-11-21 2"
      ])
      assert.strictEqual((yield* shown({})).length, 31)
      const found = yield* of([late, hit()])(Analytics.daily({ days: "2" }))
      assert.deepStrictEqual(found.days, [
        { day: "2026-11-20", cost: "1", tokens: 15, requests: 1, hits: 0, saved: "0", unpriced: 0 },
        { day: "2026-11-21", cost: "0", tokens: 0, requests: 0, hits: 1, saved: "0.5", unpriced: 0 }
      ])
      assert.deepStrictEqual(Schema.encodeSync(Reports.DailyCosts)(found), found)
    })
  )

  it.effect("have the hour that comes twice in one day, and the next day's in the next", () =>
    Effect.gen(function* () {
      const dollars = [
        "2026-10-24T21:59Z",
        "2026-10-24T22:00Z",
        "2026-10-25T00:30Z",
        "2026-10-25T01:30Z",
        "2026-10-25T22:59Z",
        "2026-10-25T23:00Z"
      ]
      const entries = dollars.map((timestamp) => entry({ timestamp, cost_usd: "1" }))
      const asked = Analytics.daily({ from: "2026-10-24", to: "2026-10-26", time_zone: "Europe/Berlin" })
      const { days } = yield* of(entries)(asked)
      assert.deepStrictEqual(
        days.map(({ cost, day }) => [day, cost]),
        [
          ["2026-10-24", "1"],
          ["2026-10-25", "4"],
          ["2026-10-26", "1"]
        ]
      )
    })
  )
})

describe("the projection", () => {
  const daily = (count: number, usd: string) =>
    Array.from({ length: count }, (_, before) =>
      entry({
        timestamp: new Date(Date.parse("2026-11-20T12:00:00Z") - before * 86_400_000).toISOString(),
        cost_usd: usd
      })
    )

  it.effect("goes by the whole days from the first one with use, and adds what this month has cost", () =>
    Effect.gen(function* () {
      const today = entry({ timestamp: "2026-11-21T09:00:00.000Z", cost_usd: "100" })
      const found = yield* of([...daily(5, "10"), today])(Analytics.projection({}))
      const { daily: day, month_end: end, monthly, ...rest } = found
      assert.deepStrictEqual(rest, {
        currency: "USD",
        scope: "global",
        time_zone: "UTC",
        based_on_days: 5,
        confidence: 0.9,
        month: "2026-11",
        spent_this_month: "150"
      })
      // A quarter of today is left, and nine days.
      assert.deepStrictEqual([day?.expected, monthly?.expected, end?.expected], ["10", "300", "242.5"])
      assert.isBelow(Number(end?.low), 242.5)
      assert.isAtLeast(Number(end?.low), 150)
      assert.deepStrictEqual(Schema.encodeSync(Reports.CostProjection)(found), found)
    })
  )

  it.effect("goes by no more days than it is told to, and by days of use that cost nothing too", () =>
    Effect.gen(function* () {
      const basis = (entries: ReadonlyArray<LedgerEntry>, given: Parameters<typeof Analytics.projection>[0]) =>
        Effect.map(of(entries)(Analytics.projection(given)), (found) => [found.based_on_days, found.daily?.expected])
      assert.deepStrictEqual(yield* basis(daily(29, "1"), { days: "7" }), [7, "1"])
      assert.deepStrictEqual(yield* basis(daily(29, "1"), {}), [29, "1"])
      assert.deepStrictEqual(yield* basis(daily(3, "0"), {}), [3, "0"])
      assert.deepStrictEqual(yield* basis([...daily(3, "1"), ...daily(3, "2").slice(2)], { days: "30" }), [
        3,
        "1.666667"
      ])
      assert.deepStrictEqual(yield* basis(daily(3, "1"), { scope: "provider:openai" }), [3, "1"])
      assert.deepStrictEqual(yield* basis(daily(3, "1"), { scope: "provider:anthropic" }), [0, undefined])
    })
  )

  it.effect("is none on the first day, which is said", () =>
    Effect.gen(function* () {
      const found = yield* of([entry({ cost_usd: "3" })])(Analytics.projection({}))
      assert.deepInclude(found, {
        based_on_days: 0,
        daily: null,
        monthly: null,
        month_end: null,
        spent_this_month: "3"
      })
    })
  )

  it.effect("has months and days of its time zone", () =>
    Effect.gen(function* () {
      const at = Date.parse("2026-11-30T19:00:00Z")
      const entries = ["2026-11-30T18:00:00Z", "2026-11-30T18:45:00Z"].map((timestamp) =>
        entry({ timestamp, cost_usd: "1" })
      )
      const asked = (given: Parameters<typeof Analytics.projection>[0]) =>
        Effect.map(of(entries, at)(Analytics.projection(given)), (found) => [
          found.month,
          found.spent_this_month,
          found.based_on_days
        ])
      assert.deepStrictEqual(yield* asked({}), ["2026-11", "2", 0])
      assert.deepStrictEqual(yield* asked({ time_zone: "Asia/Kolkata" }), ["2026-12", "1", 1])
    })
  )
})

describe("what cannot be understood", () => {
  it.effect("is refused by its name", () =>
    Effect.gen(function* () {
      const wrong = [
        [Analytics.summary({ days: "no" }), "days"],
        [Analytics.metrics({ time_zone: "Moon/Sea" }), "time_zone"],
        [Analytics.daily({ scope: "galaxy:us" }), "scope"],
        [Analytics.daily({ scope: "provider:" }), "scope"],
        [Analytics.projection({ scope: "openai" }), "scope"],
        [Analytics.projection({ days: "31" }), "days"],
        [Analytics.topModels({ limit: "0" }), "limit"],
        [Analytics.topModels({ limit: "1001" }), "limit"],
        [Analytics.topUsers({ by: "luck" }), "by"]
      ] as const
      for (const [asked, param] of wrong) {
        const error = yield* Effect.flip(of(known)<unknown, DatabaseUnavailable | WrongQuery>(asked))
        assert(error._tag === "WrongQuery")
        assert.strictEqual(error.param, param)
        assert.include(error.message, `'${param}'`)
      }
    })
  )
})
