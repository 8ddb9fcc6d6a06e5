import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CostLines from "../../src/cli/CostLines.js"
import * as Rollup from "../../src/ledger/Rollup.js"
import { ask, at } from "../http/asking.js"
import { entry, hit } from "../ledger/entries.js"
import { chain } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { run } from "./running.js"

const range = { currency: "USD", from: "2026-11-01T00:00:00.000Z", to: "2026-11-21T18:15:00.000Z" } as const

const usage = { requests: 3, hits: 1, saved: "0.25", unpriced: 0 }

describe("the lines of costs", () => {
  it("are one a provider and one for all, and say what nobody knows", () => {
    const openai = { ...usage, total_cost: "0.000039", total_tokens: 1_000, average_cost_per_token: "0.000000039" }
    const none = { ...usage, requests: 1, total_cost: "0", total_tokens: 0, average_cost_per_token: null, unpriced: 1 }
    const found = {
      ...range,
      ...usage,
      total_cost: "0.000039",
      total_tokens: 1_000,
      unpriced: 1,
      by_provider: { openai, groq: none }
    }
    assert.deepStrictEqual(CostLines.summary(found), [
      "provider  requests  tokens  USD       USD a token  hits  USD saved",
      "openai    3         1000    0.000039  0.000000039  1     0.25",
      "groq      1         0       0         -            1     0.25",
      "total: 0.000039 USD for 3 requests from 2026-11-01T00:00Z to 2026-11-21T18:15Z",
      "The cost of 1 request is not known, and not in these figures: see `pricing` of the instances."
    ])
    assert.deepStrictEqual(CostLines.summary({ ...found, by_provider: {} }), [
      "nothing was used from 2026-11-01T00:00Z to 2026-11-21T18:15Z"
    ])
  })

  it("are one a day", () => {
    const days = [
      { ...usage, day: "2026-11-20", cost: "1.5", tokens: 10 },
      { day: "2026-11-21", cost: "0", tokens: 0, requests: 0, hits: 0, saved: "0", unpriced: 2 }
    ]
    const found = { ...range, scope: "user:ann", time_zone: "Asia/Kolkata", total_cost: "1.5", days }
    assert.deepStrictEqual(CostLines.daily(found), [
      "day         requests  tokens  USD  hits  USD saved",
      "2026-11-20  3         10      1.5  1     0.25",
      "2026-11-21  0         0       0    0     0",
      "total: 1.5 USD of user:ann, by days of Asia/Kolkata",
      "The cost of 2 requests is not known, and not in these figures: see `pricing` of the instances."
    ])
  })

  it("are one a model or user, what cost most first", () => {
    const row = {
      ...usage,
      successes: 2,
      failures: 1,
      cancelled: 0,
      success_rate: 0.666667,
      average_latency_ms: 149.6,
      input_tokens: 7,
      output_tokens: 3,
      total_tokens: 10,
      total_cost: "1.5"
    }
    assert.deepStrictEqual(CostLines.models({ ...range, by: "cost", models: [{ ...row, model: "gpt-4o" }] }), [
      "model   requests  success  latency  tokens  USD  hits  USD saved",
      "gpt-4o  3         66.7 %   150 ms   10      1.5  1     0.25"
    ])
    const unknown = { ...row, user: "ann", success_rate: null, average_latency_ms: null }
    assert.match(CostLines.users({ ...range, by: "cost", users: [unknown] })[1] ?? "", /^ann +3 +- +- +10 /)
    assert.match(CostLines.users({ ...range, by: "cost", users: [] })[0] ?? "", /^nothing was used/)
  })

  it("are what is to come, with what it goes by", () => {
    const estimate = { expected: "10", low: "5", high: "15" }
    const found = {
      currency: "USD" as const,
      scope: "global",
      time_zone: "UTC",
      based_on_days: 5,
      confidence: 0.9,
      daily: estimate,
      monthly: { expected: "300", low: "200", high: "400" },
      month: "2026-11",
      spent_this_month: "150",
      month_end: { expected: "242.5", low: "200", high: "280" }
    }
    assert.deepStrictEqual(CostLines.projection(found), [
      "                    USD expected  from  to",
      "a day               10            5     15",
      "30 days             300           200   400",
      "2026-11 at its end  242.5         200   280",
      "2026-11 has cost 150 USD so far. Based on 5 whole days; about 90 % of the time it is within the range."
    ])
    assert.deepStrictEqual(
      CostLines.projection({ ...found, based_on_days: 0, daily: null, monthly: null, month_end: null }),
      ["2026-11 has cost 150 USD so far. There is no whole day with use to go by yet, so nothing is projected."]
    )
  })
})

describe("orelse costs", () => {
  it.scopedLive("shows what the gateway at --url has used, by what is asked for", () =>
    Effect.gen(function* () {
      const gateway = yield* chain("standalone", [Upstream.refusing])
      const timestamp = new Date().toISOString()
      for (const each of [entry({ timestamp, user: "ann", cost_usd: "0.25" }), hit({ timestamp, user: "bob" })]) {
        gateway.rollups.add?.(Rollup.rollupsOf(each))
      }
      const costs = (...args: ReadonlyArray<string>) => run("costs", "--url", gateway.url, ...args)
      assert.match((yield* costs()).printed, /^provider .*\nopenai +1 +15 +0\.25 .*\ntotal: 0\.25 USD for 1 requests/)
      assert.match((yield* costs("--by", "model", "--limit", "1")).printed, /\ngpt-4o +1 +100 % +100 ms +15 +0\.25 /)
      assert.match((yield* costs("--by", "user")).printed, /\nann .*\nbob +0 +- +- +0 +0 +1 +0\.5$/)
      const days = yield* costs("--by", "day", "--days", "3", "--scope", "user:ann", "--time-zone", "Europe/Berlin")
      assert.strictEqual(days.printed.split("\n").length, 5)
      assert.match(days.printed, /total: 0\.25 USD of user:ann, by days of Europe\/Berlin$/)
      assert.match((yield* costs("--projection")).printed, /has cost 0\.25 USD so far\. There is no whole day/)
      const answered = at(yield* ask(gateway, "/admin/costs/summary?days=7"))
      assert.deepStrictEqual(JSON.parse((yield* costs("--days", "7", "--json")).printed), answered)
    })
  )

  it.scopedLive("says what it cannot do", () =>
    Effect.gen(function* () {
      const gateway = yield* chain("standalone", [Upstream.refusing])
      const message = (...args: ReadonlyArray<string>) =>
        Effect.map(run("costs", "--url", gateway.url, ...args), ({ exit }) =>
          Exit.isFailure(exit) ? String(exit.cause) : assert.fail("it did")
        )
      assert.include(yield* message("--days", "0"), "'days' must be a whole number from 1 to 400")
      assert.include(yield* message("--scope", "user:ann"), "--scope says nothing here")
      assert.include(yield* message("--projection", "--from", "2026-01-01"), "--from says nothing here")
      assert.include(yield* message("--projection", "--by", "day"), "it takes no --by")
      assert.include(yield* message("--by", "planet"), "InvalidValue")
    })
  )
})
