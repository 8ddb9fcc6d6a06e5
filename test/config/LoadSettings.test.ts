import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { load } from "../../src/config/LoadSettings.js"
import { loading, refused } from "./loading.js"

const strong = "an-admin-key-of-32-characters-ok"

describe("settings", () => {
  it.effect("come from the preset, then the file, then the environment, then the command line", () =>
    Effect.gen(function* () {
      const env = { NODE_ENV: "development", PORT: "5000", LOG_FORMAT: "json", LOG_FILE: "env.log" }
      const file = "server: { port: 4000, host: localhost }\nlog: { level: warn, format: pretty, file: file.log }"
      const layered = yield* loading({ file, env, cli: { port: 6000 } })
      assert.deepStrictEqual([layered.server.port, layered.server.host], [6000, "localhost"])
      assert.deepStrictEqual(layered.log, { level: "warn", format: "json", file: "env.log" })
      assert.strictEqual((yield* loading({ file, env })).server.port, 5000)
      assert.strictEqual((yield* loading({ file })).server.port, 4000)
      const flags = yield* loading({ file, env: { HOST: "127.0.0.2" }, cli: { host: "::1", port: undefined } })
      assert.strictEqual(flags.server.host, "::1")
    })
  )

  it.effect("read .env below the real environment, where an empty variable hides the one in .env", () =>
    Effect.gen(function* () {
      const files = { ".env": 'PORT=4444\nLOG_LEVEL="error"\nOPENAI_API_KEY=sk-dotenv\n# HOST=0.0.0.0\n' }
      const settings = yield* loading({ files, env: { LOG_LEVEL: "warn", OPENAI_API_KEY: "", PORT: undefined } })
      assert.deepStrictEqual([settings.server.port, settings.log.level], [4444, "warn"])
      assert.notInclude(
        settings.instances.map(({ id }) => id),
        "openai"
      )
    })
  )

  it.effect("read the file that --config names, or else ORELSE_CONFIG, and none that nobody names", () =>
    Effect.gen(function* () {
      const files = {
        "a.yaml": "server: { port: 1 }",
        "b.json": '{"server":{"port":2}}',
        "orelse.yaml": "server: { port: 3 }"
      }
      const ports = yield* Effect.all([
        loading({ files, env: { ORELSE_CONFIG: "b.json" }, configPath: "a.yaml" }),
        loading({ files, env: { ORELSE_CONFIG: "b.json" } }),
        loading({ files: { ...files, ".env": "ORELSE_CONFIG=b.json" } }),
        loading({ files })
      ])
      assert.deepStrictEqual(
        ports.map(({ server }) => server.port),
        [1, 2, 2, 3000]
      )
    })
  )

  it.effect("are refused when the file that was named is not there", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(loading({ env: { ORELSE_CONFIG: "gone.yaml" } }))
      assert.strictEqual(error._tag, "ConfigError")
      assert.strictEqual(error.message, "gone.yaml: the configuration has 1 problem\n  there is no such file")
    })
  )

  it.effect("are refused for flags that make no sense", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* refused({ cli: { port: 70_000, host: "" } }), [
        "--host: must be text that is not empty, in quotes if it looks like a number",
        "--port: must be a whole number from 0 to 65535"
      ])
    })
  )

  it.scoped("are read from a real directory too", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const cwd = yield* files.makeTempDirectoryScoped()
      yield* files.writeFileString(join(cwd, ".env"), "PORT=4567\n")
      yield* files.writeFileString(join(cwd, "o.yaml"), "log: { level: trace }\n")
      const { log, server } = yield* load({ cwd, env: {}, configPath: "o.yaml" })
      assert.deepStrictEqual([server.port, log.level], [4567, "trace"])
      const error = yield* Effect.flip(load({ cwd, env: {}, configPath: "." }))
      assert.include(error.message, ".: the configuration has 1 problem\n  cannot be read")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})

describe("without any provider", () => {
  it.effect("two simulated ones stand in, of which only the first fails, and a notice says so loudly", () =>
    Effect.gen(function* () {
      const { instances, notices, tasks } = yield* loading({})
      assert.deepStrictEqual(
        instances.map(({ id, priority, provider, simulated }) => [id, provider, priority, simulated.failureRate]),
        [
          ["simulated-primary", "simulated", 1, 0.3],
          ["simulated-backup", "simulated", 2, 0]
        ]
      )
      assert.isAbove(instances[0]?.simulated.failures.length ?? 0, 1)
      assert.lengthOf(notices, 1)
      for (const word of ["SIMULATED", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "AZURE_API_KEY", "OSS_MODEL_ENABLED"]) {
        assert.include(notices[0], word)
      }
      assert.strictEqual(tasks["default"], "gpt-4o-mini")
    })
  )

  it.effect("production refuses, and says that a key or a config file is needed", () =>
    Effect.gen(function* () {
      const [problem, ...others] = yield* refused({ env: { NODE_ENV: "production" } })
      assert.isEmpty(others)
      assert.include(problem, "no provider is configured")
      assert.include(problem, "OPENAI_API_KEY")
      assert.include(problem, "--config")
    })
  )

  it.effect("production starts simulated instances that the file asks for, and says so", () =>
    Effect.gen(function* () {
      const file = "instances: [{ id: fake, provider: simulated }]"
      const { instances, notices } = yield* loading({ file, env: { NODE_ENV: "production" } })
      assert.deepStrictEqual(
        instances.map(({ id }) => id),
        ["fake"]
      )
      assert.deepStrictEqual(notices, ["SIMULATED: what fake answers is invented."])
    })
  )

  it.effect("disabled instances are not replaced by simulated ones", () =>
    Effect.gen(function* () {
      const { instances, notices } = yield* loading({
        file: "instances: [{ id: o, provider: ollama, enabled: false }]"
      })
      assert.deepStrictEqual(
        instances.map(({ id }) => id),
        ["o"]
      )
      assert.deepStrictEqual(notices, ["Every instance is disabled, so no request can be answered."])
    })
  )
})

describe("a host that others can reach", () => {
  it.effect.each(["0.0.0.0", "::", "192.168.1.10", "example.com", "128.0.0.1", "127.example.com"])(
    "is refused without ORELSE_ADMIN_KEY: %s",
    (host) =>
      Effect.gen(function* () {
        const message = "others than this machine could reach the gateway, so ORELSE_ADMIN_KEY must be set"
        assert.deepStrictEqual(yield* refused({ env: { HOST: host } }), [`HOST: ${message}`])
        assert.deepStrictEqual(yield* refused({ cli: { host } }), [`--host: ${message}`])
        const { problems } = yield* Effect.flip(loading({ file: `server:\n  host: "${host}"` }))
        assert.deepStrictEqual(problems, [{ path: "server.host", message, line: 2 }])
        const open = yield* loading({ env: { HOST: host, ORELSE_ADMIN_KEY: strong } })
        assert.strictEqual(open.server.host, host)
        assert.isTrue(open.notices.every((notice) => !notice.includes("ORELSE_ADMIN_KEY")))
      })
  )

  it.effect.each(["127.0.0.1", "127.9.9.9", "::1", "0:0:0:0:0:0:0:1", "localhost", "LocalHost"])(
    "is none of these: %s",
    (host) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* loading({ env: { HOST: host } })).server.host, host)
      })
  )

  it.effect("does not count where something stronger overrides it", () =>
    Effect.gen(function* () {
      const { server } = yield* loading({ file: "server: { host: 0.0.0.0 }", env: { HOST: "localhost" } })
      assert.strictEqual(server.host, "localhost")
    })
  )

  it.effect("gets a warning when the admin key is short", () =>
    Effect.gen(function* () {
      const { notices } = yield* loading({ env: { OPENAI_API_KEY: "k", ORELSE_ADMIN_KEY: "hunter2" } })
      assert.lengthOf(notices, 1)
      assert.include(notices[0], "shorter than 16 characters")
      assert.notInclude(notices[0], "hunter2")
    })
  )
})

describe("the default task", () => {
  const azure = { AZURE_API_KEY: "k", AZURE_API_BASE: "https://r.openai.azure.com" }
  const chain = "models:\n  - id: my-model\n    targets: [{ instance: azure, model: d }]"

  it.effect.each([
    ["gpt-4o-mini where a vendor of many models is there", "", { ...azure, OPENROUTER_API_KEY: "k" }, "gpt-4o-mini"],
    ["gpt-4o-mini even if the file has models", chain, { ...azure, OPENAI_API_KEY: "k" }, "gpt-4o-mini"],
    ["the file's first model otherwise", chain, azure, "my-model"],
    ["the local model where nothing else is there", "", { OSS_MODEL_ENABLED: "1", OSS_MODEL_NAME: "phi4" }, "phi4"],
    [
      "not gpt-4o-mini where the only instance does not serve it",
      "instances: [{ id: vllm, provider: openai-compatible, baseUrl: 'http://127.0.0.1:8000/v1', models: [qwen] }]\n" +
        "models:\n  - id: q\n    targets: [{ instance: vllm, model: qwen }]",
      {},
      "q"
    ]
  ] as const)("is %s", ([, file, env, model]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* loading({ file, env })).tasks["default"], model)
    })
  )
})

describe("limits and budgets that do not hold over HTTP what they name", () => {
  it.effect("are told of by their paths, and so is what holds callers", () =>
    Effect.gen(function* () {
      const file = `
instances: [{ id: o, provider: ollama }]
rateLimits:
  - { scope: global, requestsPerMinute: 1 }
  - { scope: "key:*", requestsPerMinute: 1 }
  - { scope: "tenant:*", requestsPerMinute: 1 }
  - { scope: "tenant:acme", requestsPerMinute: 1 }
budgets:
  - { scope: "user:*", daily: 1 }
  - { scope: "key:k1", daily: 1 }
`
      const { notices } = yield* loading({ file })
      const held = "What holds them is global, and user:* for each user that a request names."
      assert.deepStrictEqual(notices, [
        "Over HTTP nobody is held by rateLimits[1] (key:*), rateLimits[3] (tenant:acme), budgets[1] (key:k1): " +
          `this gateway has no keys or tenants for callers. ${held}`,
        `Over HTTP all callers are held together by rateLimits[2] (tenant:*): all are of the tenant default. ${held}`
      ])
    })
  )

  it.effect("are none that name everybody or users", () =>
    Effect.gen(function* () {
      const file = `
instances: [{ id: o, provider: ollama }]
rateLimits: [{ scope: global, requestsPerMinute: 1 }, { scope: caller, requestsPerMinute: 1 }]
budgets: [{ scope: "user:*", daily: 1 }, { scope: "provider:ollama", daily: 1 }]
`
      assert.isEmpty((yield* loading({ file })).notices)
    })
  )
})
