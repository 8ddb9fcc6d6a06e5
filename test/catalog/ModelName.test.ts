import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeSnapshot } from "../../src/catalog/Catalog.js"
import { makerOf } from "../../src/catalog/ModelName.js"
import { loading } from "../config/loading.js"

const openai = { OPENAI_API_KEY: "sk-openai" }
const openrouter = { OPENROUTER_API_KEY: "sk-or" }
const azure = { AZURE_API_KEY: "azure-key", AZURE_API_BASE: "https://r.openai.azure.com" }
const ollama = { OSS_MODEL_ENABLED: "true" }
const all = { ...openai, ...azure, ...openrouter, ...ollama }
const replace = {
  OPENROUTER_REPLACE_OPENAI: "openai/gpt-4.1",
  OPENROUTER_REPLACE_CLAUDE: "anthropic/claude-sonnet-4.5"
}
const others = { OPENROUTER_FALLBACK_MODELS: "meta-llama/llama-3.3-70b-instruct, qwen/qwen3-32b" }

/** Where a model goes with these variables, as `instance:model`. */
const chain = (model: string, env: Readonly<Record<string, string>>) =>
  Effect.map(loading({ env }), (settings) =>
    makeSnapshot(settings)
      .resolve(model)
      .map((target) => `${target.instance.id}:${target.model}`)
  )

const rules = (
  cases: ReadonlyArray<readonly [string, string, Readonly<Record<string, string>>, ReadonlyArray<string>]>
) => {
  for (const [what, model, env, expected] of cases) {
    it.effect(`${model}: ${what}`, () =>
      Effect.map(chain(model, env), (found) => assert.deepStrictEqual(found, expected))
    )
  }
}

describe("an OpenAI model goes to", () => {
  rules([
    [
      "OpenAI, or else OpenRouter, or else the local model",
      "gpt-4o",
      all,
      ["openai:gpt-4o", "openrouter:openai/gpt-4o", "ollama:llama3:8b"]
    ],
    [
      "the replacement at OpenRouter",
      "gpt-4o",
      { ...all, ...replace },
      ["openai:gpt-4o", "openrouter:openai/gpt-4.1", "ollama:llama3:8b"]
    ],
    [
      "OpenRouter without a key of OpenAI's",
      "o3-mini",
      { ...openrouter, ...ollama },
      ["openrouter:openai/o3-mini", "ollama:llama3:8b"]
    ],
    [
      "the replacement without a key of OpenAI's",
      "chatgpt-4o-latest",
      { ...openrouter, ...replace },
      ["openrouter:openai/gpt-4.1"]
    ],
    ["OpenAI alone", "o1", openai, ["openai:o1"]],
    ["the local model alone", "gpt-4o", ollama, ["ollama:llama3:8b"]],
    ["nobody where nobody can", "gpt-4o", azure, []]
  ])
})

describe("a Claude model goes to", () => {
  const claude = "claude-sonnet-4-5"
  rules([
    [
      "OpenRouter, or else the local model",
      claude,
      all,
      ["openrouter:anthropic/claude-sonnet-4.5", "ollama:llama3:8b"]
    ],
    [
      "the replacement",
      "claude-3-opus-20240229",
      { ...openrouter, ...replace },
      ["openrouter:anthropic/claude-sonnet-4.5"]
    ],
    ["nobody with only OpenAI", claude, openai, []]
  ])

  const names: Readonly<Record<string, string>> = {
    "claude-3-5-sonnet-20241022": "claude-3.5-sonnet",
    "claude-3-7-sonnet-latest": "claude-3.7-sonnet",
    "claude-3-opus-20240229": "claude-3-opus",
    "claude-sonnet-4-20250514": "claude-sonnet-4",
    "claude-sonnet-4-0": "claude-sonnet-4",
    "claude-opus-4-1-20250805": "claude-opus-4.1",
    "claude-haiku-4-5": "claude-haiku-4.5",
    "claude-opus-5": "claude-opus-5"
  }
  rules(
    Object.entries(names).map(
      ([name, slug]) => [`anthropic/${slug} at OpenRouter`, name, openrouter, [`openrouter:anthropic/${slug}`]] as const
    )
  )
})

describe("a model of another maker goes to", () => {
  rules([
    [
      "OpenRouter's fallback models in order, or else the local model",
      "mistralai/mistral-large",
      { ...all, ...others },
      [
        "openrouter:mistralai/mistral-large",
        "openrouter:meta-llama/llama-3.3-70b-instruct",
        "openrouter:qwen/qwen3-32b",
        "ollama:llama3:8b"
      ]
    ],
    [
      "no fallback model twice",
      "qwen/qwen3-32b",
      { ...openrouter, ...others },
      ["openrouter:qwen/qwen3-32b", "openrouter:meta-llama/llama-3.3-70b-instruct"]
    ],
    ["OpenRouter's name for a Gemini model", "gemini-2.5-flash", openrouter, ["openrouter:google/gemini-2.5-flash"]],
    ["the local model without OpenRouter", "some-model", { ...openai, ...ollama }, ["ollama:llama3:8b"]],
    ["nobody without both", "some-model", { ...openai, ...azure }, []]
  ])
})

describe("with only an OpenRouter key", () => {
  const models = [
    "gpt-4o",
    "claude-sonnet-4",
    "gemini-2.5-pro",
    "x-ai/grok-4",
    "openai/gpt-4o",
    "openrouter/auto",
    "llama3:70b",
    "@cf/meta/llama-3-8b"
  ]
  for (const model of models) {
    it.effect(`${model} goes there`, () =>
      Effect.map(chain(model, openrouter), (found) => {
        assert.lengthOf(found, 1)
        assert.match(found[0] ?? "", /^openrouter:/)
      })
    )
  }
})

describe("a prefix", () => {
  rules([
    [
      "pins the instance, under the name behind it",
      "openai/gpt-4o",
      all,
      ["openai:gpt-4o", "openrouter:openai/gpt-4o", "ollama:llama3:8b"]
    ],
    [
      "is a part of OpenRouter's names without such an instance",
      "openai/gpt-4o",
      openrouter,
      ["openrouter:openai/gpt-4o"]
    ],
    [
      "of OpenRouter stands before its maker/model",
      "openrouter/openai/gpt-4o",
      { ...openai, ...openrouter },
      ["openrouter:openai/gpt-4o"]
    ],
    [
      "of OpenRouter is its own where nothing but a name follows",
      "openrouter/auto",
      { ...openai, ...openrouter },
      ["openrouter:openrouter/auto"]
    ],
    ["pins the local model under any name", "ollama/qwen3:4b", ollama, ["ollama:qwen3:4b", "ollama:llama3:8b"]],
    ["with nothing behind it is no prefix", "openai/", openai, []],
    ["without anything before it is no prefix", "/gpt-4o", openai, []]
  ])
})

describe("a deployment at Azure", () => {
  rules([
    ["goes to Azure", "azure/my-chat", { ...openai, ...azure }, ["azure:my-chat"]],
    ["with its API version", "azure/my-chat|2024-06-01", azure, ["azure:my-chat|2024-06-01"]],
    [
      "or else to the fallback models and the local model",
      "azure/my-chat",
      { ...all, ...others },
      ["azure:my-chat", "openrouter:meta-llama/llama-3.3-70b-instruct", "openrouter:qwen/qwen3-32b", "ollama:llama3:8b"]
    ],
    [
      "that is called like a model, or else to that model",
      "azure/gpt-4o",
      { ...openai, ...azure },
      ["azure:gpt-4o", "openai:gpt-4o"]
    ],
    ["goes nowhere without Azure", "azure/my-chat", openai, []]
  ])
})

describe("the local model", () => {
  rules([
    [
      "is asked first under its own name",
      "llama3:8b",
      { ...all, ...others },
      ["ollama:llama3:8b", "openrouter:meta-llama/llama-3.3-70b-instruct", "openrouter:qwen/qwen3-32b"]
    ],
    ["may have another name", "qwen3:4b", { ...ollama, OSS_MODEL_NAME: "qwen3:4b" }, ["ollama:qwen3:4b"]]
  ])
})

describe("the maker of a model", () => {
  const makers = {
    openai: ["gpt-4o", "gpt-5-mini", "o1", "o3-mini", "o4-mini", "chatgpt-4o-latest"],
    anthropic: ["claude-3-haiku", "claude-opus-4-1"],
    google: ["gemini-2.5-pro"],
    cloudflare: ["@cf/meta/llama-3-8b"],
    azure: ["azure/anything"]
  }
  for (const [maker, models] of Object.entries(makers)) {
    it(`is ${maker} by its name`, () => {
      for (const model of models) assert.strictEqual(makerOf(model), maker)
    })
  }

  it("is not known of other names", () => {
    for (const name of ["openai/gpt-4o", "my-gpt-4", "mistral-large", "o2", "llama3:8b", ""])
      assert.isUndefined(makerOf(name))
  })
})
