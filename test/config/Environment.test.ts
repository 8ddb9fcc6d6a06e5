import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import { names } from "../../src/config/Environment.js"
import { loading, refused } from "./loading.js"

const all = {
  OPENAI_API_KEY: "sk-openai",
  OPENAI_BASE_URL: "https://proxy.example/v1/",
  OPENROUTER_API_KEY: "sk-or",
  AZURE_API_KEY: "azure-key",
  AZURE_API_BASE: "https://r.openai.azure.com/",
  OSS_MODEL_ENABLED: "true"
}

describe("the environment", () => {
  it.effect("makes an instance of every vendor that it has a key for", () =>
    Effect.gen(function* () {
      const { instances, notices } = yield* loading({ env: all })
      assert.deepStrictEqual(
        instances.map(({ apiKey, apiVersion, baseUrl, id, priority, provider }) => [
          id,
          provider,
          priority,
          apiKey && Redacted.value(apiKey),
          baseUrl,
          apiVersion
        ]),
        [
          ["openai", "openai", 1, "sk-openai", "https://proxy.example/v1", undefined],
          ["azure", "azure", 1, "azure-key", "https://r.openai.azure.com", "2024-10-21"],
          ["openrouter", "openrouter", 2, "sk-or", undefined, undefined],
          ["ollama", "ollama", 3, undefined, "http://localhost:11434/v1", undefined]
        ]
      )
      assert.isEmpty(notices)
    })
  )

  it.effect("leaves a vendor, and an id, to the config file where that has one", () =>
    Effect.gen(function* () {
      const file = `
instances:
  - { id: mine, provider: openrouter, apiKey: sk-file }
  - { id: openai, provider: openai-compatible, baseUrl: "http://127.0.0.1:8000/v1" }
  - { id: off, provider: ollama, enabled: false }`
      const { instances } = yield* loading({ file, env: all })
      assert.deepStrictEqual(
        instances.map(({ id }) => id),
        ["mine", "openai", "off", "azure"]
      )
    })
  )

  it.effect("does not ask for AZURE_API_BASE where the file has an Azure instance of its own", () =>
    Effect.gen(function* () {
      const file =
        "instances:\n  - id: eu\n    provider: azure\n    apiKey: ${AZURE_API_KEY}\n    baseUrl: https://r.openai.azure.com"
      const env = { AZURE_API_KEY: "azure-key", AZURE_API_VERSION: "2024-06-01" }
      const { instances } = yield* loading({ file, env })
      assert.deepStrictEqual(
        instances.map(({ apiVersion, id }) => [id, apiVersion]),
        [["eu", "2024-06-01"]]
      )
      assert.deepStrictEqual(yield* refused({ env }), [
        "AZURE_API_BASE: is required with AZURE_API_KEY: https://<resource>.openai.azure.com"
      ])
    })
  )

  it.effect.each([
    ["true", true],
    ["1", true],
    ["YES", true],
    ["on", true],
    ["false", false],
    ["0", false],
    ["", false]
  ] as const)("reads OSS_MODEL_ENABLED=%s as %s", ([written, enabled]) =>
    Effect.gen(function* () {
      const { instances } = yield* loading({ env: { OSS_MODEL_ENABLED: written } })
      assert.strictEqual(
        instances.some(({ id }) => id === "ollama"),
        enabled
      )
    })
  )

  it.effect("puts /v1 behind the local model's endpoint, once", () =>
    Effect.gen(function* () {
      for (const OSS_MODEL_ENDPOINT of ["http://gpu:11434", "http://gpu:11434/", "http://gpu:11434/v1/"]) {
        const { instances } = yield* loading({ env: { OSS_MODEL_ENABLED: "on", OSS_MODEL_ENDPOINT } })
        assert.strictEqual(instances[0]?.baseUrl, "http://gpu:11434/v1")
      }
    })
  )

  it.effect("says how models are replaced", () =>
    Effect.gen(function* () {
      const { replacements } = yield* loading({
        env: {
          OPENROUTER_FALLBACK_MODELS: " x-ai/grok , ,qwen/coder,",
          OPENROUTER_REPLACE_OPENAI: "openai/gpt-4o-mini",
          OSS_MODEL_NAME: "phi4"
        }
      })
      assert.deepStrictEqual(replacements, {
        openai: "openai/gpt-4o-mini",
        claude: undefined,
        others: ["x-ai/grok", "qwen/coder"],
        local: "phi4"
      })
      assert.strictEqual((yield* loading({})).replacements.local, "llama3:8b")
    })
  )

  it.effect("is refused by the variable's name where it holds something else", () =>
    Effect.gen(function* () {
      const env = {
        PORT: "abc",
        LOG_LEVEL: "loud",
        LOG_FORMAT: "xml",
        OPENAI_BASE_URL: "not a url",
        OPENROUTER_API_KEY: "two words",
        AZURE_API_VERSION: "a&b",
        OSS_MODEL_ENABLED: "perhaps"
      }
      const problems = yield* refused({ env })
      assert.deepStrictEqual(
        problems.map((problem) => problem.split(":", 1)[0]).toSorted(),
        Object.keys(env).toSorted()
      )
      assert.include(problems, "PORT: must be a whole number from 0 to 65535")
      assert.include(problems, "LOG_FORMAT: must be one of pretty, json")
    })
  )

  it.effect("counts an empty variable as unset, and drops blanks around a value", () =>
    Effect.gen(function* () {
      const settings = yield* loading({ env: { PORT: "", HOST: " ", LOG_LEVEL: " WARN ", OPENAI_API_KEY: " sk-1\n" } })
      assert.deepStrictEqual([settings.server.port, settings.server.host], [3000, "127.0.0.1"])
      assert.strictEqual(settings.log.level, "warn")
      const key = settings.instances[0]?.apiKey
      assert.strictEqual(key && Redacted.value(key), "sk-1")
    })
  )

  it.effect("makes an instance of each vendor whose key is set", () =>
    Effect.gen(function* () {
      const env = {
        OPENAI_API_KEY: "k",
        ANTHROPIC_API_KEY: "k",
        ANTHROPIC_BASE_URL: "https://proxy.example/anthropic/",
        GEMINI_API_KEY: "k",
        CLOUDFLARE_API_TOKEN: "k",
        CLOUDFLARE_ACCOUNT_ID: "0123abcd"
      }
      const { instances, notices } = yield* loading({ env })
      assert.deepStrictEqual(
        instances.map(({ accountId, baseUrl, id, priority, provider }) => [id, provider, priority, baseUrl, accountId]),
        [
          ["openai", "openai", 1, undefined, undefined],
          ["anthropic", "anthropic", 1, "https://proxy.example/anthropic", undefined],
          ["gemini", "gemini", 1, undefined, undefined],
          ["cloudflare", "cloudflare", 1, undefined, "0123abcd"]
        ]
      )
      assert.deepStrictEqual(notices, [])
    })
  )

  it.effect("needs the account with Cloudflare's token, unless the base URL says where to go", () =>
    Effect.gen(function* () {
      const env = { CLOUDFLARE_API_TOKEN: "k" }
      assert.deepStrictEqual(yield* refused({ env }), [
        "CLOUDFLARE_ACCOUNT_ID: is required with CLOUDFLARE_API_TOKEN: the id of the account, 32 letters and digits"
      ])
      const base = "https://gateway.example/workers-ai"
      assert.lengthOf((yield* loading({ env: { ...env, CLOUDFLARE_BASE_URL: base } })).instances, 1)
    })
  )

  it.effect("gives the default task a model that somebody serves", () =>
    Effect.gen(function* () {
      const { tasks } = yield* loading({ env: { ANTHROPIC_API_KEY: "k" } })
      assert.strictEqual(tasks["default"], "claude-haiku-4-5")
    })
  )

  it("is explained in .env.example, variable for variable and without a value", () => {
    const example = readFileSync(new URL("../../.env.example", import.meta.url), "utf8")
    const lines = example.split("\n")
    const written = lines.flatMap((line) => /^([A-Z_]+)=$/.exec(line)?.[1] ?? [])
    assert.deepStrictEqual(written.toSorted(), names.toSorted())
    for (const name of written) assert.match(lines[lines.indexOf(`${name}=`) - 1] ?? "", /^# ./, name)
  })
})
