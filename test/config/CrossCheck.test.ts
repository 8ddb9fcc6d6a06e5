import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { loading, refused } from "./loading.js"

const instances = (...rows: ReadonlyArray<object>) => JSON.stringify({ instances: rows })

describe("the config file as a whole", () => {
  it.effect("refuses an instance id that is taken", () =>
    Effect.gen(function* () {
      const file = instances(
        { id: "a", provider: "ollama" },
        { id: "b", provider: "ollama" },
        { id: "a", provider: "ollama" }
      )
      assert.deepStrictEqual(yield* refused({ file }), ["instances[2].id: the name a is taken already"])
    })
  )

  it.effect("refuses capabilities that are asked for in chats where chat is not among them", () =>
    Effect.gen(function* () {
      const each = [["tools", "vision"], [], ["chat"], ["json_schema", "chat"]]
      const file = instances(...each.map((capabilities, at) => ({ id: `i${at}`, provider: "ollama", capabilities })))
      assert.deepStrictEqual(yield* refused({ file }), [
        "instances[0].capabilities: must hold chat, since the others are asked for in chats; an empty list is for an instance without chats"
      ])
    })
  )

  it.effect("refuses a model's name that is taken, be it by an id or an alias", () =>
    Effect.gen(function* () {
      const targets = [{ instance: "o", model: "x" }]
      const file = JSON.stringify({
        instances: [{ id: "o", provider: "ollama" }],
        models: [
          { id: "a", aliases: ["b", "a"], targets },
          { id: "b", targets },
          { id: "c", aliases: ["a"], targets }
        ]
      })
      assert.deepStrictEqual(yield* refused({ file }), [
        "models[0].aliases[1]: the name a is taken already",
        "models[1].id: the name b is taken already",
        "models[2].aliases[0]: the name a is taken already"
      ])
    })
  )

  it.effect("refuses a target that names no instance, and says what would help", () =>
    Effect.gen(function* () {
      const targets = ["openrouter", "opena", "nowhere", "ollama", "constructor"].map((instance) => ({
        instance,
        model: "x"
      }))
      const file = JSON.stringify({ models: [{ id: "m", targets }] })
      assert.deepStrictEqual(yield* refused({ file, env: { OPENAI_API_KEY: "sk-1" } }), [
        "models[0].targets[0].instance: no instance is called openrouter; OPENROUTER_API_KEY would make one",
        "models[0].targets[1].instance: no instance is called opena; did you mean openai?",
        "models[0].targets[2].instance: no instance is called nowhere",
        "models[0].targets[3].instance: no instance is called ollama; OSS_MODEL_ENABLED=true would make one",
        "models[0].targets[4].instance: no instance is called constructor"
      ])
    })
  )

  it.effect("lets a target name an instance that the environment makes", () =>
    Effect.gen(function* () {
      const file = JSON.stringify({ models: [{ id: "m", targets: [{ instance: "openai", model: "x" }] }] })
      const settings = yield* loading({ file, env: { OPENAI_API_KEY: "sk-1" } })
      assert.deepStrictEqual(
        settings.instances.map(({ id }) => id),
        ["openai"]
      )
    })
  )

  it.effect("does not complain of targets while nobody knows what the environment makes", () =>
    Effect.gen(function* () {
      const file = JSON.stringify({ models: [{ id: "m", targets: [{ instance: "openai", model: "x" }] }] })
      assert.deepStrictEqual(yield* refused({ file, env: { PORT: "abc" } }), [
        "PORT: must be a whole number from 0 to 65535"
      ])
    })
  )

  it.effect.each(["openai-compatible", "azure"])("refuses %s without a base URL", (provider) =>
    Effect.gen(function* () {
      const file = instances({ id: "a", provider, apiKey: "some-key" })
      assert.deepStrictEqual(yield* refused({ file }), [`instances[0].baseUrl: is required for provider ${provider}`])
    })
  )

  it.effect.each([
    ["openai", "OPENAI_API_KEY"],
    ["openrouter", "OPENROUTER_API_KEY"],
    ["azure", "AZURE_API_KEY"]
  ] as const)("refuses an enabled %s instance without a key and names %s", ([provider, variable]) =>
    Effect.gen(function* () {
      const baseUrl = "https://example.com"
      const expected = `is required while this ${provider} instance is enabled, usually as \${${variable}}`
      for (const key of [{}, { apiKey: "" }, { apiKey: "  " }, { apiKey: "${NO_KEY:-}" }, { apiKey: null }]) {
        assert.deepStrictEqual(yield* refused({ file: instances({ id: "a", provider, baseUrl, ...key }) }), [
          `instances[0].apiKey: ${expected}`
        ])
      }
    })
  )

  it.effect("lets a disabled instance, and one whose vendor asks for none, go without a key", () =>
    Effect.gen(function* () {
      const file = instances(
        { id: "a", provider: "openai", enabled: false, apiKey: "" },
        { id: "b", provider: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" },
        { id: "c", provider: "ollama" }
      )
      const settings = yield* loading({ file })
      assert.deepStrictEqual(
        settings.instances.map(({ apiKey }) => apiKey),
        [undefined, undefined, undefined]
      )
    })
  )

  it.effect("refuses what another vendor would not look at", () =>
    Effect.gen(function* () {
      const file = instances({ id: "a", provider: "ollama", apiVersion: "2024-10-21", simulated: { latency: "1s" } })
      assert.deepStrictEqual(yield* refused({ file }), [
        "instances[0].apiVersion: is for provider azure only",
        "instances[0].simulated: is for provider simulated only"
      ])
    })
  )

  it.effect("refuses what does nothing as long as something else is missing", () =>
    Effect.gen(function* () {
      const idle = `routing: { hedge: { after: 2s } }
circuitBreaker: { minimumCalls: 5 }
health: { probeEvery: 10s, probeWith: chat }`
      assert.deepStrictEqual(yield* refused({ file: idle }), [
        "routing.hedge.after: does nothing without enabled: true",
        "circuitBreaker.minimumCalls: does nothing without failureRatio",
        "health.probeEvery: does nothing without probe: active",
        "health.probeWith: does nothing without probe: active"
      ])
      yield* loading({
        file: `routing: { hedge: { enabled: false, after: 2s } }
circuitBreaker: { minimumCalls: 5, failureRatio: 0.5 }
health: { probe: active, probeEvery: 10s }`
      })
    })
  )

  it.effect("lets tasks name models that it does not know", () =>
    Effect.gen(function* () {
      const { tasks } = yield* loading({ file: "tasks: { default: whatever/model, code: other }" })
      assert.deepStrictEqual(tasks, { default: "whatever/model", code: "other" })
    })
  )

  it.effect("refuses prices that no request could have", () =>
    Effect.gen(function* () {
      const pair = { prompt: 1, completion: 2 }
      const file = instances(
        ...[
          {},
          { prompt: 1 },
          { completion: 2, models: { m: pair } },
          { models: {}, cacheRead: 1 },
          { models: { m: pair }, cacheRead: 1, tiers: [{ above: 1, ...pair }], chacheWrite: 1 },
          {
            ...pair,
            tiers: [
              { above: 5, ...pair },
              { above: "5", ...pair }
            ],
            models: {
              "a/b": {
                ...pair,
                tiers: [
                  { above: 1, ...pair },
                  { above: 1, ...pair }
                ]
              }
            }
          },
          { ...pair, tiers: [] },
          { prompt: "1,5", completion: -1, cacheRead: 1_000_001, request: "1e99" },
          { models: { m: { prompt: 1 } } }
        ].map((pricing, at) => ({ id: `i${at}`, provider: "ollama", pricing }))
      )
      assert.deepStrictEqual((yield* refused({ file })).toSorted(), [
        "instances[0].pricing: needs prompt and completion, or models",
        "instances[1].pricing.completion: is required with prompt",
        "instances[2].pricing.prompt: is required with completion",
        "instances[3].pricing: needs prompt and completion, or models",
        "instances[4].pricing.cacheRead: does nothing without prompt and completion",
        "instances[4].pricing.chacheWrite: is not a known field; did you mean cacheWrite?",
        "instances[4].pricing.tiers: does nothing without prompt and completion",
        'instances[5].pricing.models["a/b"].tiers[1].above: is the start of another tier already',
        "instances[5].pricing.tiers[1].above: is the start of another tier already",
        "instances[6].pricing.tiers[0]: is required",
        "instances[7].pricing.cacheRead: must be an amount in USD from 0 to 1000000, such as 2.5",
        "instances[7].pricing.completion: must be an amount in USD from 0 to 1000000, such as 2.5",
        "instances[7].pricing.prompt: must be an amount in USD from 0 to 1000000, such as 2.5",
        "instances[7].pricing.request: must be an amount in USD from 0 to 1000000, such as 2.5",
        "instances[8].pricing.models.m.completion: is required"
      ])
    })
  )
})
