import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeSnapshot, type Snapshot } from "../../src/catalog/Catalog.js"
import * as Rows from "../../src/catalog/Rows.js"
import type { InstanceSettings, Settings } from "../../src/config/Settings.js"
import { instance, model, settings } from "../support/settings.js"

type Row = readonly [instance: string, modelId: string, own: string, more?: Partial<Rows.CatalogRow>]

const of = ([at, modelId, providerModelId, more]: Row): Rows.CatalogRow => ({
  instance: at,
  modelId,
  providerModelId,
  active: true,
  ...more
})

const snapshotOf = (
  instances: ReadonlyArray<InstanceSettings>,
  rows: ReadonlyArray<Row>,
  more: Partial<Settings> = {}
): Effect.Effect<Snapshot> =>
  Effect.map(Rows.index(rows.map(of)), (indexed) => makeSnapshot(settings({ instances, ...more }), indexed))

const chain = (snapshot: Snapshot, name: string): ReadonlyArray<string> =>
  snapshot.resolve(name).map(({ instance: { id }, model: own, peer }) => `${id}:${own}${peer ? "" : " (no peer)"}`)

const at = (id: string, provider: InstanceSettings["provider"], more: Partial<InstanceSettings> = {}) =>
  instance(id, { provider, ...more })

const together = at("together", "together")
const groq = at("groq", "groq", { priority: 2 })

const llama: ReadonlyArray<Row> = [
  ["together", "llama-3.1-8b", "meta-llama/Llama-3.1-8B"],
  ["groq", "llama-3.1-8b", "llama-3.1-8b-instant"]
]

describe("a model that the instances list", () => {
  it.effect("is asked of each under its own id, by its canonical name or by an instance's own", () =>
    Effect.gen(function* () {
      const snapshot = yield* snapshotOf([groq, together], llama)
      assert.deepStrictEqual(chain(snapshot, "llama-3.1-8b"), [
        "together:meta-llama/Llama-3.1-8B",
        "groq:llama-3.1-8b-instant"
      ])
      assert.deepStrictEqual(chain(snapshot, "llama-3.1-8b-instant"), ["groq:llama-3.1-8b-instant"])
      assert.isEmpty(chain(snapshot, "qwen-3"))
    })
  )

  it.effect("goes by an own id of that very name before a canonical one, and by a plain id before its variants", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Row> = [
        ["together", "x", "vendor/x:free"],
        ["together", "x", "vendor/x"],
        ["together", "y", "x"]
      ]
      assert.deepStrictEqual(chain(yield* snapshotOf([together], rows), "x"), ["together:x"])
      assert.deepStrictEqual(chain(yield* snapshotOf([together], rows.slice(0, 2)), "x"), ["together:vendor/x"])
    })
  )

  it.effect("is asked of an instance that has given no list by the rules of names, as ever", () =>
    Effect.gen(function* () {
      const own = at("own", "openai-compatible", { baseUrl: "http://own.test/v1" })
      assert.deepStrictEqual(chain(yield* snapshotOf([together, own], llama), "qwen-3"), ["own:qwen-3"])
      assert.deepStrictEqual(chain(yield* snapshotOf([together, own], llama), "llama-3.1-8b"), [
        "together:meta-llama/Llama-3.1-8B",
        "own:llama-3.1-8b"
      ])
    })
  )

  it.effect("is not asked of who took it off its list, unless it is asked by name", () =>
    Effect.gen(function* () {
      const openai = at("openai", "openai")
      const rows: ReadonlyArray<Row> = [["openai", "gpt-4", "gpt-4", { active: false }]]
      const snapshot = yield* snapshotOf([openai], rows)
      assert.isEmpty(chain(snapshot, "gpt-4"))
      assert.deepStrictEqual(chain(snapshot, "gpt-4o"), ["openai:gpt-4o"])
      assert.deepStrictEqual(chain(snapshot, "openai/gpt-4"), ["openai:gpt-4 (no peer)"])
      assert.notInclude(snapshot.modelNames, "gpt-4")
    })
  )

  it.effect("is asked under the id of the list of who is named before the slash, and of others after it", () =>
    Effect.gen(function* () {
      const snapshot = yield* snapshotOf([together, groq], llama)
      assert.deepStrictEqual(chain(snapshot, "groq/llama-3.1-8b"), [
        "groq:llama-3.1-8b-instant (no peer)",
        "together:meta-llama/Llama-3.1-8B (no peer)"
      ])
      assert.deepStrictEqual(chain(snapshot, "groq/made-up"), ["groq:made-up (no peer)"])
    })
  )

  it.effect("is asked only of those whose operator listed it, in the operator's words", () =>
    Effect.gen(function* () {
      const limited = at("together", "together", { models: ["meta-llama/Llama-3.1-8B"] })
      const verbatim = at("groq", "groq", { models: ["llama-3.1-8b"] })
      const others = at("deepinfra", "deepinfra", { models: ["other"] })
      const rows: ReadonlyArray<Row> = [...llama, ["deepinfra", "llama-3.1-8b", "llama"]]
      const snapshot = yield* snapshotOf([limited, verbatim, others], rows)
      assert.deepStrictEqual(chain(snapshot, "llama-3.1-8b"), ["together:meta-llama/Llama-3.1-8B", "groq:llama-3.1-8b"])
      assert.deepStrictEqual(chain(snapshot, "groq/llama-3.1-8b")[0], "groq:llama-3.1-8b (no peer)")
      assert.deepStrictEqual(chain(snapshot, "together/llama-3.1-8b")[0], "together:meta-llama/Llama-3.1-8B (no peer)")
    })
  )

  it.effect("goes the way that a models entry says, whatever the lists say", () =>
    Effect.gen(function* () {
      const models = [model("llama-3.1-8b", [{ instance: "groq", model: "g", catch: undefined }])]
      assert.deepStrictEqual(chain(yield* snapshotOf([together, groq], llama, { models }), "llama-3.1-8b"), ["groq:g"])
    })
  )

  it.effect("is listed, as long as somebody enabled serves it", () =>
    Effect.gen(function* () {
      const rows: ReadonlyArray<Row> = [...llama, ["off", "dark", "dark-1"], ["groq", "listed", "listed-1"]]
      const limited = at("groq", "groq", { models: ["llama-3.1-8b-instant"] })
      const snapshot = yield* snapshotOf([together, limited, at("off", "groq", { enabled: false })], rows)
      assert.deepStrictEqual(snapshot.modelNames, ["llama-3.1-8b-instant", "llama-3.1-8b"])
      assert.isEmpty(chain(snapshot, "dark"))
      assert.strictEqual(snapshot.ownerOf("llama-3.1-8b"), together)
    })
  )

  it.effect("holds what the operator says, or else the list, or else the price catalogue", () =>
    Effect.gen(function* () {
      const openai = at("openai", "openai")
      const rows: ReadonlyArray<Row> = [
        ["openai", "gpt-4o", "gpt-4o", { contextWindow: 1_000 }],
        ["openai", "gpt-4", "gpt-4", { contextWindow: 2_000 }],
        ["openai", "gpt-4o-mini", "gpt-4o-mini"]
      ]
      const models = [model("m", [{ instance: "openai", model: "gpt-4", catch: undefined, contextWindow: 3_000 }])]
      const snapshot = yield* snapshotOf([openai], rows, { models })
      const windowOf = (name: string) => snapshot.resolve(name)[0]?.contextWindow
      assert.deepStrictEqual(["gpt-4o", "gpt-4", "gpt-4o-mini"].map(windowOf), [1_000, 3_000, 128_000])
    })
  )
})

describe("OpenRouter with a list", () => {
  const router = at("openrouter", "openrouter")
  const rows: ReadonlyArray<Row> = [
    ["openrouter", "gpt-4o", "openai/gpt-4o"],
    ["openrouter", "gpt-oss-120b", "openai/gpt-oss-120b"],
    ["openrouter", "sonnet", "anthropic/claude-sonnet-4"]
  ]
  const replacements = { openai: undefined, claude: undefined, others: ["qwen/qwen3"], local: "llama3:8b" }

  it.effect("is asked for what is in it, and for nothing else but what the operator chose", () =>
    Effect.gen(function* () {
      const snapshot = yield* snapshotOf([router], rows, { replacements })
      assert.deepStrictEqual(chain(snapshot, "gpt-4o"), ["openrouter:openai/gpt-4o"])
      assert.deepStrictEqual(chain(snapshot, "claude-sonnet-4-0"), ["openrouter:anthropic/claude-sonnet-4"])
      assert.isEmpty(chain(snapshot, "gpt-5"))
      assert.deepStrictEqual(chain(snapshot, "made-up"), ["openrouter:qwen/qwen3 (no peer)"])
    })
  )

  it.effect("gives way to the operator's replacement", () =>
    Effect.gen(function* () {
      const chosen = { ...replacements, openai: "openai/gpt-4.1" }
      const snapshot = yield* snapshotOf([router], rows, { replacements: chosen })
      assert.deepStrictEqual(chain(snapshot, "gpt-4o"), ["openrouter:openai/gpt-4.1 (no peer)"])
    })
  )

  it.effect("takes over under its own id from a vendor that was named", () =>
    Effect.gen(function* () {
      const snapshot = yield* snapshotOf([at("openai", "openai"), router], rows, { replacements })
      assert.deepStrictEqual(chain(snapshot, "openai/gpt-oss-120b").slice(0, 2), [
        "openai:gpt-oss-120b (no peer)",
        "openrouter:openai/gpt-oss-120b (no peer)"
      ])
    })
  )
})

describe("Ollama with a list", () => {
  it.effect("serves what is in it, and the local model in place of all else", () =>
    Effect.gen(function* () {
      const snapshot = yield* snapshotOf([at("ollama", "ollama")], [["ollama", "qwen3-8b", "qwen3:8b"]])
      assert.deepStrictEqual(chain(snapshot, "qwen3-8b"), ["ollama:qwen3:8b"])
      assert.deepStrictEqual(chain(snapshot, "gpt-4o"), ["ollama:llama3:8b (no peer)"])
    })
  )
})

describe("a model that is taken out of service", () => {
  const off = { ...model("llama-3.1-8b", []), enabled: false, aliases: ["llama"] }

  it.effect("is served by nobody and not listed, under none of its names", () =>
    Effect.gen(function* () {
      const snapshot = yield* snapshotOf([together, groq], llama, { models: [off] })
      for (const name of ["llama-3.1-8b", "llama"]) {
        assert.isEmpty(chain(snapshot, name))
        assert.isTrue(snapshot.isOff(name))
        assert.notInclude(snapshot.modelNames, name)
      }
      assert.isFalse(snapshot.isOff("llama-3.1-8b-instant"))
    })
  )
})
