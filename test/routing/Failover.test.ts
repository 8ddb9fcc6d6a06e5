import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Catalog } from "../../src/catalog/Catalog.js"
import type { CatalogRow } from "../../src/catalog/Rows.js"
import type { Settings } from "../../src/config/Settings.js"
import { local } from "../../src/domain/Caller.js"
import { Circuits } from "../../src/health/Circuits.js"
import * as Explain from "../../src/routing/Explain.js"
import * as Failover from "../../src/routing/Failover.js"
import { Planner } from "../../src/routing/Planner.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

const vllm = (id: string, more = {}) =>
  instance(id, { provider: "openai-compatible", baseUrl: `http://${id}.test/v1`, ...more })

const row = (id: string, more: Partial<CatalogRow> = {}): CatalogRow => ({
  modelId: "m",
  instance: id,
  providerModelId: `m-at-${id}`,
  promptPrice: "1",
  completionPrice: "2",
  active: true,
  ...more
})

const instances = [vllm("a"), vllm("b"), vllm("c"), vllm("off", { enabled: false })]

/** The gateway on these lists. */
const on = <A, E>(
  body: Effect.Effect<A, E, Catalog | Circuits | Planner>,
  rows: ReadonlyArray<CatalogRow> = instances.map(({ id }) => row(id)),
  more: Partial<Settings> = {}
): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    yield* (yield* Catalog).setRows(rows)
    return yield* body
  }).pipe(Effect.provide(gateway(settings({ instances, ...more }))))

const known = Effect.flatMap(Planner, ({ knowledge }) => Effect.map(Clock.currentTimeMillis, knowledge))

const found = (activeOnly: boolean, name = "m") =>
  Effect.map(known, (knowledge) =>
    Failover.providersFor(name, { activeOnly }, knowledge).map((each) => [
      each.priority,
      each.instance,
      each.active,
      each.left_out
    ])
  )

const answers = (id: string, ms: number) =>
  Effect.flatMap(Circuits, ({ admit }) =>
    Effect.sync(() => {
      const target = instances.find((each) => each.id === id) ?? assert.fail(id)
      const permit = admit(target, `m-at-${id}`, () => 0, { streamed: false, extra: false })
      permit?.begin(ms)
      permit?.succeed(undefined)
    })
  )

describe("who serves a model", () => {
  it.effect("are those whom a plan asks, in its order: health, latency, price", () =>
    on(
      Effect.gen(function* () {
        yield* answers("a", 900)
        yield* answers("b", 100)
        yield* answers("c", 120)
        const planner = yield* Planner
        const plan = Either.getOrThrow(planner.plan(request(), local, 0))
        assert.deepStrictEqual(
          plan.candidates.map((each) => each.instance.id),
          ["c", "b", "a"]
        )
        assert.deepStrictEqual(
          yield* found(true),
          plan.candidates.map((each, at) => [at + 1, each.instance.id, true, null])
        )
        const explained = Either.getOrThrow(Explain.make("m", yield* known))
        assert.deepStrictEqual(
          explained.failover_order.map((each) => each.instance),
          ["c", "b", "a"]
        )
        const [first] = Failover.providersFor("m", { activeOnly: true }, yield* known)
        assert.deepStrictEqual(first, {
          priority: 1,
          provider: "openai-compatible",
          instance: "c",
          provider_model_id: "m-at-c",
          active: true,
          left_out: null,
          health: "healthy",
          response_time_ms: 120,
          pricing: { prompt: "0.5", completion: "2" }
        })
      }),
      [row("a"), row("b"), row("c", { promptPrice: "0.5" })]
    )
  )

  it.effect("are behind them those who are ill, and then those who are out of service, with the reason", () =>
    on(
      Effect.gen(function* () {
        const circuits = yield* Circuits
        const [a] = instances
        if (a !== undefined) circuits.force(a, "open", 0)
        const ill = [null, "a", true, "an operator opened its circuit"]
        assert.deepStrictEqual(yield* found(true), [[1, "b", true, null], ill])
        assert.deepStrictEqual(yield* found(false), [
          [1, "b", true, null],
          ill,
          [null, "c", false, "the model is out of service there"],
          [null, "off", false, "off is out of service"]
        ])
      }),
      instances.map(({ id }) => row(id, { active: id !== "c" }))
    )
  )

  it.effect("keep the order of a configured chain, whoever is faster or cheaper", () =>
    on(
      Effect.gen(function* () {
        yield* answers("a", 900)
        yield* answers("b", 10)
        assert.deepStrictEqual(
          (yield* found(true)).map(([, id]) => id),
          ["a", "b"]
        )
      }),
      [],
      {
        models: [
          model(
            "m",
            ["a", "b"].map((id) => ({ instance: id, model: `m-at-${id}`, catch: undefined }))
          )
        ]
      }
    )
  )

  it.effect("are nobody for a model that nobody has", () =>
    on(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* found(false, "gpt-4o"), [])
        const knowledge = yield* known
        assert.isUndefined(Failover.providerModelId("gpt-4o", "a", knowledge))
        assert.isFalse(Failover.isAvailable("gpt-4o", "a", knowledge))
      })
    )
  )

  it.effect("each have a name for it, and have it in service or not", () =>
    on(
      Effect.gen(function* () {
        const knowledge = yield* known
        const asked = (provider: string) => [
          Failover.providerModelId("m", provider, knowledge),
          Failover.isAvailable("m", provider, knowledge)
        ]
        assert.deepStrictEqual(asked("b"), ["m-at-b", true])
        assert.deepStrictEqual(asked("off"), ["m-at-off", false])
        assert.deepStrictEqual(asked("openai-compatible"), ["m-at-a", true])
        assert.deepStrictEqual(asked("nobody"), [undefined, false])
      })
    )
  )

  it.effect("are out of service with the whole model", () =>
    on(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* found(true), [])
        assert.deepStrictEqual(
          (yield* found(false)).map(([, id, active]) => [id, active]),
          [["a", false]]
        )
      }),
      [],
      { models: [{ ...model("m", ["a"]), enabled: false }] }
    )
  )
})
