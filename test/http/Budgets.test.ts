import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as BudgetsConfig from "../../src/config/Budgets.js"
import * as Either from "effect/Either"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Running } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat } from "./asking.js"

const budget = (scope: string, fields: Readonly<Record<string, unknown>>) =>
  Either.getOrThrow(BudgetsConfig.check(scope, fields, ["first"]))

/** An answer costs 39 millionths of a dollar, and this much at most. */
const served = (door: Door, budgets = [budget("global", { daily: 1 })]) =>
  Effect.gen(function* () {
    return yield* chain(door, [yield* Upstream.make(Replies.answer("hi"))], { settings: { budgets } })
  })

const put = (gateway: Running, scope: string, fields: object | string) =>
  ask(gateway, `/admin/budgets/${scope}`, {
    method: "PUT",
    body: typeof fields === "string" ? fields : JSON.stringify(fields)
  })

const remove = (gateway: Running, scope: string) => ask(gateway, `/admin/budgets/${scope}`, { method: "DELETE" })

const statusOf = (gateway: Running, fields: Readonly<Record<string, unknown>> = {}) =>
  Effect.map(chat(gateway, { max_tokens: 3, ...fields }), (answer) => answer.status)

for (const door of doors) {
  describe(`${door}: GET /admin/budgets`, () => {
    it.scopedLive("shows what is spent of each limit, exactly, and when there is more", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door, [
          budget("global", { daily: "0.000078", monthly: 10, mode: "soft" }),
          budget("user:*", { weekly: 5 })
        ])
        assert.strictEqual(yield* statusOf(gateway, { user: "alice" }), 200)
        const found = yield* ask(gateway, "/admin/budgets")
        assert.deepStrictEqual([at(found, "currency"), at(found, "budgets", 2)], ["USD", undefined])
        const midnight = new Date()
        midnight.setUTCHours(24, 0, 0, 0)
        assert.deepStrictEqual(at(found, "budgets", 0, "daily"), {
          limit: "0.000078",
          spent: "0.000039",
          reserved: "0",
          percentage: 50,
          resets_at: midnight.toISOString()
        })
        assert.deepStrictEqual(
          ["scope", "mode", "window", "time_zone", "source", "weekly"].map((field) => at(found, "budgets", 0, field)),
          ["global", "soft", "calendar", "UTC", "config", null]
        )
        assert.deepStrictEqual(
          ["based_on_days", "daily"].map((field) => at(found, "budgets", 0, "projection", field)),
          [0, null]
        )
        assert.deepStrictEqual(
          ["limit", "spent", "percentage"].map((field) => at(found, "budgets", 1, "weekly", field)),
          ["5", null, null]
        )
        assert.strictEqual(at(found, "budgets", 1, "projection"), null)
        const alice = yield* ask(gateway, "/admin/budgets/user%3Aalice")
        assert.deepStrictEqual(
          [at(alice, "scope"), at(alice, "weekly", "spent"), at(alice, "weekly", "limit")],
          ["user:alice", "0.000039", "5"]
        )
        const nobody = yield* ask(gateway, "/admin/budgets/provider:openai")
        assert.deepStrictEqual([nobody.status, at(nobody, "error", "code")], [404, "budget_not_found"])
      })
    )
  })

  describe(`${door}: PUT and DELETE /admin/budgets/{scope}`, () => {
    it.scopedLive("set a budget that holds from the next request on, over what is configured, and take it back", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        assert.strictEqual(yield* statusOf(gateway), 200)
        const set = yield* put(gateway, "global", { daily: "0.0001", monthly: 200 })
        assert.deepStrictEqual(
          [set.status, at(set, "source"), at(set, "daily", "limit"), at(set, "daily", "spent")],
          [200, "api", "0.0001", "0.000039"]
        )
        const refused = yield* chat(gateway, { max_tokens: 3 })
        assert.deepStrictEqual([refused.status, at(refused, "error", "code")], [402, "budget_exceeded"])
        const taken = yield* remove(gateway, "global")
        assert.deepStrictEqual(at(taken), { scope: "global", deleted: true })
        assert.strictEqual(yield* statusOf(gateway), 200)
        const shown = yield* ask(gateway, "/admin/budgets/global")
        assert.deepStrictEqual([at(shown, "source"), at(shown, "daily", "limit")], ["config", "1"])
        const kept = yield* remove(gateway, "global")
        assert.deepStrictEqual([kept.status, at(kept, "error", "code")], [409, "configured"])
        assert.match(gateway.log.join("\n"), /an operator set the budget global/)
      })
    )

    it.scopedLive("take names with slashes, and know what was never set", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door, [])
        const scope = "model:vendor/m:free"
        assert.strictEqual((yield* put(gateway, scope, { weekly: 5, mode: "soft" })).status, 200)
        assert.strictEqual(at(yield* ask(gateway, `/admin/budgets/${scope}`), "scope"), scope)
        assert.strictEqual((yield* remove(gateway, encodeURIComponent(scope))).status, 200)
        const gone = yield* remove(gateway, scope)
        assert.deepStrictEqual([gone.status, at(gone, "error", "code")], [404, "budget_not_found"])
      })
    )

    it.scopedLive("say everything that is wrong, and then set nothing", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door, [])
        const cases = [
          ["global", {}, /must have at least one of daily, weekly and monthly/],
          ["global", { daily: "ten" }, /daily: must be an amount of US dollars/],
          ["global", { daily: -1 }, /daily: must be an amount of US dollars/],
          ["global", { daily: 1, mode: "firm" }, /mode: must be one of hard, soft/],
          ["global", { daly: 1, weekly: 1 }, /daly: is not a known field; did you mean daily/],
          ["global", { daily: 1, timeZone: "Berlin" }, /timeZone: must be a time zone/],
          ["global", { daily: 1, scope: "user:ann" }, /scope: must be left out/],
          ["instance:nope", { daily: 1 }, /no instance is called nope/],
          ["provider:opnai", { daily: 1 }, /did you mean openai/],
          ["model:*", { daily: 1 }, /must name a model/],
          ["everything", { daily: 1 }, /scope: must be global, or provider:/]
        ] as const
        for (const [scope, fields, message] of cases) {
          const refused = yield* put(gateway, scope, fields)
          assert.deepStrictEqual([refused.status, at(refused, "error", "code")], [400, "invalid_config"], scope)
          assert.match(String(at(refused, "error", "message")), message)
        }
        for (const body of ["", "[]", "{"]) {
          const refused = yield* put(gateway, "global", body)
          assert.deepStrictEqual([refused.status, at(refused, "error", "code")], [400, "invalid_json"], body)
        }
        assert.deepStrictEqual(at(yield* ask(gateway, "/admin/budgets"), "budgets"), [])
      })
    )
  })
}
