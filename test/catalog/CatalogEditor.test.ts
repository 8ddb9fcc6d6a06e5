import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Catalog } from "../../src/catalog/Catalog.js"
import { CatalogEditor } from "../../src/catalog/CatalogEditor.js"
import { CatalogStore, StoreFailed, type Change } from "../../src/catalog/CatalogStore.js"
import { none } from "../../src/config/Overlay.js"
import { CurrentSettings } from "../../src/config/Settings.js"
import { instance, model, settings } from "../support/settings.js"

const configured = settings({ instances: [instance("a"), instance("b")], models: [model("m", ["a", "b"])] })

const editing = <A, E>(
  save: (change: Change) => Effect.Effect<void, StoreFailed>,
  effect: Effect.Effect<A, E, Catalog | CatalogEditor>
): Effect.Effect<A, E> =>
  effect.pipe(
    Effect.provide(
      CatalogEditor.layer.pipe(
        Layer.provideMerge(Catalog.layer),
        Layer.provide(Layer.succeed(CatalogStore, { save })),
        Layer.provide(Layer.succeed(CurrentSettings, configured))
      )
    )
  )

describe("a change", () => {
  it.effect("is in the store before it is made, whole and with its key apart", () => {
    const saved: Array<Change> = []
    const seen: Array<number> = []
    return Effect.gen(function* () {
      const catalog = yield* Catalog
      const editor = yield* CatalogEditor
      yield* editor.addInstance({ id: "c", provider: "openai", apiKey: "sk-c", weight: 2 })
      yield* editor.changeInstance("c", { weight: 4 })
      seen.push(catalog.snapshot().instances.length)
      const [added, changed] = saved
      if (added?._tag !== "Instance" || changed?._tag !== "Instance") return assert.fail("no instance was saved")
      assert.deepStrictEqual(added.entry.fields, { provider: "openai", weight: 2 })
      assert.deepStrictEqual(changed.entry.fields, { provider: "openai", weight: 4 })
      assert.strictEqual(Redacted.value(changed.entry.apiKey ?? Redacted.make("none")), "sk-c")
      assert.deepStrictEqual([added.before, changed.before], [undefined, added.entry])
      assert.deepStrictEqual([changed.made.provider, changed.made.weight], ["openai", 4])
      assert.notInclude(JSON.stringify(saved), "sk-c")
      yield* editor.changeModel("m", { enabled: false })
      yield* editor.changeRouting({ strategy: "weighted", weights: { a: 1 } })
      yield* editor.changeRouting({ strategy: "least-busy" })
      assert.deepStrictEqual(saved.slice(2), [
        { _tag: "Model", id: "m", before: undefined, entry: { enabled: false }, enabled: false },
        { _tag: "Routing", before: {}, routing: { strategy: "weighted", weights: { a: 1 } } },
        {
          _tag: "Routing",
          before: { strategy: "weighted", weights: { a: 1 } },
          routing: { strategy: "least-busy", weights: { a: 1 } }
        }
      ])
    }).pipe((effect) =>
      editing(
        (change) =>
          Effect.sync(() => {
            saved.push(change)
          }),
        effect
      )
    )
  })

  it.effect("that cannot be saved is not made", () =>
    editing(
      () => Effect.fail(new StoreFailed({ message: "the disk is full" })),
      Effect.gen(function* () {
        const catalog = yield* Catalog
        const editor = yield* CatalogEditor
        const before = catalog.snapshot()
        for (const change of [
          editor.addInstance({ id: "c", provider: "simulated" }),
          editor.changeInstance("a", { enabled: false }),
          editor.addModel({ id: "n", targets: [{ instance: "a", model: "n" }] }),
          editor.changeRouting({ strategy: "weighted" })
        ]) {
          assert.strictEqual((yield* Effect.flip(change)).message, "the disk is full")
        }
        assert.strictEqual(catalog.snapshot(), before)
        assert.strictEqual(catalog.overlay(), none)
      })
    )
  )

  it.effect("keeps what the store has brought of others meanwhile", () =>
    Effect.gen(function* () {
      const others = new Map([["b", { fields: { weight: 7 } }]])
      let bring = (): void => {}
      yield* editing(
        () => Effect.sync(() => bring()),
        Effect.gen(function* () {
          const catalog = yield* Catalog
          bring = () => void catalog.setOverlay({ ...none, instances: others })
          yield* (yield* CatalogEditor).changeInstance("a", { weight: 5 })
          assert.deepStrictEqual(
            catalog.snapshot().instances.map(({ weight }) => weight),
            [5, 7]
          )
        })
      )
    })
  )

  it.effect("is not refused for what did not fit before, and is for what it would break", () =>
    editing(
      () => Effect.void,
      Effect.gen(function* () {
        const catalog = yield* Catalog
        const editor = yield* CatalogEditor
        const models = new Map([["n", { aliases: ["x"], targets: [{ instance: "a", model: "n" }] }]])
        catalog.setOverlay({ ...none, models, instances: new Map([["gone", { fields: { weight: 3 } }]]) })
        yield* editor.changeInstance("a", { weight: 5 })
        const error = yield* Effect.flip(editor.changeModel("m", { aliases: ["x"] }))
        assert.deepStrictEqual(error._tag === "ChangeRefused" ? error.problems.map(({ path }) => path) : [], [
          "aliases[0]"
        ])
        yield* editor.changeInstance("gone", { provider: "simulated" })
        assert.strictEqual(catalog.snapshot().find("gone")?.weight, 3)
      })
    )
  )
})
