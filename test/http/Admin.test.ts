import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { hello } from "../support/calls.js"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Running } from "../support/server.js"
import { model, settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat } from "./asking.js"

const served = (door: Door, overrides: Partial<Parameters<typeof settings>[0]> = {}) =>
  Effect.gen(function* () {
    const first = yield* Upstream.make(Replies.answer("of the first"))
    const second = yield* Upstream.make(Replies.answer("of the second"))
    const models = [
      { ...model("m", ["first", "second"]), aliases: ["vendor/deep/m:free"] },
      model("lonely", ["second"])
    ]
    const gateway = yield* chain(door, [first, second], { settings: { models, ...overrides } })
    return { gateway, first, second }
  })

const put = (gateway: Running, instance: string, body: string) =>
  ask(gateway, `/admin/providers/${instance}/circuit`, { method: "PUT", body })

const set = (gateway: Running, state: string) => put(gateway, "first", JSON.stringify({ state }))

const servedBy = (gateway: Running) =>
  Effect.map(chat(gateway), ({ headers }) => [
    headers.get("x-orelse-instance"),
    headers.get("x-orelse-attempts"),
    headers.get("x-orelse-fallback")
  ])

for (const door of doors) {
  describe(`${door}: GET /admin/providers`, () => {
    it.scopedLive("shows each instance and all of them in numbers", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const fresh = yield* ask(gateway, "/admin/providers")
        const unknown = { p50: null, p95: null, p99: null }
        const entry = (instance: string) => ({
          instance,
          provider: "openai-compatible",
          status: "healthy",
          circuit: "closed",
          consecutive_failures: 0,
          retry_in_s: null,
          error_rate: null,
          latency_ms: unknown
        })
        assert.deepStrictEqual(at(fresh), {
          instances: [entry("first"), entry("second")],
          overall: { healthy: 2, recovering: 0, down: 0, total: 2 },
          disabled: [],
          unfit: []
        })
        yield* chat(gateway)
        const used = yield* ask(gateway, "/admin/providers")
        assert.strictEqual(at(used, "instances", 0, "error_rate"), 0)
        assert.isNumber(at(used, "instances", 0, "latency_ms", "p50"))
        assert.deepStrictEqual(at(used, "instances", 1), entry("second"))
      })
    )

    it.scopedLive("shows that failures have opened a circuit and when it is tried again, and so does /health", () =>
      Effect.gen(function* () {
        const second = yield* Upstream.make(Replies.answer("of the second"))
        const gateway = yield* chain(door, [Upstream.refusing, second])
        for (const _ of [1, 2, 3]) assert.deepStrictEqual(yield* servedBy(gateway), ["second", "2", "true"])
        const shown = yield* ask(gateway, "/admin/providers")
        const of = (field: string) => at(shown, "instances", 0, field)
        assert.deepStrictEqual(
          [of("status"), of("circuit"), of("consecutive_failures"), of("error_rate")],
          ["unhealthy", "open", 3, 1]
        )
        const seconds = Number(of("retry_in_s"))
        assert.isTrue(seconds > 30 && seconds <= 60, String(seconds))
        assert.deepStrictEqual(at(shown, "overall"), { healthy: 1, recovering: 0, down: 1, total: 2 })
        const health = yield* ask(gateway, "/health")
        assert.deepStrictEqual(at(health, "instances"), { healthy: 1, recovering: 0, down: 1 })
        assert.deepStrictEqual(yield* servedBy(gateway), ["second", "1", "true"])
        const explained = yield* ask(gateway, "/admin/failover/model/m")
        assert.deepStrictEqual(
          [at(explained, "failover_order", 0, "instance"), at(explained, "excluded", 0, "reason")],
          ["second", "circuit_open"]
        )
      })
    )
  })

  describe(`${door}: PUT /admin/providers/{instance}/circuit`, () => {
    it.scopedLive("holds it open, and gives it back to its own judgement", () =>
      Effect.gen(function* () {
        const { first, gateway } = yield* served(door)
        const opened = yield* set(gateway, "open")
        assert.deepStrictEqual(
          ["instance", "status", "circuit", "retry_in_s"].map((field) => at(opened, field)),
          ["first", "unhealthy", "open", null]
        )
        assert.deepStrictEqual(yield* servedBy(gateway), ["second", "1", "true"])
        assert.isEmpty(first.received)
        assert.match(gateway.log.join("\n"), /an operator set the circuit of first to open/)
        assert.strictEqual(at(yield* set(gateway, "auto"), "status"), "healthy")
        assert.deepStrictEqual(yield* servedBy(gateway), ["first", "1", "false"])
      })
    )

    it.scopedLive("holds it closed, whatever fails", () =>
      Effect.gen(function* () {
        const second = yield* Upstream.make(Replies.answer("of the second"))
        const gateway = yield* chain(door, [Upstream.refusing, second])
        yield* set(gateway, "closed")
        for (const _ of [1, 2, 3, 4, 5]) assert.deepStrictEqual(yield* servedBy(gateway), ["second", "2", "true"])
        const shown = yield* ask(gateway, "/admin/providers")
        assert.strictEqual(at(shown, "instances", 0, "circuit"), "closed")
      })
    )

    it.scopedLive("says what is wrong with the request, and then changes nothing", () =>
      Effect.gen(function* () {
        const server = { ...settings().server, bodyLimit: 1_000 }
        const { gateway } = yield* served(door, { server })
        for (const body of ["", "open", "{}", '{"state":"half_open"}', '["open"]']) {
          const answer = yield* put(gateway, "first", body)
          assert.deepStrictEqual(
            [answer.status, at(answer, "error", "code"), at(answer, "error", "param")],
            [400, "invalid_type", "state"],
            body
          )
        }
        const none = yield* put(gateway, "third", '{"state":"open"}')
        assert.deepStrictEqual([none.status, at(none, "error", "code")], [404, "instance_not_found"])
        const large = yield* put(gateway, "first", `{"state":"open","more":"${"x".repeat(1_000)}"}`)
        assert.deepStrictEqual([large.status, at(large, "error", "code")], [413, "request_too_large"])
        assert.strictEqual((yield* ask(gateway, "/admin/providers/first/circuit")).status, 405)
        assert.deepStrictEqual(at(yield* ask(gateway, "/admin/providers"), "overall", "healthy"), 2)
      })
    )
  })

  describe(`${door}: GET /admin/failover/model/{model_id}`, () => {
    it.scopedLive("shows whose quota is used up, and until when", () =>
      Effect.gen(function* () {
        const usedUp = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "40s" }
        const first = yield* Upstream.make(({ stream }) =>
          stream ? Replies.opening("none") : Replies.json(200, JSON.parse(hello.toString()), usedUp)
        )
        const second = yield* Upstream.make(Replies.answer("of the second"))
        const gateway = yield* chain(door, [first, second])
        assert.deepStrictEqual(yield* servedBy(gateway), ["first", "1", "false"])
        assert.deepStrictEqual(yield* servedBy(gateway), ["second", "1", "true"])
        const explained = yield* ask(gateway, "/admin/failover/model/m")
        assert.strictEqual(at(explained, "failover_order", 0, "instance"), "second")
        assert.strictEqual(at(explained, "excluded", 0, "reason"), "quota_low")
        assert.match(
          String(at(explained, "recommendation")),
          /first is left out \(its quota of requests is used up for \d+ s\)/
        )
      })
    )

    it.scopedLive("shows the plan that a request would get, and calls nobody", () =>
      Effect.gen(function* () {
        const { first, gateway, second } = yield* served(door)
        const answer = yield* ask(gateway, "/admin/failover/model/m")
        const step = (priority: number, instance: string) => ({
          priority,
          provider: "openai-compatible",
          instance,
          provider_model_id: "m",
          catch_errors: null,
          health: "healthy",
          response_time_ms: null,
          pricing: { prompt: "1", completion: "10" }
        })
        assert.deepStrictEqual(at(answer), {
          model: "m",
          strategy: "priority",
          waits_ms: 5_000,
          providers_available: 2,
          failover_order: [step(1, "first"), step(2, "second")],
          excluded: [],
          recommendation: "first is asked first, and 1 more can take over",
          max_attempts: 2,
          max_cost_usd: null,
          deadline_ms: 120_000,
          mid_stream: "never"
        })
        assert.isEmpty([...first.received, ...second.received])
      })
    )

    it.scopedLive("takes ids with slashes, spelled plainly or escaped", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        for (const id of ["vendor/deep/m:free", encodeURIComponent("vendor/deep/m:free")]) {
          const answer = yield* ask(gateway, `/admin/failover/model/${id}`)
          assert.deepStrictEqual(
            [at(answer, "model"), at(answer, "failover_order", 0, "provider_model_id")],
            ["vendor/deep/m:free", "m"]
          )
        }
        const pinned = yield* ask(gateway, `/admin/failover/model/${encodeURIComponent("second/a|b c")}`)
        assert.deepStrictEqual(
          [at(pinned, "model"), at(pinned, "failover_order", 0, "instance")],
          ["second/a|b c", "second"]
        )
      })
    )

    it.scopedLive("is 404 for a model that nobody serves", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door, { instances: [], models: [] })
        const answer = yield* ask(gateway, "/admin/failover/model/vendor/none")
        assert.deepStrictEqual(
          [answer.status, at(answer, "error", "code"), at(answer, "error", "message")],
          [404, "model_not_found", "no provider is configured for the model 'vendor/none'"]
        )
      })
    )
  })

  describe(`${door}: GET /admin/failover/status`, () => {
    it.scopedLive("says of each model who answers it now and who takes over", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const both = { providers_count: 2, primary: "first", fallback: "second", has_failover: true }
        const lonely = { providers_count: 1, primary: "second", fallback: null, has_failover: false }
        assert.deepStrictEqual(at(yield* ask(gateway, "/admin/failover/status")), {
          total_models: 3,
          models_with_failover: 2,
          failover_status: [
            { model: "m", ...both },
            { model: "vendor/deep/m:free", ...both },
            { model: "lonely", ...lonely }
          ]
        })
        yield* set(gateway, "open")
        const after = yield* ask(gateway, "/admin/failover/status")
        assert.deepStrictEqual(
          [at(after, "models_with_failover"), at(after, "failover_status", 0)],
          [0, { model: "m", ...lonely }]
        )
      })
    )
  })

  describe(`${door}: the routes of the operator`, () => {
    it.scopedLive("answer only who holds the admin key, once there is one", () =>
      Effect.gen(function* () {
        const server = { ...settings().server, adminKey: Redacted.make("admin-8d1e5c7b") }
        const { gateway } = yield* served(door, { server })
        for (const [method, path] of [
          ["GET", "/admin/providers"],
          ["PUT", "/admin/providers/first/circuit"],
          ["GET", "/admin/failover/status"],
          ["GET", "/admin/failover/model/m"],
          ["GET", "/admin/failover/model/vendor%2Fm"]
        ] as const) {
          const body = method === "PUT" ? { body: '{"state":"auto"}' } : {}
          assert.strictEqual((yield* ask(gateway, path, { method, ...body })).status, 401, path)
          const headers = { authorization: "Bearer admin-8d1e5c7b" }
          assert.strictEqual((yield* ask(gateway, path, { method, headers, ...body })).status, 200, path)
        }
      })
    )
  })
}
