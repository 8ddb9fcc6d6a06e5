import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { lines } from "../../src/cli/Budgets.js"
import { chain } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { run } from "./running.js"

const limit = {
  limit: "10",
  spent: "4.25",
  reserved: "0.5",
  percentage: 42.5,
  resets_at: "2026-03-05T00:00:00.000Z"
} as const

describe("orelse budgets", () => {
  it("has a line for each limit", () => {
    const budget = {
      scope: "global",
      mode: "hard",
      window: "calendar",
      time_zone: "UTC",
      worst_case: null,
      source: "config",
      daily: limit,
      weekly: null,
      monthly: { ...limit, spent: null, reserved: null, percentage: null, resets_at: null },
      projection: null
    } as const
    assert.deepStrictEqual(lines([budget]), [
      "scope   mode  limit    USD  spent  reserved          more at",
      "global  hard  daily    10   4.25   0.5       42.5 %  2026-03-05T00:00:00Z",
      "global  hard  monthly  10   -      -                 -"
    ])
    assert.deepStrictEqual(lines([]), ["No budget is set."])
  })

  it.scopedLive("sets a budget of the gateway at --url, shows it, and takes it back", () =>
    Effect.gen(function* () {
      const gateway = yield* chain("standalone", [Upstream.refusing])
      const budgets = (...args: ReadonlyArray<string>) => run("budgets", "--url", gateway.url, ...args)
      const set = yield* budgets("--set", "daily=10, monthly=200,mode=soft", "user:*")
      assert.match(set.printed, /^user:\* +soft +monthly +200 +- /m)
      const all = yield* budgets("--json")
      assert.deepInclude(JSON.parse(all.printed).budgets[0], { scope: "user:*", mode: "soft", weekly: null })
      assert.match((yield* budgets("user:a b")).printed, /^user:a b +soft +daily +10 +0 +0 +0 %/m)
      const gone = yield* budgets("--remove", "user:*")
      assert.strictEqual(gone.printed, "user:*: what was set is taken back")
      assert.strictEqual((yield* budgets()).printed, "No budget is set.")
      const wrong = [
        ["--set", "daily", "global"],
        ["--set", "daily=much", "global"],
        ["--set", "daily=1"],
        ["--remove", "global"],
        ["--remove", "--set", "daily=1", "global"]
      ]
      for (const args of wrong) assert.isTrue(Exit.isFailure((yield* budgets(...args)).exit), args.join(" "))
    })
  )
})
