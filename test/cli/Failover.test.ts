import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { lines } from "../../src/cli/Failover.js"
import { plain } from "../../src/cli/Paint.js"
import { chain } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { run } from "./running.js"

const row = {
  priority: 1,
  provider: "openrouter",
  instance: "router",
  provider_model_id: "openai/gpt-4o",
  active: true,
  health: "healthy",
  response_time_ms: 149.6,
  pricing: { prompt: "2.5", completion: "10" },
  left_out: null
} as const

const unknown = { ...row, priority: null, instance: "b", health: null, response_time_ms: null, pricing: null }

describe("the table of who serves a model", () => {
  it("has a line for each, and says why one is not asked", () => {
    const providers = [row, { ...unknown, left_out: "its circuit is open for 9 s" }]
    const found = { model: "gpt-4o", provider: null, available: true, provider_model_id: "openai/gpt-4o", providers }
    assert.deepStrictEqual(lines(found, plain), [
      "    instance  provider    its name there  health   answers in  USD in  USD out",
      "1.  router    openrouter  openai/gpt-4o   healthy  150 ms      2.5     10",
      "-   b         openrouter  openai/gpt-4o   -        -           -       -        its circuit is open for 9 s"
    ])
  })

  it("says that there is nobody", () => {
    const none = { model: "m", provider: null, available: false, provider_model_id: null, providers: [] }
    assert.deepStrictEqual(lines(none, plain), ["Nobody serves m."])
    assert.deepStrictEqual(lines({ ...none, provider: "vm" }, plain), ["vm does not serve m."])
  })
})

describe("orelse failover", () => {
  it.scopedLive("shows what the gateway at --url would do; a model that nobody has is exit code 1", () =>
    Effect.gen(function* () {
      const gateway = yield* chain("standalone", [yield* Upstream.make(), Upstream.refusing])
      const failover = (...args: ReadonlyArray<string>) => run("failover", ...args, "--url", gateway.url)
      const all = yield* failover("m")
      assert.isTrue(Exit.isSuccess(all.exit))
      assert.match(all.printed, /^1\. +first .*\n2\. +second /m)
      const { printed } = yield* failover("m", "--provider", "second", "--all", "--json")
      assert.deepInclude(JSON.parse(printed), { provider: "second", available: true, provider_model_id: "m" })
      const nobody = yield* failover("m", "--provider", "nobody")
      assert.isTrue(Exit.isFailure(nobody.exit))
      assert.strictEqual(nobody.printed, "nobody does not serve m.")
      assert.include((yield* failover("@cf/a b/c", "--provider", "x")).printed, "x does not serve @cf/a b/c.")
    })
  )
})
