import { assert, layer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import { Catalog } from "../../src/catalog/Catalog.js"
import { CatalogRows } from "../../src/catalog/CatalogRows.js"
import * as StoredCatalog from "../../src/catalog/StoredCatalog.js"
import { CurrentSettings } from "../../src/config/Settings.js"
import { database } from "../support/database.js"
import { instance, settings } from "../support/settings.js"

const [a, b] = [instance("a"), instance("b")]

const row = (id: string, fields: Partial<Parameters<CatalogRows["Type"]["replace"]>[1][number]> = {}) => ({
  modelId: "m",
  instance: id,
  providerModelId: `maker/m-of-${id}`,
  promptPrice: "0.15",
  completionPrice: "0.6",
  contextWindow: 8_192,
  ...fields
})

const stored = Layer.mergeAll(StoredCatalog.following, StoredCatalog.layer).pipe(
  Layer.provideMerge(Catalog.layer),
  Layer.provideMerge(database),
  Layer.provide(Layer.succeed(CurrentSettings, settings({ instances: [a, b] })))
)

layer(stored, { timeout: "60 seconds", excludeTestServices: true })("the catalogue in the tables", (it) => {
  it.scoped("has what a sync kept, and what another sync took away no more", () =>
    Effect.gen(function* () {
      const catalog = yield* Catalog
      const rows = yield* CatalogRows
      const changes = yield* PubSub.subscribe(catalog.changes)
      const until = (holds: () => boolean) =>
        Effect.gen(function* () {
          const due = yield* Deferred.make<void>()
          yield* Effect.forkScoped(
            Effect.forever(
              Effect.suspend(() => (holds() ? Deferred.succeed(due, undefined) : Effect.asVoid(Queue.take(changes))))
            )
          )
          yield* Effect.timeout(Deferred.await(due), "10 seconds")
        })
      const named = () =>
        catalog
          .snapshot()
          .resolve("m")
          .map((target) => [target.instance.id, target.model])
      assert.deepStrictEqual(named(), [
        ["a", "m"],
        ["b", "m"]
      ])
      assert.deepStrictEqual(yield* rows.replace(a, [row("a")]), { added: 1, updated: 0, removed: 0 })
      yield* rows.replace(b, [row("b"), row("b", { modelId: "other", providerModelId: "other" })])
      yield* until(() => catalog.snapshot().rows.all("m").length === 2)
      assert.deepStrictEqual(named(), [
        ["a", "maker/m-of-a"],
        ["b", "maker/m-of-b"]
      ])
      assert.deepInclude(catalog.snapshot().rows.own("a", "maker/m-of-a"), {
        promptPrice: "0.15",
        completionPrice: "0.6",
        contextWindow: 8_192,
        active: true
      })
      assert.deepStrictEqual(yield* rows.replace(b, [row("b")]), { added: 0, updated: 0, removed: 1 })
      yield* until(() => !catalog.snapshot().rows.models.has("other"))
    })
  )
})
