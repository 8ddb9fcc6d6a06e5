import { assert, describe, it } from "@effect/vitest"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { keptNowhere, listLines, summary, syncedLines } from "../../src/cli/Models.js"
import type { SyncedInstance } from "../../src/http/ModelSyncBody.js"
import * as Replies from "../support/replies.js"
import { chain } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { afterEach, beforeEach, vi } from "vitest"
import { run, type Ran } from "./running.js"

const synced = (instance: string, fields: Partial<SyncedInstance> = {}): SyncedInstance => ({
  instance,
  provider: "openrouter",
  models: 250,
  left_out: 0,
  added: 12,
  updated: 3,
  removed: 1,
  ms: 1_234,
  failed: null,
  skipped: null,
  note: null,
  names: [],
  ...fields
})

const withConfig = (url: string) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const path = yield* files.makeTempFileScoped({ suffix: ".yaml" })
    yield* files.writeFileString(
      path,
      `
instances:
  - { id: vm, provider: vllm, baseUrl: "${url}" }
  - { id: dead, provider: vllm, baseUrl: "http://127.0.0.1:1/v1" }
  - { id: cloud, provider: azure, baseUrl: "https://r.openai.azure.com", apiKey: sk-canary-71b0e3 }
`
    )
    return path
  }).pipe(Effect.orDie, Effect.provide(NodeContext.layer))

const complaint = ({ exit }: Ran): string => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : assert.fail("it did not fail")
  return error instanceof Error ? error.message : assert.fail("it failed with something else than an error")
}

describe("a sync in words", () => {
  it("has a line an instance, and one for each id where they were asked for", () => {
    assert.deepStrictEqual(syncedLines(synced("openrouter")), [
      "openrouter: 250 models (12 new, 3 changed, 1 gone), 1.2 s"
    ])
    assert.deepStrictEqual(
      syncedLines(
        synced("g", {
          models: 1,
          left_out: 2,
          note: "a note",
          names: [{ provider_model_id: "a/b", model_id: "b", explanation: "a/b -> b: maker (why)" }]
        })
      ),
      [
        "g: 1 model (12 new, 3 changed, 1 gone), 1.2 s, without 2 that are not for text, a note",
        "  a/b -> b: maker (why)"
      ]
    )
    assert.deepStrictEqual(syncedLines(synced("f", { failed: "the key was refused", ms: 40 })), [
      "f: failed: the key was refused, 0.0 s"
    ])
    assert.deepStrictEqual(syncedLines(synced("s", { skipped: "it lists none" })), ["s: skipped: it lists none"])
  })

  it("ends with the sum of those that were synced", () => {
    assert.strictEqual(
      summary({
        instances: [
          synced("a"),
          synced("b", { models: 50 }),
          synced("c", { failed: "no" }),
          synced("d", { skipped: "no" })
        ]
      }),
      "2 synced: 300 models (24 new, 6 changed, 2 gone); 1 skipped, 1 failed"
    )
  })

  it("lists models with whom they are asked of", () => {
    const none = { rows: [], more: false }
    assert.deepStrictEqual(listLines({ data: [{ id: "gpt-4o", owned_by: "openai" }], catalogue: none }), [
      "model   provider  its name there  USD in  USD out  context",
      "gpt-4o  openai    -               -       -        -",
      "Prices are for a million tokens.",
      "No instance was asked for its list yet: orelse models sync does it."
    ])
    assert.deepStrictEqual(listLines({ data: [], catalogue: none }), ["The gateway knows no models by name."])
  })

  it("has a line for each model of an instance, with its prices and its window", () => {
    const row = {
      model: "gpt-4o",
      instance: "router",
      provider_model_id: "openai/gpt-4o",
      pricing: { prompt: "2.5", completion: "10" },
      context_window: 128_000,
      active: true
    }
    const off = {
      ...row,
      instance: "b",
      pricing: { prompt: null, completion: null },
      context_window: null,
      active: false
    }
    const data = [
      { id: "gpt-4o", owned_by: "openrouter" },
      { id: "m", owned_by: "vllm" }
    ]
    assert.deepStrictEqual(listLines({ data, catalogue: { rows: [row, off], more: false } }), [
      "model                    provider  its name there  USD in  USD out  context",
      "gpt-4o                   router    openai/gpt-4o   2.5     10       128000",
      "gpt-4o (out of service)  b         openai/gpt-4o   -       -        -",
      "m                        vllm      -               -       -        -",
      "Prices are for a million tokens."
    ])
    assert.include(
      listLines({ data, catalogue: { rows: [row], more: true } }),
      "There are more: -n shows more than 1 of them."
    )
  })
})

describe("orelse models sync", () => {
  beforeEach(() => void vi.stubEnv("DATABASE_URL", "none"))
  afterEach(() => void vi.unstubAllEnvs())

  it.scopedLive("lets a running gateway do it, which knows the models at once", () =>
    Effect.gen(function* () {
      const gateway = yield* chain("standalone", [yield* Upstream.make(), Upstream.refusing])
      const ran = yield* run("models", "sync", "--url", gateway.url)
      assert.match(ran.printed, /^first: 1 model \(1 new, 0 changed, 0 gone\)/m)
      assert.match(ran.printed, /^second: failed: /m)
      assert.include(ran.printed, `The gateway at ${gateway.url} has no database: it knows them until it ends.`)
      assert.strictEqual(complaint(ran), "")
      const { printed } = yield* run("models", "list", "--url", gateway.url, "--json")
      assert.deepStrictEqual(JSON.parse(printed).catalogue, {
        rows: [
          {
            model: "m",
            instance: "first",
            provider_model_id: "m",
            pricing: { prompt: "1", completion: "10" },
            context_window: null,
            active: true
          }
        ],
        more: false
      })
      const wrong = yield* run("models", "sync", "--url", gateway.url, "--providers", "nope")
      assert.include(complaint(wrong), "no enabled instance or vendor is called 'nope'")
    })
  )

  it.scopedLive("asks each instance, tells what came, and that nothing was kept; a failure is exit code 1", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make()
      const ran = yield* run("models", "sync", "--config", yield* withConfig(upstream.url))
      assert.match(ran.printed, /^vm: 1 model \(1 new, 0 changed, 0 gone\), \d+\.\d s$/m)
      assert.match(ran.printed, /^dead: failed: the connection was refused, /m)
      assert.match(ran.printed, /^cloud: skipped: Azure lists base models/m)
      assert.include(ran.printed, "1 synced: 1 model (1 new, 0 changed, 0 gone); 1 skipped, 1 failed")
      assert.include(ran.printed, keptNowhere)
      assert.strictEqual(complaint(ran), "")
      assert.notInclude(ran.printed, "canary")
    })
  )

  it.scopedLive("asks only whom it is told to, shows how names came about, and prints JSON for scripts", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make()
      const config = yield* withConfig(upstream.url)
      const words = yield* run("models", "sync", "--config", config, "--providers", "vm", "--explain")
      assert.isTrue(Exit.isSuccess(words.exit))
      assert.include(words.printed, "\n  m: its own name\n")
      const { printed } = yield* run("models", "sync", "--config", config, "--providers", " vm ,", "--json")
      const { instances } = JSON.parse(printed)
      assert.lengthOf(instances, 1)
      assert.deepInclude(instances[0], {
        instance: "vm",
        provider: "vllm",
        models: 1,
        added: 1,
        failed: null,
        names: []
      })
    })
  )

  it.scopedLive("fails where it is told to ask nobody, or somebody who is not there", () =>
    Effect.gen(function* () {
      const config = yield* withConfig("http://127.0.0.1:1/v1")
      assert.strictEqual(
        complaint(yield* run("models", "sync", "--config", config, "--providers", ",")),
        "--providers names nobody"
      )
      assert.include(
        complaint(yield* run("models", "sync", "--config", config, "--providers", "vm,nope")),
        "no enabled instance or vendor is called 'nope'; there are: vm (vllm), dead (vllm), cloud (azure)"
      )
    })
  )
})

describe("orelse models list", () => {
  it.scopedLive("shows what a running gateway can be asked for", () =>
    Effect.gen(function* () {
      const made = yield* chain("standalone", [yield* Upstream.make(Replies.answer("hi"))])
      const { printed } = yield* run("models", "list", "--url", made.url)
      assert.match(printed, /^model +provider +its name there/)
      const { printed: json } = yield* run("models", "list", "--url", made.url, "--json")
      assert.isNotEmpty(JSON.parse(json).data)
    })
  )
})
