import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import { between } from "../../src/cli/Differences.js"
import type { Settings } from "../../src/config/Settings.js"
import { instance, model, routing, settings } from "../support/settings.js"

const before = (more: Partial<Settings> = {}): Settings =>
  settings({
    instances: [instance("a", { apiKey: Redacted.make("sk-old") }), instance("b")],
    models: [model("m", ["a"])],
    ...more
  })

describe("what a new configuration changes", () => {
  it("is nothing where it says the same", () => {
    assert.deepStrictEqual(between(before(), before()), { made: [], needRestart: [] })
  })

  it("is told by names, and never by values", () => {
    const { made } = between(
      before(),
      before({
        instances: [instance("a", { apiKey: Redacted.make("sk-new"), weight: 2 }), instance("c"), instance("d")],
        models: [{ ...model("m", ["c"]), aliases: ["n"] }],
        tasks: { default: "m", code: "m" },
        routing: { ...routing, strategy: "weighted", deadline: 1 },
        rateLimits: [{ scope: "global", requestsPerMinute: 1 }],
        server: { ...settings().server, bodyLimit: 1 },
        replacements: { ...settings().replacements, openai: "openai/gpt-4.1" }
      })
    )
    assert.deepStrictEqual(made, [
      "instances added: c, d",
      "instances removed: b",
      "instances changed: a (apiKey, weight)",
      "models changed: m (aliases, targets)",
      "changed in routing: strategy, deadline",
      "changed in tasks: default, code",
      "changed in server: bodyLimit",
      "changed: rateLimits",
      "changed: which models stand in for others"
    ])
  })

  it("needs a restart where it is read once", () => {
    const { made, needRestart } = between(
      before(),
      before({
        server: { ...settings().server, port: 1, adminKey: Redacted.make("admin") },
        log: { ...settings().log, level: "debug" },
        routing: { ...routing, retryBudget: { ratio: 1, reserve: 1 } }
      })
    )
    assert.deepStrictEqual(
      [made, needRestart],
      [[], ["server.port", "ORELSE_ADMIN_KEY", "log.level", "routing.retryBudget"]]
    )
  })
})
