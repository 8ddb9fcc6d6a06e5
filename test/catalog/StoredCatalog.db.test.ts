import * as SqlClient from "@effect/sql/SqlClient"
import * as Statement from "@effect/sql/Statement"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { Catalog } from "../../src/catalog/Catalog.js"
import { CatalogEditor } from "../../src/catalog/CatalogEditor.js"
import { CatalogRows } from "../../src/catalog/CatalogRows.js"
import * as CatalogTables from "../../src/catalog/CatalogTables.js"
import type { ModelRow } from "../../src/catalog/ModelRow.js"
import * as StoredCatalog from "../../src/catalog/StoredCatalog.js"
import { none } from "../../src/config/Overlay.js"
import { CurrentSettings, type InstanceSettings, type Settings } from "../../src/config/Settings.js"
import { migrated, switched } from "../support/database.js"
import { instance, settings } from "../support/settings.js"

const configured = (more: Partial<Settings> = {}): Settings =>
  settings({
    instances: [instance("a"), instance("b", { priority: 2 })],
    server: { ...settings().server, adminKey: Redacted.make("the admin's word") },
    ...more
  })

/** A gateway's catalogue at the database, as long as the scope lasts. `away`: the database is not there. */
const replica = (given = configured(), away = false) =>
  Effect.gen(function* () {
    const state = { away }
    const current = Layer.succeed(CurrentSettings, given)
    const context = yield* Layer.build(
      Layer.mergeAll(StoredCatalog.following, CatalogEditor.layer).pipe(
        Layer.provideMerge(Layer.provideMerge(StoredCatalog.layer, Catalog.layer)),
        Layer.provide(switched(() => state.away)),
        Layer.provide(current)
      )
    )
    const catalog = Context.get(context, Catalog)
    return {
      state,
      catalog,
      editor: Context.get(context, CatalogEditor),
      rows: Context.get(context, CatalogRows),
      find: (id: string) => catalog.snapshot().settings.instances.find((each) => each.id === id)
    }
  })

/** A second passes again and again until it is so; the database works in real time. Gives how many did. */
const soon = (condition: () => boolean) =>
  Effect.gen(function* () {
    for (let seconds = 1; seconds <= 20; seconds++) {
      yield* TestClock.adjust("1 second")
      for (let turn = 0; turn < 100; turn++) {
        if (condition()) return seconds
        yield* turnOfTheLoop
      }
    }
    return assert.fail(`it did not come to that: ${String(condition)}`)
  })

const turnOfTheLoop = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** Until all that was asked is answered; no time passes. */
const settled = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (let turn = 0; turn < 20; turn++) yield* sql`SELECT 1`
})

const tidy = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`TRUNCATE providers, models, model_routes, settings CASCADE`
)

const listed = (id: string): ModelRow => ({
  modelId: id,
  instance: "a",
  providerModelId: id,
  promptPrice: undefined,
  completionPrice: undefined,
  contextWindow: undefined
})

layer(migrated, { timeout: "60 seconds" })("the catalogue in the tables", (it) => {
  it.scoped("brings what one replica changed to the other, and to a later run", () =>
    Effect.gen(function* () {
      yield* tidy
      const [one, other] = [yield* replica(), yield* replica()]
      yield* settled
      yield* one.editor.changeInstance("a", { weight: 9 })
      yield* one.editor.addInstance({ id: "made", provider: "openai", apiKey: "sk-secret" })
      yield* one.editor.addModel({ id: "m", targets: [{ instance: "b", model: "n" }] })
      yield* one.editor.changeRouting({ strategy: "weighted" })
      assert.isAtMost(yield* soon(() => other.catalog.snapshot().settings.routing.strategy === "weighted"), 2)
      const later = yield* replica()
      yield* soon(() => later.find("made") !== undefined)
      for (const { catalog, find } of [other, later]) {
        assert.strictEqual(find("a")?.weight, 9)
        assert.strictEqual(keyOf(find("made")), "sk-secret")
        assert.strictEqual(catalog.snapshot().settings.routing.strategy, "weighted")
        assert.deepStrictEqual(
          catalog
            .snapshot()
            .resolve("m")
            .map(({ instance: { id }, model }) => [id, model]),
          [["b", "n"]]
        )
      }
    })
  )

  it.scoped("lets the first of two who change the same thing at once have it, and the other one try again", () =>
    Effect.gen(function* () {
      yield* tidy
      const [one, other] = [yield* replica(), yield* replica()]
      yield* settled
      const changes = [one, other].flatMap(({ editor }, place) => [
        editor.changeInstance("a", place === 0 ? { weight: 9 } : { priority: 9 }),
        editor.changeInstance("b", { weight: place + 1 }),
        editor.changeModel("n", place === 0 ? { enabled: false } : { targets: [{ instance: "a", model: "n" }] }),
        editor.changeRouting({ strategy: place === 0 ? "weighted" : "least-busy" })
      ])
      const all = yield* Effect.all(changes.map(Effect.either), { concurrency: "unbounded" })
      const tags = all.flatMap((made) => (made._tag === "Left" ? [made.left._tag] : []))
      assert.deepStrictEqual(tags, ["ChangedMeanwhile", "ChangedMeanwhile", "ChangedMeanwhile", "ChangedMeanwhile"])
      yield* TestClock.adjust("2 seconds")
      yield* settled
      yield* other.editor.changeInstance("a", { priority: 9 })
      yield* one.editor.changeInstance("b", { weight: 5 })
      yield* soon(() => [one, other].every(({ find }) => find("a")?.priority === 9 && find("b")?.weight === 5))
    })
  )

  it.scoped("brings lists to all replicas, also the news that the last one is gone", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const [one, other] = [yield* replica(), yield* replica()]
      yield* settled
      const names = () => other.catalog.snapshot().modelNames
      yield* one.rows.replace(instance("a"), [listed("x-1")])
      assert.isAtMost(yield* soon(() => names().includes("x-1")), 2)
      yield* one.rows.replace(instance("a"), [])
      assert.isAtMost(yield* soon(() => !names().includes("x-1")), 2)
      assert.deepStrictEqual(yield* sql`SELECT * FROM models`, [])
    })
  )

  it.scoped("keeps a change that is made here while an older state is read", () =>
    Effect.gen(function* () {
      yield* tidy
      let during = (): void => {}
      const one = yield* replica().pipe(
        Statement.withTransformer((statement) =>
          Effect.sync(() => {
            if (statement.compile()[0].includes("FROM model_routes")) during()
            return statement
          })
        )
      )
      const overlay = { ...none, routing: { strategy: "weighted" } as const }
      during = () => {
        during = () => {}
        one.catalog.setOverlay(overlay)
      }
      yield* settled
      assert.strictEqual(one.catalog.overlay(), overlay)
    })
  )

  it.scoped("believes the database more than what was made here, when that came late", () =>
    Effect.gen(function* () {
      yield* tidy
      const one = yield* replica()
      yield* one.editor.changeInstance("a", { weight: 9 })
      const late = one.catalog.overlay()
      yield* settled
      yield* CatalogTables.save(
        {
          _tag: "Instance",
          id: "a",
          before: { fields: { weight: 9 } },
          entry: { fields: { weight: 3 } },
          made: instance("a")
        },
        undefined,
        undefined
      )
      yield* soon(() => one.find("a")?.weight === 3)
      one.catalog.setOverlay(late)
      assert.isAtMost(yield* soon(() => one.find("a")?.weight === 3), 2)
    })
  )

  it.scoped("refuses a key where nothing seals it, and keeps the name of a variable as it is", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const variables = Redacted.make(new Map([["SOME_KEY", "sk-of-the-environment"]]))
      const one = yield* replica(configured({ server: settings().server, variables }))
      yield* settled
      const refused = yield* Effect.flip(
        one.editor.addInstance({ id: "made", provider: "openai", apiKey: "sk-secret" })
      )
      assert.strictEqual(refused._tag, "StoreFailed")
      assert.include(refused._tag === "StoreFailed" ? refused.message : "", "ORELSE_ADMIN_KEY")
      assert.deepStrictEqual(yield* sql`SELECT slug FROM providers WHERE source = 'api'`, [])
      yield* one.editor.addInstance({ id: "made", provider: "openai", apiKey: "${SOME_KEY}" })
      assert.strictEqual(keyOf(one.find("made")), "sk-of-the-environment")
      const [row] = yield* sql`SELECT settings FROM providers WHERE slug = 'made'`
      assert.deepStrictEqual(row, { settings: { fields: { provider: "openai" }, apiKey: "${SOME_KEY}" } })
    })
  )

  it.scoped("has an instance whose key another word has sealed, out of service until it is given its key", () =>
    Effect.gen(function* () {
      yield* tidy
      const one = yield* replica()
      yield* settled
      yield* one.editor.addInstance({ id: "made", provider: "openai", apiKey: "sk-first", weight: 3 })
      const adminKey = Redacted.make("another word")
      const other = yield* replica(configured({ server: { ...settings().server, adminKey } }))
      yield* soon(() => other.find("made") !== undefined)
      assert.deepStrictEqual([other.find("made")?.enabled, other.find("made")?.weight], [false, 3])
      const refused = yield* Effect.flip(other.editor.changeInstance("made", { enabled: true }))
      assert.match(
        refused._tag === "ChangeRefused" ? (refused.problems[0]?.message ?? "") : "",
        /another ORELSE_ADMIN_KEY/
      )
      // Nothing of the key is lost by what cannot be done here.
      yield* one.editor.changeInstance("made", { weight: 4 })
      yield* soon(() => other.find("made")?.weight === 4)
      assert.strictEqual(keyOf(one.find("made")), "sk-first")
      yield* other.editor.changeInstance("made", { apiKey: "sk-second" })
      const { enabled, weight } = other.find("made") ?? {}
      assert.deepStrictEqual([enabled, weight, keyOf(other.find("made"))], [true, 4, "sk-second"])
      yield* soon(() => one.find("made")?.enabled === false)
    })
  )

  it.scoped("goes on without the database, refuses what could not be kept, and is mended by itself", () =>
    Effect.gen(function* () {
      yield* tidy
      const [one, other] = [yield* replica(configured(), true), yield* replica()]
      yield* settled
      yield* other.editor.changeInstance("a", { weight: 9 })
      yield* TestClock.adjust("10 seconds")
      yield* settled
      assert.strictEqual(one.find("a")?.weight, 1)
      const refused = yield* Effect.flip(one.editor.changeInstance("a", { weight: 5 }))
      assert.include(refused._tag === "StoreFailed" ? refused.message : "", "nothing was changed: it is away")
      assert.strictEqual(one.find("a")?.weight, 1)
      one.state.away = false
      assert.isAtMost(yield* soon(() => one.find("a")?.weight === 9), 2)
      one.state.away = true
      yield* other.editor.changeInstance("a", { weight: 4 })
      yield* TestClock.adjust("10 seconds")
      yield* settled
      assert.strictEqual(one.find("a")?.weight, 9)
      one.state.away = false
      assert.isAtMost(yield* soon(() => one.find("a")?.weight === 4), 2)
    })
  )

  it.scoped("tells the tables of the instances that are configured, and again when they are changed", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const one = yield* replica()
      yield* settled
      const found = sql`SELECT slug, is_active, priority FROM providers ORDER BY slug`
      const a = { slug: "a", is_active: true, priority: 1 }
      const b = { slug: "b", is_active: true, priority: 2 }
      assert.deepStrictEqual(yield* found, [a, b])
      one.catalog.setSettings(configured({ instances: [instance("a", { priority: 7 })] }))
      yield* TestClock.adjust("1 second")
      yield* settled
      assert.deepStrictEqual(yield* found, [
        { ...a, priority: 7 },
        { ...b, is_active: false }
      ])
    })
  )
})

const keyOf = (found: InstanceSettings | undefined): string | undefined => found?.apiKey && Redacted.value(found.apiKey)
