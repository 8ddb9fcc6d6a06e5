import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Reports from "../../src/ledger/Reports.js"
import * as Rollup from "../../src/ledger/Rollup.js"
import { entry, hit } from "../ledger/entries.js"
import { chain, doors, type Running } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { ask, at } from "./asking.js"

/** What happened just now. */
const used = ({ rollups }: Running) =>
  Effect.clockWith((clock) =>
    Effect.map(clock.currentTimeMillis, (now) => {
      const timestamp = new Date(now).toISOString()
      const entries = [
        entry({ timestamp, user: "ann", cost_usd: "0.25" }),
        entry({ timestamp, user: "bob/ü", cost_usd: "0.5", provider: "anthropic", model: "claude/5" }),
        hit({ timestamp, user: "ann", saved_usd: "0.25" })
      ]
      for (const each of entries) rollups.add?.(Rollup.rollupsOf(each))
    })
  )

for (const door of doors) {
  describe(`${door}: what was used and what it cost`, () => {
    it.scopedLive("is told by each route in its own shape", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [Upstream.refusing])
        yield* used(gateway)
        const get = <A, I>(path: string, schema: Schema.Schema<A, I>) =>
          Effect.map(ask(gateway, path), (answer) => {
            assert.strictEqual(answer.status, 200, path)
            return Schema.decodeUnknownSync(schema)(at(answer))
          })
        const summary = yield* get("/admin/costs/summary", Reports.CostSummary)
        assert.deepInclude(summary, { currency: "USD", total_cost: "0.75", requests: 2, hits: 1, saved: "0.25" })
        assert.deepStrictEqual(Object.keys(summary.by_provider), ["anthropic", "openai"])
        const { days } = yield* get("/admin/costs/daily?days=7&time_zone=Asia/Kolkata", Reports.DailyCosts)
        assert.deepStrictEqual([days.length, days.at(-1)?.cost], [7, "0.75"])
        const projection = yield* get("/admin/costs/projection?days=30", Reports.CostProjection)
        assert.deepInclude(projection, { based_on_days: 0, daily: null, spent_this_month: "0.75" })
        const metrics = yield* get("/admin/metrics?days=1", Reports.Metrics)
        assert.deepInclude(metrics, { requests: 2, success_rate: 1, average_latency_ms: 100 })
        const { models } = yield* get("/admin/top-models?limit=5&by=cost", Reports.TopModels)
        assert.deepStrictEqual(
          models.map(({ model }) => model),
          ["claude/5", "gpt-4o"]
        )
        const { users } = yield* get("/admin/top-users?limit=1", Reports.TopUsers)
        assert.deepStrictEqual(
          users.map(({ total_cost, user }) => [user, total_cost]),
          [["bob/ü", "0.5"]]
        )
        const scoped = yield* get(
          `/admin/costs/daily?days=1&scope=${encodeURIComponent("user:bob/ü")}`,
          Reports.DailyCosts
        )
        assert.strictEqual(scoped.total_cost, "0.5")
      })
    )

    it.scopedLive("is refused with the parameter that cannot be understood", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [Upstream.refusing])
        for (const [path, param] of [
          ["/admin/costs/summary?from=yesterday", "from"],
          ["/admin/costs/daily?scope=us", "scope"],
          ["/admin/costs/projection?days=90", "days"],
          ["/admin/metrics?time_zone=here", "time_zone"],
          ["/admin/top-models?limit=many", "limit"],
          ["/admin/top-users?by=name", "by"]
        ] as const) {
          const answer = yield* ask(gateway, path)
          assert.deepStrictEqual([answer.status, at(answer, "error", "param")], [400, param], path)
          assert.include(String(at(answer, "error", "message")), `'${param}' must`)
        }
        const posted = yield* ask(gateway, "/admin/costs/summary", { method: "POST", body: "{}" })
        assert.strictEqual(posted.status, 405)
      })
    )
  })
}
