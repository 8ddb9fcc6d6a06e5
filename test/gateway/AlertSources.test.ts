import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import type { AlertSettings } from "../../src/config/Settings.js"
import { CurrentSettings, type Settings } from "../../src/config/Settings.js"
import { Alerts } from "../../src/alerts/Alerts.js"
import type { Alert, AlertKind } from "../../src/domain/Alert.js"
import * as Money from "../../src/domain/Money.js"
import * as AlertSources from "../../src/gateway/AlertSources.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as Live from "../../src/gateway/Live.js"
import { Circuits } from "../../src/health/Circuits.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { sized } from "../../src/provider/SimulatedSize.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { Database, type DatabaseStatus } from "../../src/store/Database.js"
import { Journal } from "../../src/store/Journal.js"
import { kindsOf, settled, webhook, webhooks, type Webhooks } from "../alerts/running.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

/** A gateway whose model `m` is asked of `a` and then `b`, and a webhook. */
const between = <A, E>(
  body: (to: Webhooks) => Effect.Effect<A, E, Gateway | Simulator | Circuits>,
  events?: ReadonlyArray<AlertKind>,
  overrides: Partial<Settings> = {}
) => {
  const to = webhooks()
  const alerts: AlertSettings = {
    webhooks: [webhook("https://hook.example/", { format: "json", events })],
    repeatAfter: 3_600_000,
    timeout: 1_000
  }
  const instances = [instance("a"), instance("b")]
  const configured = settings({ instances, models: [model("m", ["a", "b"])], alerts, ...overrides })
  return Effect.provide(
    body(to),
    Live.layerNoTransport.pipe(
      Layer.provideMerge(Layer.merge(to.layer, Simulator.layer)),
      Layer.provide(Layer.succeed(CurrentSettings, configured))
    )
  )
}

const script = (id: string, ...replies: ReadonlyArray<Simulated.SimulatedReply>) =>
  Effect.flatMap(Simulator, (simulator) => simulator.script(id, ...replies))

const ask = (fields: Readonly<Record<string, unknown>> = {}, within = 5_000) =>
  Effect.gen(function* () {
    const service = yield* Gateway
    const fiber = yield* Effect.fork(Effect.either(service.complete(request(fields))))
    yield* TestClock.adjust(within)
    const answered = yield* Fiber.join(fiber)
    yield* settled
    return answered._tag
  })

describe("the gateway tells", () => {
  it.effect("once of a circuit that opens, however often it is tried in vain, and again after it was closed", () =>
    between((to) =>
      Effect.gen(function* () {
        yield* script("a", Simulated.serverError)
        yield* script("b", Simulated.answer("it works"))
        for (let time = 0; time < 20; time++) assert.strictEqual(yield* ask(), "Right")
        assert.deepStrictEqual(
          to.posts.map(({ body }) => (JSON.parse(body) as { text: string }).text),
          ["`a` is not asked any more after 3 failures in a row; it is tried again in 60 s"]
        )
        yield* script("a", Simulated.answer("it works"))
        for (let time = 0; time < 10; time++) yield* ask({}, 60_000)
        assert.strictEqual(to.posts.length, 1)
        yield* script("a", Simulated.serverError)
        for (let time = 0; time < 5; time++) yield* ask()
        assert.deepStrictEqual(kindsOf(to.posts), ["circuit_open", "circuit_open"])
      })
    )
  )

  it.effect("of a key that is refused, and not of its circuit", () =>
    between((to) =>
      Effect.gen(function* () {
        yield* script(
          "a",
          Simulated.failure(401, { message: "Incorrect API key provided: sk-aVerySecretKeyOfSomebody123" })
        )
        yield* script("b", Simulated.answer("it works"))
        for (let time = 0; time < 5; time++) yield* ask()
        assert.deepStrictEqual(kindsOf(to.posts), ["key_out"])
        assert.notInclude(to.posts[0]?.body ?? "", "sk-")
      })
    )
  )

  it.effect("of a request that nobody answers, once, with what failed and not with what was asked", () =>
    between(
      (to) =>
        Effect.gen(function* () {
          for (const id of ["a", "b"]) yield* script(id, Simulated.serverError)
          for (let time = 0; time < 5; time++) {
            yield* ask({ messages: [{ role: "user", content: "the launch code is 0000" }] })
          }
          assert.strictEqual(to.posts.length, 1)
          const told = JSON.parse(to.posts[0]?.body ?? "") as { details: unknown }
          assert.deepStrictEqual(told.details, { model: "m", categories: ["provider_unavailable"] })
          assert.notInclude(to.posts[0]?.body ?? "", "0000")
        }),
      ["fallback_exhausted"]
    )
  )

  it.effect("nothing of a request that is itself at fault, or names what nobody has", () =>
    between((to) =>
      Effect.gen(function* () {
        for (const id of ["a", "b"]) yield* script(id, Simulated.failure(400, { message: "no" }))
        assert.strictEqual(yield* ask(), "Left")
        assert.strictEqual(yield* ask({ model: "nobody/has-it", provider: { only: ["nobody"] } }), "Left")
        assert.deepStrictEqual(to.posts, [])
      })
    )
  )

  it.effect("once of a hard budget that refuses calls, also where another candidate answers them", () => {
    const fields = { weekly: undefined, monthly: undefined, mode: "hard", window: "calendar", timeZone: "UTC" } as const
    const simulated = { latency: 100, tokenInterval: 0, failureRate: 0, failures: [] }
    const budget = { ...fields, scope: "instance:a", daily: Money.fromUsd(1), worstCase: undefined }
    return between(
      (to) =>
        Effect.gen(function* () {
          // An answer costs 10 cents, and 20 at most.
          yield* script("a", sized({ prompt: 5, answer: 1_000 }, 1_000))
          for (let call = 0; call < 12; call++) assert.strictEqual(yield* ask({ max_tokens: 2_000 }), "Right")
          yield* TestClock.adjust("1 minute")
          yield* settled
          const told = to.posts.map(({ body }) => {
            const { details } = JSON.parse(body) as { details: Readonly<Record<string, unknown>> }
            return ["scope", "percent", "spent_usd", "reason"].map((field) => details[field])
          })
          assert.deepStrictEqual(told, [
            ["instance:a", 50, "0.5", undefined],
            ["instance:a", 80, "0.8", undefined],
            ["instance:a", 100, "0.9", "refuses_calls"]
          ])
        }),
      ["budget_threshold"],
      {
        budgets: [budget],
        instances: [instance("a", { pricing: { prompt: 0, completion: 100 }, simulated }), instance("b")]
      }
    )
  })

  it.effect("nothing of a circuit that an operator holds open", () =>
    between((to) =>
      Effect.gen(function* () {
        const circuits = yield* Circuits
        circuits.force(instance("a"), "open", 0)
        yield* settled
        assert.deepStrictEqual(to.posts, [])
        yield* script("a", Simulated.serverError)
        yield* script("b", Simulated.answer("it works"))
        circuits.force(instance("a"), "auto", 0)
        for (let time = 0; time < 5; time++) yield* ask()
        assert.deepStrictEqual(kindsOf(to.posts), ["circuit_open"])
      })
    )
  )

  it.scoped("of a database or a journal that takes nothing for a while, and when it was well in between", () =>
    Effect.gen(function* () {
      const told: Array<Alert> = []
      const over: Array<unknown> = []
      const state = { status: "starting" as DatabaseStatus, writable: true, dropped: 0 }
      const stores = Layer.mergeAll(
        Layer.succeed(Alerts, {
          tell: (alert) => void told.push(alert),
          over: (kind, about) => void over.push([kind, ...about]),
          latest: () => Effect.die("nobody asks"),
          test: Effect.die("nobody asks")
        }),
        Layer.succeed(
          Journal,
          Journal.of({
            ...Context.get(yield* Layer.build(Journal.none), Journal),
            stats: () => ({ pending: 0, adopted: 0, bytes: 0, dropped: state.dropped, writable: state.writable })
          })
        ),
        Layer.succeed(Database, Database.of({ ...Database.closed("it is away"), status: () => state.status }))
      )
      yield* Layer.build(Layer.provide(AlertSources.stores, stores))
      const look = TestClock.adjust("5 seconds")
      yield* look
      state.status = "down"
      yield* look
      assert.deepStrictEqual(told, [])
      yield* look
      const down: Alert = { kind: "store_trouble", store: "database", trouble: "down" }
      assert.deepStrictEqual(told, [down])
      state.status = "up"
      yield* look
      assert.deepStrictEqual(over, [["store_trouble", "database"]])
      state.dropped = 1
      yield* look
      const full: Alert = { kind: "store_trouble", store: "journal", trouble: "full" }
      assert.deepStrictEqual(told, [down, full])
    })
  )
})
