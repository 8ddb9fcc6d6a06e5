import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { answer } from "../support/replies.js"
import * as Upstream from "../support/upstream.js"
import { root, run } from "./support/command.js"
import { freePort, serve } from "./support/gateway.js"

const key = "sk-canary-4f1d7a9c2e6b8035"

/** A config file with one instance of a compatible provider, and whatever a test adds to it. */
const config = (url: string, instance = "", rest = "") => `
instances:
  - id: ours
    provider: openai-compatible
    baseUrl: ${url}
    apiKey: ${key}
${instance}
${rest}
`

describe("the command line", () => {
  it.live("explains itself and each subcommand", () =>
    Effect.gen(function* () {
      for (const [args, words] of [
        [["--help"], /start[^]*test[^]*stats[^]*explain[^]*simulate/],
        [["start", "--help"], /serve the gateway[^]*--config[^]*--port[^]*--host/],
        [["test", "--help"], /check the configuration[^]*--live/],
        [["stats", "--help"], /running gateway[^]*--url[^]*--json[^]*--watch/],
        [["explain", "--help"], /<model>[^]*--json[^]*--config[^]*--url/],
        [["simulate", "--help"], /<scenario>[^]*scenarios\/[^]*--seed[^]*--strategy[^]*--json/]
      ] as const) {
        const { code, stderr, stdout } = yield* run(args)
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.match(stdout, words)
      }
    })
  )

  it.live("ends with 2 and a word about it when it is not understood", () =>
    Effect.gen(function* () {
      for (const [args, words] of [
        [["strat"], /strat|start/],
        [["start", "--prot", "1"], /--prot/],
        [["start", "--port", "many"], /many/],
        [["test", "--live", "now"], /now/],
        [["explain"], /model/],
        [["stats", "--watsh"], /--watsh/]
      ] as const) {
        const { code, stderr, stdout } = yield* run(args)
        assert.deepStrictEqual([args, code, stdout], [args, 2, ""])
        assert.match(stderr, words)
      }
    })
  )

  it.live("refuses a bad config file with the path of each field, and never shows a key", () =>
    Effect.gen(function* () {
      const text = config("http://127.0.0.1:1/v1", "    timeouts: { connect: soon }\n    apikey: x", "rooting: {}")
      for (const command of ["start", "test"]) {
        const { code, stderr, stdout } = yield* run([command, "--config", "orelse.yaml"], {
          files: { "orelse.yaml": text }
        })
        assert.deepStrictEqual([code, stdout], [1, ""])
        assert.match(stderr, /^orelse.yaml: the configuration has 3 problems$/m)
        assert.match(stderr, /line 7: instances\[0\]\.timeouts\.connect: /)
        assert.match(stderr, /line 8: instances\[0\]\.apikey: .*apiKey/)
        assert.match(stderr, /line 9: rooting: .*routing/)
        assert.notInclude(stderr, key)
      }
    })
  )

  it.live("never shows a key that came from the environment into a field where none belongs", () =>
    Effect.gen(function* () {
      const text = config("http://127.0.0.1:1/v1", "    timeouts: { total: '${SECRET_KEY}' }")
      const { code, stderr } = yield* run(["test", "--config", "orelse.yaml"], {
        files: { "orelse.yaml": text },
        env: { SECRET_KEY: key }
      })
      assert.strictEqual(code, 1)
      assert.include(stderr, "instances[0].timeouts.total")
      assert.notInclude(stderr, key)
    })
  )

  it.live("says which config file is missing", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run(["start"], { env: { ORELSE_CONFIG: "nowhere.yaml" } })
      assert.deepStrictEqual([code, stderr.includes("nowhere.yaml")], [1, true])
    })
  )
})

describe("orelse test", () => {
  it.live("prints the plan for each model, and calls nobody", () =>
    Effect.gen(function* () {
      const models = `
models:
  - id: gpt-4o-mini
    aliases: [mini]
    targets:
      - { instance: ours, model: small }
      - { instance: openai, model: gpt-4o-mini, catch: [rate_limit, timeout] }
tasks: { code: gpt-4o }
`
      const { code, stdout } = yield* run(["test", "-c", "orelse.yaml"], {
        files: { "orelse.yaml": config("http://127.0.0.1:1/v1", "    models: [small]", models) },
        env: { OPENAI_API_KEY: key, OPENAI_BASE_URL: "http://127.0.0.1:1/v1" }
      })
      assert.strictEqual(code, 0)
      assert.include(stdout, "instances: ours (openai-compatible), openai (openai)")
      for (const name of ["gpt-4o-mini", "mini"]) {
        assert.include(stdout, `\n${name}: ours/small, or else openai/gpt-4o-mini (on rate_limit, timeout)\n`)
      }
      assert.include(stdout, "\ngpt-4o: openai/gpt-4o\n")
      assert.include(stdout, "No provider was called")
      assert.notInclude(stdout, key)
    })
  )

  it.scopedLive("with --live asks each instance, and ends with 0 when all are there", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(answer("unasked"))
      const { code, stdout } = yield* run(["test", "--live", "--config", "orelse.yaml"], {
        files: { "orelse.yaml": config(upstream.url) }
      })
      assert.deepStrictEqual([code, upstream.received.length], [0, 0])
      assert.match(stdout, /^ours: ok \(1 models\)\n1 passed, 0 failed$/m)
    })
  )

  it.scopedLive("with --live ends with 1 when one is not, and says which and why", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(answer("unasked"))
      const { code, stderr, stdout } = yield* run(["test", "--live", "--config", "orelse.yaml"], {
        files: { "orelse.yaml": config(upstream.url) },
        env: { OPENAI_API_KEY: key, OPENAI_BASE_URL: Upstream.refusing.url }
      })
      assert.strictEqual(code, 1)
      assert.match(stdout, /^ours: ok .*\nopenai: .*connect.*\n1 passed, 1 failed$/m)
      assert.notInclude(stdout + stderr, key)
    })
  )
})

describe("orelse explain and orelse stats", () => {
  it.live("explain a model from the configuration, and never show a key", () =>
    Effect.gen(function* () {
      const files = { "orelse.yaml": config("http://127.0.0.1:1/v1", "    models: [small]") }
      const { code, stderr, stdout } = yield* run(["explain", "small", "--config", "orelse.yaml"], { files })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^1\. ours\/small \(openai-compatible; price unknown\)\nAt most 3 calls /)
      const none = yield* run(["explain", "large", "--config", "orelse.yaml"], { files })
      assert.deepStrictEqual(
        [none.code, none.stdout, none.stderr],
        [1, "", "no provider is configured for the model 'large'\n"]
      )
    })
  )

  it.scopedLive("ask a gateway that runs, without colours where no terminal is, and end with 1 where none does", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(answer("unasked"))
      const setting = { files: { "orelse.yaml": config(upstream.url) }, env: { ORELSE_CONFIG: "orelse.yaml" } }
      const { url } = yield* serve(setting)
      const env = { PORT: new URL(url).port }
      const asked = yield* run(["stats"], { env })
      assert.deepStrictEqual([asked.code, asked.stderr], [0, ""])
      assert.match(
        asked.stdout,
        /^ours +openai-compatible +Healthy +closed +0 [^]*\noverall: 1 healthy, 0 recovering, 0 down, of 1\n$/m
      )
      const explained = yield* run(["explain", "m", "--json", "--url", url])
      assert.strictEqual(JSON.parse(explained.stdout).failover_order[0].health, "healthy")
      const port = yield* freePort
      const none = yield* run(["stats", "--url", `http://127.0.0.1:${port}`])
      assert.deepStrictEqual([none.code, none.stdout], [1, ""])
      assert.match(none.stderr, /^no gateway answers at http:\/\/127\.0\.0\.1:\d+: /)
    })
  )
})

describe("orelse costs", () => {
  it.live("ends with 1 where there is neither a gateway nor a database", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["costs"])
      assert.deepStrictEqual([code, stdout, stderr], [1, "", "there is no database: DATABASE_URL is none\n"])
    })
  )
})

describe("orelse simulate", () => {
  it.live("runs a scenario that comes along, with the report on stdout and how long it took on stderr", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["simulate", join(root, "scenarios/outage.yaml"), "--json"])
      assert.strictEqual(code, 0)
      assert.match(stderr, /^priority: \d+ requests in \d+\.\d s\nno breaker: \d+ requests in \d+\.\d s\n$/)
      const { name, runs } = JSON.parse(stdout)
      assert.deepStrictEqual(
        [name, runs.map((each: { readonly availability: number }) => each.availability)],
        ["An outage", [1, 1]]
      )
    })
  )

  it.live("ends with 1 and the line of what is wrong with a scenario", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["simulate", "bad.yaml"], {
        files: { "bad.yaml": "duration: 1h\narrivals: { rate: fast }\nrequests: { model: m }\nconfig: {}" }
      })
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(stderr, /^ +line 2: arrivals\.rate: must be a number/m)
    })
  )
})
