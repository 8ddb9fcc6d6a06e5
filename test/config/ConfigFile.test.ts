import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { loading, refused } from "./loading.js"

const whole = `
instances:
  - id: openai-primary
    provider: openai
    apiKey: \${KEY}
    baseUrl: https://api.openai.com/v1/
    enabled: true
    priority: 2
    models: [gpt-4o, gpt-4o-mini]
    allowedBaseUrls: [https://eu.api.openai.com/v1]
    timeouts: { connect: 250ms, firstToken: 5s, idle: 2m, total: 1h }
    retry: { maxAttempts: 5, baseDelay: 0ms, maxDelay: 1.5s, multiplier: 3, jitter: none, backoff: exponential, on: [timeout] }
    pricing:
      prompt: 0.15
      completion: "0.60"
      cacheRead: 0.0750000000000000001
      cacheWrite: 0.2
      cacheWrite1h: 0.3
      reasoning: 0.7
      audioInput: 10
      audioOutput: "20"
      request: 1e-3
      tiers: [{ above: 200000, prompt: 0.3, completion: 1.2, cacheRead: "0.15" }]
      models: { gpt-4o: { prompt: "2.5", completion: 10, tiers: [{ above: 0, prompt: 1, completion: 1 }] } }
  - { id: azure-eu, provider: azure, apiKey: azure-key, baseUrl: https://r.openai.azure.com, apiVersion: 2025-04-01-preview }
  - { id: fake, provider: simulated, simulated: { latency: 1s, tokenInterval: 5ms, failureRate: 0.5, failures: [network] } }
models:
  - id: gpt-4o-mini
    aliases: [openai/gpt-4o-mini]
    targets:
      - { instance: openai-primary, model: gpt-4o-mini }
      - { instance: fake, model: fake-mini, catch: [rate_limit, all] }
    midStream: never
tasks: { code: gpt-4o }
routing: { strategy: priority, deadline: 30s, maxAttempts: 4, midStream: continue }
health: { checkOnStart: false, cacheFor: 30s, probe: active, probeEvery: 10s, probeWith: chat }
server: { host: localhost, port: 4000, bodyLimit: 1KiB, drain: 10s }
log: { level: warn, format: json, file: orelse.log }
`

describe("the config file", () => {
  it.effect("configures every field that this version implements", () =>
    Effect.gen(function* () {
      const settings = yield* loading({ file: whole, env: { KEY: "sk-from-the-environment" } })
      const [openai, azure, fake] = settings.instances
      assert.deepInclude(openai, {
        id: "openai-primary",
        provider: "openai",
        baseUrl: "https://api.openai.com/v1",
        enabled: true,
        priority: 2,
        models: ["gpt-4o", "gpt-4o-mini"],
        allowedBaseUrls: ["https://eu.api.openai.com/v1"],
        timeouts: { connect: 250, firstToken: 5_000, idle: 120_000, total: 3_600_000 },
        retry: {
          maxAttempts: 5,
          baseDelay: 0,
          maxDelay: 1_500,
          multiplier: 3,
          jitter: "none",
          backoff: "exponential",
          on: ["timeout"]
        },
        pricing: {
          prompt: 0.15,
          completion: "0.60",
          cacheRead: 0.075,
          cacheWrite: 0.2,
          cacheWrite1h: 0.3,
          reasoning: 0.7,
          audioInput: 10,
          audioOutput: "20",
          request: 0.001,
          tiers: [{ above: 200_000, prompt: 0.3, completion: 1.2, cacheRead: "0.15" }],
          models: { "gpt-4o": { prompt: "2.5", completion: 10, tiers: [{ above: 0, prompt: 1, completion: 1 }] } }
        },
        apiVersion: undefined
      })
      assert.strictEqual(openai?.apiKey && Redacted.value(openai.apiKey), "sk-from-the-environment")
      assert.strictEqual(azure?.apiVersion, "2025-04-01-preview")
      assert.deepStrictEqual(fake?.simulated, {
        latency: 1_000,
        tokenInterval: 5,
        failureRate: 0.5,
        failures: ["network"]
      })
      assert.deepStrictEqual(settings.models, [
        {
          id: "gpt-4o-mini",
          aliases: ["openai/gpt-4o-mini"],
          targets: [
            { instance: "openai-primary", model: "gpt-4o-mini", catch: undefined },
            { instance: "fake", model: "fake-mini", catch: ["rate_limit", "all"] }
          ],
          midStream: "never"
        }
      ])
      assert.deepStrictEqual(settings.tasks, { default: "gpt-4o-mini", code: "gpt-4o" })
      assert.deepStrictEqual(settings.routing, {
        strategy: "priority",
        deadline: 30_000,
        maxAttempts: 4,
        midStream: "continue",
        weights: {},
        sticky: undefined,
        hedge: { enabled: false, after: undefined },
        retryBudget: { ratio: 0.1, reserve: 10 }
      })
      assert.deepStrictEqual(settings.health, {
        checkOnStart: false,
        cacheFor: 30_000,
        probe: "active",
        probeEvery: 10_000,
        probeWith: "chat"
      })
      assert.deepStrictEqual(settings.server, {
        host: "localhost",
        port: 4000,
        bodyLimit: 1024,
        drain: 10_000,
        adminKey: undefined
      })
      assert.deepStrictEqual(settings.log, { level: "warn", format: "json", file: "orelse.log" })
    })
  )

  it.effect("takes what an instance can do and how large a target's window is", () =>
    Effect.gen(function* () {
      const { instances, models } = yield* loading({
        file: `
instances:
  - { id: a, provider: ollama, capabilities: [chat, tools, vision, json_schema], maxTokensPerRequest: 16384 }
models:
  - { id: m, targets: [{ instance: a, model: x, contextWindow: "32768" }] }
`
      })
      assert.deepStrictEqual(instances[0]?.capabilities, ["chat", "tools", "vision", "json_schema"])
      assert.strictEqual(instances[0]?.maxTokensPerRequest, 16_384)
      assert.strictEqual(models[0]?.targets[0]?.contextWindow, 32_768)
      const wrong = yield* refused({
        file: "instances: [{ id: a, provider: ollama, capabilities: [chat, seeing], maxTokensPerRequest: 0 }]"
      })
      assert.deepStrictEqual(
        wrong.map((problem) => problem.split(":")[0]),
        ["instances[0].capabilities[1]", "instances[0].maxTokensPerRequest"]
      )
    })
  )

  it.effect("fills in the defaults of what it leaves out", () =>
    Effect.gen(function* () {
      const settings = yield* loading({ file: "instances: [{ id: local, provider: ollama }]" })
      assert.deepStrictEqual(settings.instances, [
        {
          id: "local",
          provider: "ollama",
          apiKey: undefined,
          baseUrl: undefined,
          enabled: true,
          priority: 1,
          weight: 1,
          maxConcurrency: undefined,
          rateLimit: undefined,
          models: undefined,
          capabilities: undefined,
          maxTokensPerRequest: undefined,
          allowedBaseUrls: [],
          timeouts: { connect: 5_000, firstToken: 30_000, idle: 60_000, total: 600_000 },
          retry: {
            maxAttempts: 3,
            baseDelay: 250,
            maxDelay: 8_000,
            multiplier: 2,
            jitter: "full",
            backoff: "exponential",
            on: ["rate_limit", "timeout", "network", "provider_unavailable"]
          },
          pricing: undefined,
          dialect: undefined,
          accountId: undefined,
          apiVersion: undefined,
          simulated: {
            latency: 150,
            tokenInterval: 20,
            failureRate: 0,
            failures: ["rate_limit", "provider_unavailable", "network", "malformed_response"]
          }
        }
      ])
      const { adminKey, ...server } = settings.server
      assert.isUndefined(adminKey)
      assert.deepStrictEqual(server, { host: "127.0.0.1", port: 3000, bodyLimit: 10_485_760, drain: 120_000 })
      assert.deepStrictEqual(settings.routing, {
        strategy: "priority",
        deadline: 120_000,
        maxAttempts: 6,
        midStream: "never",
        weights: {},
        sticky: undefined,
        hedge: { enabled: false, after: undefined },
        retryBudget: { ratio: 0.1, reserve: 10 }
      })
      assert.deepStrictEqual(settings.health, {
        checkOnStart: true,
        cacheFor: 60_000,
        probe: "passive",
        probeEvery: 30_000,
        probeWith: "models"
      })
      assert.deepStrictEqual(settings.log, { level: "info", format: "pretty", file: undefined })
    })
  )

  it.effect("is the same in JSON, also when that is indented with tabs", () =>
    Effect.gen(function* () {
      const file = JSON.stringify(
        { instances: [{ id: "m", provider: "ollama" }], server: { port: 4001, bodyLimit: 2048 } },
        null,
        "\t"
      )
      const { instances, server } = yield* loading({ file })
      assert.deepStrictEqual([instances[0]?.id, server.port, server.bodyLimit], ["m", 4001, 2048])
    })
  )

  it.effect("takes a section with nothing in it as absent", () =>
    Effect.gen(function* () {
      const settings = yield* loading({
        file: "instances:\ntasks:\nlog:\n  level:\n",
        env: { NODE_ENV: "development" }
      })
      assert.deepStrictEqual(settings.log, { level: "debug", format: "pretty", file: undefined })
      assert.deepStrictEqual(settings.tasks, { default: "gpt-4o-mini" })
    })
  )

  it.effect.each([
    ["server: { bodyLimit: 10MiB }", 10 * 1024 * 1024],
    ["server: { bodyLimit: 5MB }", 5_000_000],
    ["server: { bodyLimit: 1.5KiB }", 1536],
    ["server: { bodyLimit: 1GB }", undefined],
    ["server: { bodyLimit: 0 }", undefined],
    ["server: { bodyLimit: 10 parsecs }", undefined],
    ["server: { bodyLimit: true }", undefined]
  ] as const)("reads the size in %s as %s", ([file, bytes]) =>
    Effect.gen(function* () {
      if (bytes === undefined) {
        assert.deepStrictEqual(yield* refused({ file }), [
          "server.bodyLimit: must be a size from 1 to 256MiB: 10MiB, 1KiB, 5MB or bytes"
        ])
      } else assert.strictEqual((yield* loading({ file })).server.bodyLimit, bytes)
    })
  )

  it.effect.each(["5", "5000", "5 minutes", "-1s", "25h", "0ms", "1e3ms", "ms", "[5s]"])(
    "refuses %s as a time limit, because a limit has a unit and is between 1ms and a day",
    (written) =>
      Effect.gen(function* () {
        const file = `instances: [{ id: a, provider: ollama, timeouts: { connect: ${written} } }]`
        assert.deepStrictEqual(yield* refused({ file }), [
          "instances[0].timeouts.connect: must be a duration from 1ms to 24h with its unit: 250ms, 5s, 2m or 1h"
        ])
      })
  )

  it.effect.each([
    "ftp://example.com",
    "api.openai.com/v1",
    "https://user:secret@example.com/v1",
    "https://example.com/v1?key=secret",
    "https://example.com/v1#here",
    "https://"
  ])("refuses %s as a base URL", (url) =>
    Effect.gen(function* () {
      const file = `instances: [{ id: a, provider: ollama, baseUrl: "${url}", allowedBaseUrls: ["${url}"] }]`
      const message = "must be an http or https URL without credentials, query or fragment"
      assert.deepStrictEqual(yield* refused({ file }), [
        `instances[0].baseUrl: ${message}`,
        `instances[0].allowedBaseUrls[0]: ${message}`
      ])
    })
  )

  it.effect("reports every problem at once, in the file's order and with its lines", () =>
    Effect.gen(function* () {
      const file = [
        "instances:",
        "  - id: first",
        "    provider: openai",
        "    timeouts: { connect: 5 }",
        "  - id: first",
        "    provider: openai-compatible",
        "    frobnicate: 1",
        "server:",
        "  port: many",
        "models:",
        "  - id: m",
        "    targets: [{ instance: frist, model: x }]"
      ].join("\n")
      const { message, problems, source } = yield* Effect.flip(loading({ file, env: { LOG_LEVEL: "loud" } }))
      assert.strictEqual(source, "orelse.yaml")
      assert.deepStrictEqual(
        problems.map(({ line, path }) => [line, path]),
        [
          [2, "instances[0].apiKey"],
          [4, "instances[0].timeouts.connect"],
          [5, "instances[1].id"],
          [5, "instances[1].baseUrl"],
          [7, "instances[1].frobnicate"],
          [9, "server.port"],
          [12, "models[0].targets[0].instance"],
          [undefined, "LOG_LEVEL"]
        ]
      )
      assert.isTrue(
        message.startsWith("orelse.yaml: the configuration has 8 problems\n  line 2: instances[0].apiKey: ")
      )
      assert.include(message, "\n  LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent")
    })
  )
})
