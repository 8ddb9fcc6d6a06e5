import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { interpolate } from "../../src/config/Interpolate.js"
import { loading, refused } from "./loading.js"

const env = new Map([
  ["NAME", "orelse"],
  ["PORT_", "4000"]
])

describe("${VAR} in a config file", () => {
  it.each([
    ["${NAME}", "orelse"],
    ["x-${NAME}-${PORT_}", "x-orelse-4000"],
    ["${MISSING:-a default: with {signs}", "a default: with {signs"],
    ["${MISSING:-}", ""],
    ["${NAME:-unused}", "orelse"],
    ["$NAME and $ are only text", "$NAME and $ are only text"]
  ])("turns %j into %j", (text, filled) => {
    assert.deepStrictEqual(interpolate({ a: [text] }, env), { value: { a: [filled] }, issues: [] })
  })

  it.each(["${MISSING", "${}", "${WITH-DASH}", "${NAME:+x}", "${1ST}"])("refuses %j as malformed", (text) => {
    assert.deepStrictEqual(interpolate(text, env, ["a"]).issues, [
      { path: ["a"], message: "holds a ${ that is neither ${VAR} nor ${VAR:-default}" }
    ])
  })

  it("is not filled in twice, so a variable cannot name another", () => {
    const nested = new Map([["A", "${B}"]])
    assert.deepStrictEqual(interpolate("${A}", nested), { value: "${B}", issues: [] })
  })

  it.effect("cannot add fields to the file", () =>
    Effect.gen(function* () {
      const file = "instances: [{ id: a, provider: ollama }]\nlog:\n  file: ${LOG}\n"
      const { log } = yield* loading({ file, env: { LOG: 'x"\n  level: trace' } })
      assert.deepStrictEqual(log, { level: "info", format: "pretty", file: 'x"\n  level: trace' })
    })
  )

  it.effect("serves for numbers, switches and durations too", () =>
    Effect.gen(function* () {
      const file = `
server: { port: "\${P}", drain: "\${D:-7s}" }
health: { checkOnStart: "\${CHECK}" }
instances: [{ id: s, provider: simulated, enabled: "\${ON:-yes}", simulated: { failureRate: "\${RATE}" } }]`
      const settings = yield* loading({ file, env: { P: "4321", CHECK: "false", RATE: "0.25" } })
      assert.strictEqual(settings.server.port, 4321)
      assert.strictEqual(settings.server.drain, 7_000)
      assert.isFalse(settings.health.checkOnStart)
      assert.isTrue(settings.instances[0]?.enabled)
      assert.strictEqual(settings.instances[0]?.simulated.failureRate, 0.25)
    })
  )

  it.effect("reports a variable that is unset or empty once, with its path and nothing that follows from it", () =>
    Effect.gen(function* () {
      const file = "instances:\n  - id: a\n    provider: openai\n    apiKey: ${UNSET}\nserver:\n  port: ${EMPTY}\n"
      assert.deepStrictEqual(yield* refused({ file, env: { EMPTY: "" } }), [
        "instances[0].apiKey: the variable UNSET is not set",
        "server.port: the variable EMPTY is not set"
      ])
    })
  )

  it.effect("finds variables of .env", () =>
    Effect.gen(function* () {
      const file = "instances:\n  - id: a\n    provider: openai\n    apiKey: ${MY_KEY}\n"
      const { instances } = yield* loading({ file, files: { ".env": "MY_KEY=sk-dotenv\n" } })
      const key = instances[0]?.apiKey
      assert.strictEqual(key && Redacted.value(key), "sk-dotenv")
    })
  )
})
