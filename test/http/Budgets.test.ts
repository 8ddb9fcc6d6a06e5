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

  describe(`${door}: GET /admin/failover/model/{model}`, () => {
    it.scopedLive("leaves out whom a budget refused, until there is more", () =>
      Effect.gen(function* () {
        const providers = [yield* Upstream.make(Replies.answer("hi")), yield* Upstream.make(Replies.answer("ho"))]
        const budgets = [budget("instance:first", { daily: "0.00112" })]
        const gateway = yield* chain(door, providers, { settings: { budgets } })
        const order = Effect.map(ask(gateway, "/admin/failover/model/m"), (found) => [
          at(found, "failover_order", 0, "instance"),
          at(found, "excluded"),
          at(found, "recommendation")
        ])
        assert.deepStrictEqual(yield* order, ["first", [], "first is asked first, and 1 more can take over"])
        // Each may cost some 1,095 millionths at most and costs 39: the second finds too little.
        const answers = yield* Effect.replicateEffect(chat(gateway, { max_tokens: 3 }), 3)
        assert.deepStrictEqual(
          answers.map((answer) => answer.headers.get("x-orelse-instance")),
          ["first", "second", "second"]
        )
        const detail = "the budget instance:first does not pay for the call"
        assert.deepStrictEqual(yield* order, [
          "second",
          [{ instance: "first", provider_model_id: "m", reason: "budget_exceeded", detail }],
          `first is left out (${detail}); only second is left, and nobody can take over until another is well`
        ])
        const failover = yield* ask(gateway, "/admin/failover/status")
        assert.strictEqual(at(failover, "failover_status", 0, "primary"), "second")
        assert.strictEqual((yield* put(gateway, "instance:first", { daily: 1 })).status, 200)
        assert.strictEqual((yield* order)[0], "first")
      })
    )
  })

  describe(`${door}: PUT and DELETE /admin/budgets/{scope}`, () => {
    it.scopedLive("say in the log where a budget is of keys, which no caller over HTTP has", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        for (const scope of ["key:*", "user:*"]) {
          assert.strictEqual((yield* put(gateway, scope, { daily: 1 })).status, 200)
        }
        const log = gateway.log.join("\n")
        assert.match(log, /an operator set the budget key:\*; over HTTP it holds nobody/)
        assert.notMatch(log, /an operator set the budget user:\*; over HTTP/)
      })
    )

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
