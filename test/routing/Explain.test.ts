import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { makeSnapshot } from "../../src/catalog/Catalog.js"
import type { InstanceSettings, ModelSettings } from "../../src/config/Settings.js"
import type { Ailing, InstanceStatus } from "../../src/health/Status.js"
import { Pricing } from "../../src/ledger/Pricing.js"
import * as Explain from "../../src/routing/Explain.js"
import * as Plan from "../../src/routing/Plan.js"
import { instance, model, settings } from "../support/settings.js"

interface Setup {
  readonly instances?: ReadonlyArray<InstanceSettings>
  readonly models?: ReadonlyArray<ModelSettings>
  /** By instance. */
  readonly ailing?: Readonly<Record<string, Ailing>>
  readonly statuses?: Readonly<Record<string, InstanceStatus>>
}

const explained = (name: string, setup: Setup = {}) =>
  Effect.map(Pricing, (pricing) =>
    Explain.make(name, {
      snapshot: makeSnapshot(
        settings({
          instances: setup.instances ?? ["a", "b", "c"].map((id) => instance(id)),
          models: setup.models ?? [model("m", ["a", "b", "c"])]
        })
      ),
      situation: () => ({ ...Plan.unknown, ailment: ({ instance: { id } }) => setup.ailing?.[id] }),
      statusOf: ({ id }) => setup.statuses?.[id],
      pricing,
      now: Date.UTC(2026, 0, 1)
    })
  ).pipe(Effect.provide(Pricing.layer))

const explain = (name: string, setup?: Setup) => Effect.map(explained(name, setup), Either.getOrThrow)

const open = (until: number): Ailing => ({ reason: "circuit_open", detail: "its circuit is open for 9 s", until })

const status: InstanceStatus = {
  instance: "a",
  provider: "simulated",
  status: "degraded",
  circuit: "closed",
  consecutive_failures: 1,
  retry_in_s: null,
  error_rate: 0.2,
  latency_ms: { p50: 40, p95: 50, p99: 60 }
}

describe("an explanation", () => {
  it.effect("shows the candidates in the order in which they are asked, with what opens each", () =>
    Effect.gen(function* () {
      const target = { instance: "b", model: "vendor/b", catch: ["rate_limit", "timeout"] as const }
      const { failover_order, ...rest } = yield* explain("m", {
        models: [model("m", ["a", target])],
        statuses: { a: status }
      })
      const free = { prompt: "0", completion: "0" }
      assert.deepStrictEqual(failover_order, [
        {
          priority: 1,
          provider: "simulated",
          instance: "a",
          provider_model_id: "m",
          catch_errors: null,
          health: "degraded",
          response_time_ms: 40,
          pricing: free
        },
        {
          priority: 2,
          provider: "simulated",
          instance: "b",
          provider_model_id: "vendor/b",
          catch_errors: ["rate_limit", "timeout"],
          health: null,
          response_time_ms: null,
          pricing: free
        }
      ])
      assert.deepStrictEqual(rest, {
        model: "m",
        strategy: "priority",
        waits_ms: 5_000,
        providers_available: 2,
        excluded: [],
        recommendation: "a is asked first, and 1 more can take over",
        max_attempts: 6,
        max_cost_usd: "0",
        deadline_ms: 120_000,
        mid_stream: "never"
      })
    })
  )

  it.effect("says who is left out and why, and who answers instead", () =>
    Effect.gen(function* () {
      const { excluded, failover_order, recommendation } = yield* explain("m", { ailing: { a: open(9_000) } })
      assert.deepStrictEqual(
        failover_order.map((step) => `${step.priority} ${step.instance}`),
        ["1 b", "2 c"]
      )
      assert.deepStrictEqual(excluded, [
        { instance: "a", provider_model_id: "m", reason: "circuit_open", detail: "its circuit is open for 9 s" }
      ])
      assert.strictEqual(
        recommendation,
        "a is left out (its circuit is open for 9 s); b is asked first, and 1 more can take over"
      )
    })
  )

  it.effect("names the last resort where nobody is well", () =>
    Effect.gen(function* () {
      const ailing = { a: open(9_000), b: open(5_000), c: open(7_000) }
      const { failover_order, providers_available, recommendation } = yield* explain("m", { ailing })
      assert.deepStrictEqual([failover_order.map((step) => step.instance), providers_available], [["b"], 1])
      assert.match(recommendation, /^nobody is well; b is the nearest to its recovery/)
    })
  )

  it.effect("warns of a model that nobody could take over", () =>
    Effect.gen(function* () {
      const alone = yield* explain("m", { models: [model("m", ["a"])] })
      assert.match(alone.recommendation, /^only a serves it; /)
      const left = yield* explain("m", { ailing: { b: open(1), c: open(1) } })
      assert.match(left.recommendation, /^only a is left, /)
      const twice = [
        { instance: "a", model: "x", catch: undefined },
        { instance: "a", model: "y", catch: undefined }
      ]
      const same = yield* explain("m", { models: [model("m", twice)] })
      assert.deepStrictEqual([same.failover_order.length, same.providers_available], [2, 1])
      assert.match(same.recommendation, /^only a serves it; /)
    })
  )

  it.effect("shows prices for a million tokens: the operator's, the catalogue's, or none", () =>
    Effect.gen(function* () {
      const instances = [
        instance("own", { provider: "openai", pricing: { prompt: 1.5, completion: 20 } }),
        instance("listed", { provider: "openai" }),
        instance("unknown", { provider: "openai-compatible", baseUrl: "http://127.0.0.1:1/v1" })
      ]
      const targets = instances.map(({ id }) => ({ instance: id, model: "gpt-4o-mini", catch: undefined }))
      const { failover_order } = yield* explain("m", { instances, models: [model("m", targets)] })
      assert.deepStrictEqual(
        failover_order.map((step) => step.pricing),
        [{ prompt: "1.5", completion: "20" }, { prompt: "0.15", completion: "0.6" }, null]
      )
    })
  )

  it.effect("is none for a model that nobody serves", () =>
    Effect.gen(function* () {
      const instances = [instance("a", { models: ["x"] })]
      const error = Either.getOrThrow(Either.flip(yield* explained("y", { instances, models: [] })))
      assert.strictEqual(error._tag, "ModelNotServed")
    })
  )
})
