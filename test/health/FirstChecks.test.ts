import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { Catalog } from "../../src/catalog/Catalog.js"
import type { InstanceSettings, Settings } from "../../src/config/Settings.js"
import { ProviderUnavailable } from "../../src/domain/ProviderError.js"
import { Circuits } from "../../src/health/Circuits.js"
import { Health } from "../../src/health/Health.js"
import { instance, settings } from "../support/settings.js"
import { gatewayOn, json, network } from "../support/wires.js"

const at = (id: string, more: Partial<InstanceSettings> = {}): InstanceSettings =>
  instance(id, { provider: "openai-compatible", baseUrl: `http://${id}.test/v1`, ...more })

const configured = (instances: ReadonlyArray<InstanceSettings>, more: Partial<Settings["health"]> = {}): Settings =>
  settings({ instances, health: { ...settings().health, checkOnStart: true, ...more } })

/** A gateway whose instances list one model each; `asked` tells whom since it was last asked. */
const checking = <A, E>(
  start: Settings,
  body: (asked: () => ReadonlyArray<string>) => Effect.Effect<A, E, Catalog | Circuits | Health>
) => {
  const asked: Array<string> = []
  const { transport } = network((wire) => {
    const id = new URL(wire.outgoing.origin).hostname.replace(".test", "")
    asked.push(id)
    wire.play(200, json, [Buffer.from(`{"data":[{"id":"of-${id}"}]}`)])
  })
  return body(() => asked.splice(0)).pipe(Effect.provide(gatewayOn(transport, start)))
}

const set = (to: Settings) =>
  Effect.gen(function* () {
    const { setSettings } = yield* Catalog
    setSettings(to)
    yield* TestClock.adjust("1 second")
  })

const down = ({ id }: InstanceSettings) =>
  new ProviderUnavailable({ provider: "openai-compatible", instance: id, model: "m", message: "no" })

const discovered = Effect.map(Health, (health) => health.discovered().map(({ model }) => model))

describe("an instance that comes while the gateway runs", () => {
  it.effect("is checked once, and those that were there are not", () =>
    checking(configured([at("a")]), (asked) =>
      Effect.gen(function* () {
        yield* set(configured([at("a"), at("b"), at("off", { enabled: false })]))
        assert.deepStrictEqual(asked(), ["b"])
        yield* set(configured([at("a"), at("b"), at("off")]))
        assert.deepStrictEqual(asked(), ["off"])
        yield* set(configured([at("a"), at("b", { weight: 2 }), at("off")]))
        assert.deepStrictEqual(asked(), ["b"])
      })
    )
  )

  it.effect("is not checked where the operator wants no first checks", () =>
    checking(configured([at("a")]), (asked) =>
      Effect.gen(function* () {
        yield* set(configured([at("a"), at("b")], { checkOnStart: false }))
        assert.isEmpty(asked())
      })
    )
  )

  it.effect("begins anew with another key, unless an operator holds its circuit", () =>
    checking(configured([at("a"), at("b")], { checkOnStart: false }), () =>
      Effect.gen(function* () {
        const circuits = yield* Circuits
        const { setSettings, snapshot } = yield* Catalog
        const circuitsNow = () => snapshot().instances.map((each) => circuits.of(each, 0).circuit)
        const failed = (each: InstanceSettings) => {
          for (let call = 0; call < 3; call++) {
            circuits.admit(each, "m", () => 0, { streamed: false, extra: false })?.fail(down(each), true)
          }
        }
        const [a = at("a"), b = at("b")] = snapshot().instances
        failed(a)
        circuits.force(b, "open", 0)
        assert.deepStrictEqual(circuitsNow(), ["open", "open"])
        setSettings(configured([at("a", { weight: 2 }), at("b")], { checkOnStart: false }))
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(circuitsNow(), ["open", "open"])
        const apiKey = Redacted.make("sk-new")
        setSettings(configured([at("a", { apiKey }), at("b", { apiKey })], { checkOnStart: false }))
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(circuitsNow(), ["closed", "open"])
      })
    )
  )
})

describe("what checks have found", () => {
  it.effect("stays with an instance that says the same, and goes with one that does not", () =>
    checking(configured([at("a"), at("b")], { checkOnStart: false }), () =>
      Effect.gen(function* () {
        const health = yield* Health
        const { snapshot } = yield* Catalog
        yield* health.checkAll
        assert.deepStrictEqual(yield* discovered, ["of-a", "of-b"])
        yield* set(configured([at("a"), at("b", { priority: 0 }), at("c")], { checkOnStart: false }))
        assert.deepStrictEqual(yield* discovered, ["of-a"])
        const known = snapshot().instances.map((each) => health.latest(each, 1_000)?.available)
        assert.deepStrictEqual(known, [undefined, true, undefined])
        assert.deepStrictEqual(
          (yield* health.checkAll).map((check) => check.instance.id),
          ["a", "b", "c"]
        )
      })
    )
  )

  it.effect("is remembered for as long as the settings of the moment say", () =>
    checking(configured([at("a")], { cacheFor: 60_000 }), () =>
      Effect.gen(function* () {
        const health = yield* Health
        const { setSettings, snapshot } = yield* Catalog
        yield* health.checkAll
        const [a = at("a")] = snapshot().instances
        assert.isDefined(health.latest(a, 5_000))
        setSettings(configured([at("a")], { cacheFor: 2_000 }))
        assert.isUndefined(health.latest(a, 5_000))
      })
    )
  )
})
