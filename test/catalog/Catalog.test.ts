import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeSnapshot, type Snapshot } from "../../src/catalog/Catalog.js"
import { loading } from "../config/loading.js"
import { instance, model, settings } from "../support/settings.js"

const chain = (snapshot: Snapshot, name: string): ReadonlyArray<string> =>
  snapshot.resolve(name).map((target) => `${target.instance.id}:${target.model}`)

describe("a configured model", () => {
  const snapshot = makeSnapshot(
    settings({
      instances: [instance("a"), instance("off", { enabled: false }), instance("b", { priority: 0 })],
      models: [
        {
          ...model("fast", [
            { instance: "a", model: "a-fast", catch: undefined },
            { instance: "off", model: "x", catch: undefined },
            { instance: "gone", model: "x", catch: undefined },
            { instance: "b", model: "b-fast", catch: ["rate_limit"] }
          ]),
          aliases: ["quick", "openai/fast"]
        },
        model("dark", ["off"])
      ]
    })
  )

  it("goes to its targets in the order in which they are written, whatever their priority", () => {
    assert.deepStrictEqual(chain(snapshot, "fast"), ["a:a-fast", "b:b-fast"])
    assert.deepStrictEqual(
      snapshot.resolve("fast").map((target) => target.catch),
      [undefined, ["rate_limit"]]
    )
  })

  it("is found under its aliases, also one with a slash", () => {
    for (const alias of ["quick", "openai/fast"])
      assert.deepStrictEqual(chain(snapshot, alias), chain(snapshot, "fast"))
  })

  it("is not served when none of its instances is enabled", () => {
    assert.isEmpty(chain(snapshot, "dark"))
  })

  it("is listed with its aliases", () => {
    assert.deepStrictEqual(snapshot.modelNames, ["fast", "quick", "openai/fast", "dark"])
  })
})

describe("an instance", () => {
  const compatible = { provider: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" } as const

  it("that lists its models serves those and no others", () => {
    const snapshot = makeSnapshot(
      settings({
        instances: [
          instance("own", { ...compatible, models: ["tiny", "gpt-4o"] }),
          instance("openai", { provider: "openai", models: ["gpt-4o-mini"] })
        ]
      })
    )
    assert.deepStrictEqual(chain(snapshot, "gpt-4o"), ["own:gpt-4o"])
    assert.deepStrictEqual(chain(snapshot, "gpt-4o-mini"), ["openai:gpt-4o-mini"])
    assert.isEmpty(chain(snapshot, "gpt-4.1"))
    assert.deepStrictEqual(chain(snapshot, "own/tiny"), ["own:tiny"])
    assert.isEmpty(chain(snapshot, "own/gpt-4.1"))
    assert.deepStrictEqual(snapshot.modelNames, ["tiny", "gpt-4o", "gpt-4o-mini"])
  })

  it("that is compatible and lists nothing serves any model", () => {
    assert.deepStrictEqual(chain(makeSnapshot(settings({ instances: [instance("vllm", compatible)] })), "any/thing"), [
      "vllm:any/thing"
    ])
  })

  it("with the lower priority number goes first, and of equals the one that is written first", () => {
    const instances = [instance("c", { priority: 2 }), instance("a"), instance("b")]
    assert.deepStrictEqual(chain(makeSnapshot(settings({ instances })), "m"), ["a:m", "b:m", "c:m"])
  })

  it("that is disabled is neither asked nor found", () => {
    const snapshot = makeSnapshot(settings({ instances: [instance("a", { enabled: false })] }))
    assert.isEmpty(chain(snapshot, "m"))
    assert.isEmpty(chain(snapshot, "a/m"))
    assert.isUndefined(snapshot.find("a"))
    assert.isUndefined(snapshot.find("simulated"))
  })

  it("is found by its id, or as the first of its vendor", () => {
    const instances = [
      instance("backup", { provider: "openai", priority: 2 }),
      instance("primary", { provider: "openai", priority: 1 })
    ]
    const { find } = makeSnapshot(settings({ instances }))
    assert.deepStrictEqual(
      [find("openai")?.id, find("backup")?.id, find("azure")?.id],
      ["primary", "backup", undefined]
    )
  })

  it("that a prefix names goes first, the others after it", () => {
    const instances = [instance("a"), instance("b", { priority: 2 })]
    assert.deepStrictEqual(chain(makeSnapshot(settings({ instances })), "b/m"), ["b:m", "a:m"])
  })
})

describe("a snapshot", () => {
  it("gives the same targets for the same name, and remembers no name that nobody serves", () => {
    const snapshot = makeSnapshot(settings({ instances: [instance("a", { models: ["m"] })] }))
    assert.strictEqual(snapshot.resolve("m"), snapshot.resolve("m"))
    assert.notStrictEqual(snapshot.resolve("x"), snapshot.resolve("x"))
  })

  it.effect("lists what the environment names", () =>
    Effect.gen(function* () {
      const env = {
        OPENROUTER_API_KEY: "sk-or",
        OPENROUTER_REPLACE_OPENAI: "openai/gpt-4.1",
        OPENROUTER_FALLBACK_MODELS: "qwen/qwen3-32b",
        OSS_MODEL_ENABLED: "true"
      }
      assert.deepStrictEqual(makeSnapshot(yield* loading({ env })).modelNames, [
        "openai/gpt-4.1",
        "qwen/qwen3-32b",
        "llama3:8b"
      ])
    })
  )
})
