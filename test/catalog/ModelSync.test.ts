import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { CatalogRows } from "../../src/catalog/CatalogRows.js"
import { StoreFailed } from "../../src/catalog/CatalogStore.js"
import type { ModelRow } from "../../src/catalog/ModelRow.js"
import { ModelSync, type SyncResult } from "../../src/catalog/ModelSync.js"
import type { InstanceSettings } from "../../src/config/Settings.js"
import { instance, settings } from "../support/settings.js"
import { gatewayOn, json, network, type Wire } from "../support/wires.js"

/** What each instance answers to the question for its models, by the first part of its host; others hang. */
type Lists = Record<string, (wire: Wire) => void>

const answers =
  (status: number, body: unknown): ((wire: Wire) => void) =>
  (wire) =>
    wire.play(status, json, [Buffer.from(JSON.stringify(body))])

const listing = (...ids: ReadonlyArray<string>) => answers(200, { data: ids.map((id) => ({ id })) })

const at = (id: string, fields: Partial<InstanceSettings> = {}): InstanceSettings =>
  instance(id, { provider: "openai-compatible", baseUrl: `http://${id}.test/v1`, ...fields })

/** A sync of these instances; `lists` may change between two syncs. Rows are seen as they are handed on. */
const syncing = <A, E>(
  instances: ReadonlyArray<InstanceSettings>,
  lists: Lists,
  body: (seen: {
    readonly rows: (id: string) => ReadonlyArray<ModelRow>
    readonly asked: () => ReadonlyArray<string>
  }) => Effect.Effect<A, E, ModelSync>
) => {
  const asked: Array<string> = []
  const handed = new Map<string, ReadonlyArray<ModelRow>>()
  const { transport } = network((wire) => {
    const id = new URL(wire.outgoing.origin).hostname.replace(".test", "")
    asked.push(id)
    lists[id]?.(wire)
  })
  const watched = Layer.effect(
    CatalogRows,
    Effect.map(CatalogRows, (memory) => ({
      ...memory,
      replace: (owner: InstanceSettings, given: ReadonlyArray<ModelRow>) =>
        Effect.tap(memory.replace(owner, given), () => handed.set(owner.id, given))
    }))
  ).pipe(Layer.provide(CatalogRows.layerMemory))
  return body({ rows: (id) => handed.get(id) ?? [], asked: () => asked }).pipe(
    Effect.provide(
      Layer.fresh(ModelSync.layer).pipe(
        Layer.provide(watched),
        Layer.provide(gatewayOn(transport, settings({ instances })))
      )
    )
  )
}

const sync = (options: Parameters<ModelSync["Type"]["sync"]>[0] = {}) =>
  Effect.flatMap(ModelSync, (service) => service.sync(options))

const counts = ({ added, failed, models, removed, updated }: SyncResult) => ({
  models,
  added,
  updated,
  removed,
  failed
})

describe("a sync of models", () => {
  it.effect("keeps what each instance lists under canonical names, and counts what changed", () => {
    const lists: Lists = {
      or: answers(200, {
        data: [
          { id: "openai/gpt-4o", context_length: 128_000, pricing: { prompt: "0.0000025", completion: "0.00001" } },
          { id: "gone/model-1" }
        ]
      })
    }
    return syncing([at("or", { provider: "openrouter" })], lists, ({ rows }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* sync()).map(counts), [
          { models: 2, added: 2, updated: 0, removed: 0, failed: undefined }
        ])
        assert.deepInclude(rows("or"), {
          modelId: "gpt-4o",
          instance: "or",
          providerModelId: "openai/gpt-4o",
          promptPrice: "2.5",
          completionPrice: "10",
          contextWindow: 128_000
        })
        lists["or"] = answers(200, {
          data: [
            { id: "openai/gpt-4o", context_length: 128_000, pricing: { prompt: "0.000002", completion: "0.00001" } },
            { id: "new/model-2" },
            { id: "new/model-3" }
          ]
        })
        assert.deepStrictEqual((yield* sync()).map(counts), [
          { models: 3, added: 2, updated: 1, removed: 1, failed: undefined }
        ])
        assert.deepStrictEqual((yield* sync()).map(counts), [
          { models: 3, added: 0, updated: 0, removed: 0, failed: undefined }
        ])
      })
    )
  })

  it.effect("of which one instance fails keeps that one's rows, says why, and goes on with the others", () => {
    const lists: Lists = { a: listing("m1"), b: listing("m2") }
    return syncing([at("a"), at("b")], lists, ({ rows }) =>
      Effect.gen(function* () {
        yield* sync()
        lists["a"] = answers(500, { error: { message: "boom" } })
        lists["b"] = listing("m2", "m3")
        const [a, b] = yield* sync()
        assert.isString(a?.failed)
        assert.deepInclude(b, { failed: undefined, models: 2, added: 1 })
        assert.deepStrictEqual(
          rows("a").map(({ providerModelId }) => providerModelId),
          ["m1"]
        )
        lists["a"] = answers(200, { message: "hello" })
        assert.deepInclude((yield* sync())[0], { failed: "what the provider answered is no list of models" })
        assert.lengthOf(rows("a"), 1)
      })
    )
  })

  it.effect("believes no list that is suddenly empty, but an empty one of somebody who had none", () => {
    const lists: Lists = { a: listing("m1", "m2"), b: listing() }
    return syncing([at("a"), at("b")], lists, ({ rows }) =>
      Effect.gen(function* () {
        assert.deepInclude((yield* sync())[1], { models: 0, failed: undefined })
        lists["a"] = listing()
        assert.deepInclude((yield* sync())[0], {
          models: 2,
          failed: "it lists no models any more; the 2 known before stay"
        })
        assert.lengthOf(rows("a"), 2)
      })
    )
  })

  it.effect("skips who lists nothing that could be asked for, and says why", () =>
    syncing(
      [at("a", { provider: "azure" }), at("p", { provider: "perplexity" })],
      { a: listing("gpt-4o") },
      ({ asked }) =>
        Effect.gen(function* () {
          const [azure, perplexity] = yield* sync()
          assert.include(azure?.skipped, "deployments")
          assert.strictEqual(perplexity?.skipped, "its vendor lists no models")
          assert.isEmpty(asked())
        })
    )
  )

  it.effect("asks only those who were named, by id or vendor, and nobody where a name is wrong", () =>
    syncing(
      [at("a"), at("b", { provider: "vllm" }), at("c", { provider: "vllm" }), at("off", { enabled: false })],
      { a: listing("m"), b: listing("m"), c: listing("m") },
      ({ asked }) =>
        Effect.gen(function* () {
          const named = yield* sync({ instances: ["vllm"] })
          assert.deepStrictEqual(
            named.map((result) => result.instance),
            ["b", "c"]
          )
          const { message } = yield* Effect.flip(sync({ instances: ["a", "off"] }))
          assert.include(message, "'off'")
          assert.include(message, "a (openai-compatible), b (vllm)")
          assert.sameMembers([...asked()], ["b", "c"])
        })
    )
  )

  it.effect("keeps all ids of one canonical name, the plain one first, and each id once", () =>
    syncing(
      [at("a", { provider: "anthropic" })],
      { a: listing("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "claude-sonnet-4-5") },
      ({ rows }) =>
        Effect.gen(function* () {
          yield* sync()
          assert.deepStrictEqual(
            rows("a").map(({ modelId, providerModelId }) => [modelId, providerModelId]),
            [
              ["claude-sonnet-4-5", "claude-sonnet-4-5"],
              ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"]
            ]
          )
        })
    )
  )

  it.effect(
    "takes prices from the operator, the vendor, or the price list, in this order; local models cost nothing",
    () =>
      syncing(
        [
          at("own", { provider: "openrouter", pricing: { prompt: 1.5, completion: 2 } }),
          at("list", { provider: "openai" }),
          at("local", { provider: "vllm" }),
          at("nobody")
        ],
        {
          own: answers(200, { data: [{ id: "openai/gpt-4o", pricing: { prompt: "0.1", completion: "0.1" } }] }),
          list: listing("gpt-4o"),
          local: listing("my-model-7b"),
          nobody: listing("my-model-7b")
        },
        ({ rows }) =>
          Effect.gen(function* () {
            yield* sync()
            const facts = (id: string) =>
              rows(id).map(({ completionPrice, contextWindow, promptPrice }) => [
                promptPrice,
                completionPrice,
                contextWindow
              ])[0]
            assert.deepStrictEqual(facts("own")?.slice(0, 2), ["1.5", "2"])
            assert.deepStrictEqual(facts("list"), ["2.5", "10", 128_000])
            assert.deepStrictEqual(facts("local"), ["0", "0", undefined])
            assert.deepStrictEqual(facts("nobody"), [undefined, undefined, undefined])
          })
      )
  )

  it.effect("leaves out what makes pictures or sound", () =>
    syncing(
      [at("g", { provider: "gemini" })],
      {
        g: answers(200, {
          models: [
            { name: "models/gemini-2.5-pro", supportedGenerationMethods: ["generateContent"] },
            { name: "models/gemini-embedding-001", supportedGenerationMethods: ["embedContent"] },
            { name: "models/imagen-4.0", supportedGenerationMethods: ["predict"] }
          ]
        })
      },
      () =>
        Effect.gen(function* () {
          assert.deepInclude((yield* sync())[0], { models: 2, leftOut: 1 })
        })
    )
  )

  it.effect("tells of each instance when it is done, and how its ids got their names where that was asked", () =>
    syncing(
      [at("slow"), at("quick", { provider: "groq" })],
      { slow: (wire) => queueMicrotask(() => wire.open(200, json)), quick: listing("llama-3.3-70b-versatile") },
      () =>
        Effect.gen(function* () {
          const heard: Array<SyncResult> = []
          const onResult = (result: SyncResult) => Effect.sync(() => heard.push(result))
          const fiber = yield* Effect.fork(sync({ explain: true, onResult }))
          yield* TestClock.adjust("29 seconds")
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          assert.deepStrictEqual(
            heard.map((result) => result.instance),
            ["quick"]
          )
          assert.deepStrictEqual(
            heard[0]?.names.map(({ modelId }) => modelId),
            ["llama-3.3-70b-instruct"]
          )
          yield* TestClock.adjust("1 second")
          const [slow] = yield* Fiber.join(fiber)
          assert.deepInclude(slow, { failed: "it did not list its models within 30 s", ms: 30_000 })
        })
    )
  )

  it.effect("asks four at a time", () => {
    const ids = ["a", "b", "c", "d", "e"]
    return syncing(
      ids.map((id) => at(id)),
      {},
      ({ asked }) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(sync())
          yield* TestClock.adjust(0)
          assert.lengthOf(asked(), 4)
          yield* TestClock.adjust("30 seconds")
          assert.lengthOf(asked(), 5)
          yield* Fiber.interrupt(fiber)
        })
    )
  })

  it.effect("fails for an instance whose rows cannot be stored", () => {
    const broken = Layer.succeed(CatalogRows, {
      count: () => Effect.succeed(0),
      replace: () => new StoreFailed({ message: "the database does not answer" })
    })
    const { transport } = network(listing("m"))
    return Effect.gen(function* () {
      assert.deepInclude((yield* sync())[0], { failed: "the database does not answer", added: 0 })
    }).pipe(
      Effect.provide(
        Layer.fresh(ModelSync.layer).pipe(
          Layer.provide(broken),
          Layer.provide(gatewayOn(transport, settings({ instances: [at("a")] })))
        )
      )
    )
  })
})
