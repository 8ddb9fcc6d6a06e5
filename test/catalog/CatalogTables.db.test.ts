import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Change } from "../../src/catalog/CatalogStore.js"
import * as CatalogTables from "../../src/catalog/CatalogTables.js"
import type { ModelRow } from "../../src/catalog/ModelRow.js"
import type { InstanceEntry } from "../../src/config/Overlay.js"
import * as Seal from "../../src/store/Seal.js"
import { migrated } from "../support/database.js"
import { instance } from "../support/settings.js"

const seal = Seal.make(Redacted.make("the admin's word"))

const tidy = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`TRUNCATE providers, models, model_routes, settings CASCADE`
)

const patched = (id: string, fields: Readonly<Record<string, unknown>>, before?: InstanceEntry): Change => ({
  _tag: "Instance",
  id,
  before,
  entry: { fields },
  made: instance(id)
})

const save = (change: Change, sealed?: string | null) => CatalogTables.save(change, sealed, seal)

const listed = (providerModelId: string, more: Partial<ModelRow> = {}): ModelRow => ({
  modelId: providerModelId,
  instance: "a",
  providerModelId,
  promptPrice: undefined,
  completionPrice: undefined,
  contextWindow: undefined,
  ...more
})

const a = instance("a")

/** How many changes it counts as. */
const counts = <A, E, R>(effect: Effect.Effect<A, E, R>, of: keyof CatalogTables.Versions = "catalog") =>
  Effect.gen(function* () {
    const before = yield* CatalogTables.versions
    yield* effect
    const after = yield* CatalogTables.versions
    const other = of === "catalog" ? "models" : "catalog"
    assert.strictEqual(after[other], before[other])
    return Number(after[of]) - Number(before[of])
  })

const providers = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ slug: string; is_active: boolean }>`SELECT slug, is_active FROM providers ORDER BY slug`
)

const ids = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ id: number; name: string }>`SELECT id, provider_model_id AS name FROM models`,
    (rows) => new Map(rows.map(({ id, name }) => [name, id]))
  )
)

layer(migrated, { timeout: "60 seconds" })("the tables of the catalogue", (it) => {
  it.effect("give back whole what was changed: fields of instances, null ones too, models and routing", () =>
    Effect.gen(function* () {
      yield* tidy
      const fields = { weight: 9, models: ["m", "n"], pricing: null, timeouts: { total: 5 } }
      const target = { targets: [{ instance: "a", model: "m" }], midStream: null }
      const routing = { strategy: "weighted", weights: { a: 3, b: 0 } } as const
      const changes: ReadonlyArray<Change> = [
        patched("a", fields),
        patched("b", {}),
        { _tag: "Model", id: "m", before: undefined, entry: target, enabled: true },
        { _tag: "Model", id: "n", before: undefined, entry: { enabled: false }, enabled: false },
        { _tag: "Routing", before: {}, routing }
      ]
      for (const change of changes) assert.strictEqual(yield* counts(save(change)), 1)
      const overlay = yield* CatalogTables.load(seal)
      assert.deepStrictEqual(
        [...overlay.instances],
        [
          ["a", { fields }],
          ["b", { fields: {} }]
        ]
      )
      assert.deepStrictEqual(
        [...overlay.models],
        [
          ["m", target],
          ["n", { enabled: false }]
        ]
      )
      assert.deepStrictEqual(overlay.routing, routing)
    })
  )

  it.effect("have the latest of what was said of one thing, and forget a model that is taken back", () =>
    Effect.gen(function* () {
      yield* tidy
      const apiKey = Redacted.make("sk-old")
      yield* save(patched("a", { weight: 1 }), seal.close(apiKey))
      yield* save(patched("a", { priority: 2 }, { fields: { weight: 1 }, apiKey }), null)
      const targets = { targets: [] }
      yield* save({ _tag: "Model", id: "m", before: undefined, entry: targets, enabled: true })
      yield* save({ _tag: "Model", id: "m", before: targets, entry: undefined, enabled: true })
      const weighted = { strategy: "weighted", weights: { a: 1 } } as const
      yield* save({ _tag: "Routing", before: {}, routing: weighted })
      yield* save({ _tag: "Routing", before: weighted, routing: { strategy: "priority" } })
      const overlay = yield* CatalogTables.load(seal)
      assert.deepStrictEqual([...overlay.instances], [["a", { fields: { priority: 2 }, apiKey: null }]])
      assert.deepStrictEqual([...overlay.models], [])
      assert.deepStrictEqual(overlay.routing, { strategy: "priority" })
    })
  )

  it.effect("refuse a change of what somebody else has changed meanwhile, and leave it as it is", () =>
    Effect.gen(function* () {
      yield* tidy
      const [old, other] = [Redacted.make("sk-old"), Redacted.make("sk-other")]
      const before = { fields: { weight: 1 }, apiKey: old }
      yield* save(patched("a", before.fields), seal.close(old))
      // The other one has given it another key: the fields are as they were.
      yield* save(patched("a", before.fields, before), seal.close(other))
      yield* save({ _tag: "Model", id: "m", before: undefined, entry: { enabled: false }, enabled: false })
      yield* save({ _tag: "Routing", before: {}, routing: { strategy: "weighted" } })
      const kept = yield* CatalogTables.load(seal)
      const late: ReadonlyArray<Change> = [
        patched("a", { weight: 2 }, before),
        patched("a", { weight: 2 }),
        patched("new", { weight: 2 }, before),
        { _tag: "Model", id: "m", before: undefined, entry: { aliases: ["x"] }, enabled: true },
        { _tag: "Model", id: "m", before: { enabled: true }, entry: undefined, enabled: true },
        { _tag: "Routing", before: {}, routing: { strategy: "priority" } }
      ]
      for (const change of late) {
        const refused = Effect.map(Effect.flip(save(change)), ({ _tag }) =>
          assert.strictEqual(_tag, "ChangedMeanwhile")
        )
        assert.strictEqual(yield* counts(refused), 0)
      }
      assert.deepStrictEqual(yield* CatalogTables.load(seal), kept)
      yield* save(patched("a", { weight: 2 }, { ...before, apiKey: other }), seal.close(other))
    })
  )

  it.effect("count nothing of a change that they refuse", () =>
    Effect.gen(function* () {
      yield* tidy
      const refused = save({ _tag: "Model", id: "", before: undefined, entry: {}, enabled: true })
      assert.strictEqual(yield* counts(Effect.flip(refused)), 0)
    })
  )

  it.effect("hold keys that only their own word opens, and tell whose cannot be opened", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const key = Redacted.make("sk-very-secret")
      yield* save(patched("sealed", {}), seal.close(key))
      yield* save(patched("named", {}), "${OPENAI_API_KEY}")
      yield* save(patched("without", {}), null)
      const own = yield* CatalogTables.load(seal)
      const keys = [...own.instances].map(([id, { apiKey }]) => [id, apiKey && Redacted.value(apiKey)])
      assert.deepStrictEqual(keys, [
        ["sealed", "sk-very-secret"],
        ["named", "${OPENAI_API_KEY}"],
        ["without", null]
      ])
      for (const other of [Seal.make(Redacted.make("another word")), undefined]) {
        const { instances } = yield* CatalogTables.load(other)
        assert.deepStrictEqual(
          [...instances].map(([id, entry]) => [id, entry.locked]),
          [
            ["sealed", true],
            ["named", undefined],
            ["without", undefined]
          ]
        )
        assert.deepStrictEqual(instances.get("sealed"), { fields: {}, locked: true })
      }
      const all = yield* sql<{ text: string }>`SELECT settings::text AS text FROM providers`
      assert.notInclude(all.map(({ text }) => text).join(""), "very-secret")
    })
  )

  it.effect("tell exactly what a new list changes, and keep the row of whatever stays", () =>
    Effect.gen(function* () {
      yield* tidy
      const first = [listed("x", { promptPrice: "0.15" }), listed("y"), listed("z", { contextWindow: 8_192 })]
      assert.deepStrictEqual(yield* CatalogTables.replace(a, first), { added: 3, updated: 0, removed: 0 })
      const before = yield* ids
      const second = [
        listed("x", { promptPrice: "0.2", modelId: "ex" }),
        listed("z", { contextWindow: 8_192 }),
        listed("w")
      ]
      assert.deepStrictEqual(yield* CatalogTables.replace(a, second), { added: 1, updated: 1, removed: 1 })
      const after = yield* ids
      assert.deepStrictEqual([after.get("x"), after.get("z")], [before.get("x"), before.get("z")])
      assert.strictEqual(yield* CatalogTables.count(a), 3)
      assert.deepStrictEqual(yield* CatalogTables.replace(a, []), { added: 0, updated: 0, removed: 3 })
    })
  )

  it.effect("count a list that says the same as no change, and leave other instances' alone", () =>
    Effect.gen(function* () {
      yield* tidy
      const rows = [listed("x", { promptPrice: "0.150", completionPrice: "1e-7" }), listed("y")]
      assert.strictEqual(yield* counts(CatalogTables.replace(a, rows), "models"), 1)
      assert.strictEqual(yield* counts(CatalogTables.replace(a, rows), "models"), 0)
      assert.strictEqual(yield* counts(CatalogTables.replace(instance("b"), [listed("x")]), "models"), 1)
      assert.strictEqual(yield* CatalogTables.count(a), 2)
      assert.strictEqual(yield* CatalogTables.count(instance("nobody")), 0)
    })
  )

  it.effect("give the lists of all instances, prices exactly as they came", () =>
    Effect.gen(function* () {
      yield* tidy
      const own = { promptPrice: "0.1500000000000000000001", completionPrice: "75", contextWindow: 128_000 }
      yield* CatalogTables.replace(a, [listed("x-1", { modelId: "x", ...own })])
      yield* CatalogTables.replace(instance("b"), [listed("x-2", { modelId: "x" })])
      const unknown = { promptPrice: undefined, completionPrice: undefined, contextWindow: undefined }
      assert.deepStrictEqual(yield* CatalogTables.rows, [
        { modelId: "x", instance: "a", providerModelId: "x-1", ...own, active: true },
        { modelId: "x", instance: "b", providerModelId: "x-2", ...unknown, active: true }
      ])
    })
  )

  it.effect("give all of lists that are longer than a page", () =>
    Effect.gen(function* () {
      yield* tidy
      const names = Array.from({ length: 10_000 }, (_, index) => `m-${index}`)
      yield* CatalogTables.replace(
        a,
        names.map((name) => listed(name))
      )
      assert.deepStrictEqual(
        (yield* CatalogTables.rows).map(({ providerModelId }) => providerModelId),
        names
      )
    })
  )

  it.effect("leave the old list as it was where the new one cannot be kept", () =>
    Effect.gen(function* () {
      yield* tidy
      yield* CatalogTables.replace(a, [listed("x")])
      const bad = CatalogTables.replace(a, [listed("y"), listed("z", { contextWindow: -1 })])
      assert.strictEqual(yield* counts(Effect.flip(bad), "models"), 0)
      assert.deepStrictEqual([...(yield* ids).keys()], ["x"])
    })
  )

  it.effect("have a row for each instance, however often they are told, and rest those that are gone", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const both = [a, instance("b", { enabled: false })]
      yield* save(patched("made", {}), null)
      assert.strictEqual(yield* counts(CatalogTables.register(both)), 0)
      const written = sql<{ xmin: string }>`SELECT xmin::text FROM providers ORDER BY slug`
      const before = yield* written
      yield* CatalogTables.register(both)
      assert.deepStrictEqual(yield* written, before)
      assert.deepStrictEqual(yield* providers, [
        { slug: "a", is_active: true },
        { slug: "b", is_active: false },
        { slug: "made", is_active: true }
      ])
      yield* CatalogTables.register([])
      // What was made over the admin API is not gone because the configuration does not have it.
      assert.deepStrictEqual(
        (yield* providers).filter((each) => each.is_active).map(({ slug }) => slug),
        ["made"]
      )
      yield* CatalogTables.register([a])
      assert.deepInclude(yield* providers, { slug: "a", is_active: true })
    })
  )
})
