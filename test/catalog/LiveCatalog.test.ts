import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import { Catalog } from "../../src/catalog/Catalog.js"
import { LiveSettings } from "../../src/config/LiveSettings.js"
import { none } from "../../src/config/Overlay.js"
import { CurrentSettings, type InstanceSettings, type Settings } from "../../src/config/Settings.js"
import { instance, model, routing, settings } from "../support/settings.js"

const keyed = (id: string, more: Partial<InstanceSettings> = {}) =>
  instance(id, { apiKey: Redacted.make(`sk-${id}`), ...more })

/** The same words each time, in other objects. */
const configured = (more: Partial<Settings> = {}): Settings =>
  settings({ instances: [keyed("a"), keyed("b", { priority: 2 })], models: [model("m", ["a", "b"])], ...more })

const on = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, Layer.provide(Catalog.layer, Layer.succeed(CurrentSettings, configured())))

describe("the catalogue", () => {
  it.effect("keeps the object of every instance that says the same, its key included", () =>
    on(
      Effect.gen(function* () {
        const { setSettings, snapshot } = yield* Catalog
        const before = snapshot()
        setSettings(configured())
        assert.notStrictEqual(snapshot(), before)
        for (const [at, each] of before.instances.entries()) assert.strictEqual(snapshot().instances[at], each)
        const other = keyed("b", { priority: 2, apiKey: Redacted.make("sk-another") })
        setSettings(configured({ instances: [keyed("a"), other] }))
        assert.strictEqual(snapshot().find("a"), before.find("a"))
        assert.notStrictEqual(snapshot().find("b"), before.find("b"))
      })
    )
  )

  it.effect("leaves a snapshot as it is for whoever has it", () =>
    on(
      Effect.gen(function* () {
        const { setSettings, snapshot } = yield* Catalog
        const before = snapshot()
        setSettings(configured({ models: [], instances: [keyed("c")] }))
        assert.deepStrictEqual(
          [before.resolve("m"), snapshot().resolve("m")].map((targets) => targets.map((each) => each.instance.id)),
          [["a", "b"], ["c"]]
        )
      })
    )
  )

  it.effect("lays what was changed on top of every new configuration, and tells what no longer fits", () =>
    on(
      Effect.gen(function* () {
        const { setOverlay, setRouting, setSettings, snapshot } = yield* Catalog
        const instances = new Map([["b", { fields: { weight: 9 } }]])
        assert.isEmpty(setOverlay({ ...none, instances }))
        setRouting({ strategy: "round-robin" })
        assert.isEmpty(setSettings(configured({ routing: { ...routing, deadline: 5 } })))
        const { routing: mixed } = snapshot().settings
        assert.deepStrictEqual([mixed.strategy, mixed.deadline, snapshot().find("b")?.weight], ["round-robin", 5, 9])
        const unfit = setSettings(configured({ instances: [keyed("a")] }))
        assert.deepStrictEqual(
          unfit.map(({ id, section }) => [section, id]),
          [["instances", "b"]]
        )
        setSettings(configured())
        assert.strictEqual(snapshot().find("b")?.weight, 9)
      })
    )
  )

  it.scoped("tells of every change", () =>
    on(
      Effect.gen(function* () {
        const { changes, setRouting, setRows, snapshot } = yield* Catalog
        const { current, subscribe } = yield* LiveSettings
        const [told, live] = [yield* PubSub.subscribe(changes), yield* subscribe]
        setRouting({ strategy: "weighted" })
        assert.strictEqual(yield* Queue.take(told), snapshot())
        assert.strictEqual((yield* Queue.take(live)).settings, current())
        assert.strictEqual(current().routing.strategy, "weighted")
        yield* setRows([{ instance: "a", modelId: "x", providerModelId: "x-1", active: true }])
        assert.deepStrictEqual((yield* Queue.take(told)).modelNames, ["m", "x"])
      })
    )
  )
})
