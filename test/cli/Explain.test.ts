import { assert, describe, it } from "@effect/vitest"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { lines } from "../../src/cli/Explain.js"
import * as Paint from "../../src/cli/Paint.js"
import { ask, at, chat } from "../http/asking.js"
import * as Replies from "../support/replies.js"
import { chain } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { run } from "./running.js"

const config = `
instances:
  - { id: first, provider: openai, apiKey: sk-canary-71b0e3 }
  - { id: second, provider: openai-compatible, baseUrl: "http://127.0.0.1:1/v1", models: [small] }
models:
  - id: vendor/m
    targets:
      - { instance: first, model: gpt-4o-mini }
      - { instance: second, model: small, catch: [rate_limit, timeout] }
routing: { maxAttempts: 4, deadline: 30s }
`

const withConfig = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const path = yield* files.makeTempFileScoped({ suffix: ".yaml" })
  yield* files.writeFileString(path, config)
  return path
}).pipe(Effect.orDie, Effect.provide(NodeContext.layer))

describe("an explanation in words", () => {
  it("has a line a candidate, one for each that is left out, and what may follow", () => {
    const step = {
      provider: "openai",
      instance: "a",
      provider_model_id: "x",
      catch_errors: null,
      health: "degraded",
      response_time_ms: 41.6,
      pricing: { prompt: "0.15", completion: "0.6" }
    } as const
    const explanation = {
      model: "m",
      strategy: "priority",
      waits_ms: 1_500,
      providers_available: 2,
      failover_order: [
        { ...step, priority: 1 },
        {
          ...step,
          priority: 2,
          instance: "b",
          catch_errors: ["timeout"],
          health: null,
          response_time_ms: null,
          pricing: null
        }
      ],
      excluded: [
        { instance: "c", provider_model_id: "x", reason: "circuit_open", detail: "its circuit is open for 9 s" }
      ],
      recommendation: "a is asked first",
      max_attempts: 6,
      max_cost_usd: "0.42",
      deadline_ms: 1_500,
      mid_stream: "continue"
    } as const
    assert.deepStrictEqual(lines(explanation, Paint.plain), [
      "1. a/x (openai; degraded; 42 ms; 0.15 USD in and 0.6 USD out a million tokens)",
      "2. or else b/x (openai; on timeout; price unknown)",
      "left out: c/x (circuit_open: its circuit is open for 9 s)",
      "At most 6 calls and 0.42 USD within 1.5 s, up to 1.5 s of them waiting for somebody to be free: a is asked first.",
      "A stream that breaks is continued by who comes next."
    ])
    assert.strictEqual(
      lines({ ...explanation, max_cost_usd: null, mid_stream: "never" }, Paint.plain).at(-1),
      "At most 6 calls of unknown cost within 1.5 s, up to 1.5 s of them waiting for somebody to be free: a is asked first."
    )
  })
})

describe("orelse explain", () => {
  it.scopedLive("explains from the configuration alone, without a gateway", () =>
    Effect.gen(function* () {
      const { exit, printed } = yield* run("explain", "vendor/m", "--config", yield* withConfig)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(printed.split("\n"), [
        "1. first/gpt-4o-mini (openai; 0.15 USD in and 0.6 USD out a million tokens)",
        "2. or else second/small (openai-compatible; on rate_limit, timeout; price unknown)",
        "At most 4 calls of unknown cost within 30 s, up to 5 s of them waiting for somebody to be free: first is asked first, and 1 more can take over."
      ])
    })
  )

  it.scopedLive("knows nobody's health then, and says so with --json", () =>
    Effect.gen(function* () {
      const { printed } = yield* run("explain", "vendor/m", "--json", "--config", yield* withConfig)
      const { failover_order, ...rest } = JSON.parse(printed)
      assert.deepStrictEqual(
        [failover_order.length, failover_order[0].health, failover_order[0].response_time_ms],
        [2, null, null]
      )
      assert.deepStrictEqual([rest.model, rest.max_attempts, rest.deadline_ms], ["vendor/m", 4, 30_000])
      assert.notInclude(printed, "canary")
    })
  )

  it.scopedLive("fails where nobody serves the model", () =>
    Effect.gen(function* () {
      const { exit, printed } = yield* run("explain", "second/large", "--config", yield* withConfig)
      assert.strictEqual(printed, "")
      assert.isTrue(Exit.isFailure(exit))
    })
  )

  it.scopedLive("shows with --url what a running gateway would do now", () =>
    Effect.gen(function* () {
      const second = yield* Upstream.make(Replies.answer("of the second"))
      const gateway = yield* chain("standalone", [Upstream.refusing, second])
      for (const _ of [1, 2, 3]) yield* chat(gateway)
      yield* ask(gateway, "/admin/providers/first/circuit", { method: "PUT", body: '{"state":"open"}' })
      const { printed } = yield* run("explain", "m", "--url", gateway.url)
      assert.match(printed, /^1\. second\/m \(openai-compatible; healthy; \d+ ms; 1 USD in and 10 USD out /)
      assert.include(printed, "\nleft out: first/m (circuit_open: an operator opened its circuit)\n")
      const json = yield* run("explain", "m", "--json", "--url", gateway.url)
      assert.deepStrictEqual(JSON.parse(json.printed), at(yield* ask(gateway, "/admin/failover/model/m")))
    })
  )

  it.scopedLive("passes on why the gateway has no answer", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(Replies.answer("never asked"))
      const gateway = yield* chain("standalone", [upstream], { first: { models: ["m"] } })
      const { exit } = yield* run("explain", "vendor/none", "--url", gateway.url)
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.strictEqual(
        error instanceof Error ? error.message : undefined,
        `${gateway.url}: no provider is configured for the model 'vendor/none'`
      )
    })
  )
})
