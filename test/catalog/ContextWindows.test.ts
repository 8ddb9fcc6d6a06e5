import { assert, describe, it } from "@effect/vitest"
import { makeSnapshot } from "../../src/catalog/Catalog.js"
import * as ContextWindows from "../../src/catalog/ContextWindows.js"
import { instance, model, settings } from "../support/settings.js"

const openai = instance("a", { provider: "openai" })

describe("a context window", () => {
  const windowOf = ContextWindows.make([])

  it.each([
    ["of a vendor's own model", openai, "gpt-4o-mini", 128_000],
    ["of a model on OpenRouter", instance("b", { provider: "openrouter" }), "openai/gpt-4o-mini", 128_000],
    [
      "of a deployment that is called like its model",
      instance("c", { provider: "azure" }),
      "gpt-4o|2024-10-21",
      128_000
    ],
    ["of a model that nobody has heard of", openai, "gpt-4o-but-not-quite?", undefined],
    [
      "of whoever listens at an address",
      instance("d", { provider: "openai-compatible", baseUrl: "http://127.0.0.1:1" }),
      "gpt-4o-mini",
      undefined
    ],
    ["of the local model", instance("e", { provider: "ollama" }), "llama3:8b", undefined]
  ])("%s is what the price catalogue says", (_, at, name, window) => {
    assert.strictEqual(windowOf(at, name), window)
    assert.strictEqual(windowOf(at, name), window)
  })

  it("does not depend on how many names were asked for", () => {
    for (let made = 0; made < 5_100; made++) windowOf(instance("f"), `made-up-${made}`)
    assert.deepStrictEqual([windowOf(openai, "gpt-4o-mini"), windowOf(openai, "gpt-3.5-turbo")], [128_000, 16_385])
  })
})

describe("the targets of a model", () => {
  it("have the operator's window before the catalogue's", () => {
    const { resolve } = makeSnapshot(
      settings({
        instances: [openai],
        models: [
          model("m", [
            { instance: "a", model: "gpt-4o-mini", catch: undefined },
            { instance: "a", model: "gpt-4o", catch: undefined, contextWindow: 8_192 }
          ])
        ]
      })
    )
    const windows = (name: string) => resolve(name).map(({ contextWindow }) => contextWindow)
    assert.deepStrictEqual(windows("m"), [128_000, 8_192])
    assert.deepStrictEqual(windows("gpt-4o"), [8_192])
    assert.deepStrictEqual(windows("gpt-4-turbo"), [128_000])
  })
})
