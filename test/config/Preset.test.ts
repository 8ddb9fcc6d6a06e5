import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Effect from "effect/Effect"
import * as ConfigFile from "../../src/config/ConfigFile.js"
import { overlay, presets } from "../../src/config/Preset.js"
import { find } from "../../src/config/UnknownField.js"
import { loading } from "./loading.js"

describe("presets", () => {
  it.each(Object.entries(presets))("hold only what a config file may hold: %s", (_, preset) => {
    assert.isEmpty(find(preset))
    assert.isTrue(Either.isRight(ConfigFile.decode(preset)))
  })

  it.effect("are chosen by NODE_ENV, and development is the smaller and the more talkative", () =>
    Effect.gen(function* () {
      const env = { OPENAI_API_KEY: "sk-1" }
      const plain = yield* loading({ env: { ...env, NODE_ENV: "test" } })
      const development = yield* loading({ env: { ...env, NODE_ENV: "development" } })
      const production = yield* loading({ env: { ...env, NODE_ENV: "production" } })
      assert.deepStrictEqual(
        [plain, development, production].map(({ log, preset }) => [preset, log.level, log.format]),
        [
          [undefined, "info", "pretty"],
          ["development", "debug", "pretty"],
          ["production", "info", "json"]
        ]
      )
      assert.isBelow(development.server.bodyLimit, production.server.bodyLimit)
      assert.isBelow(development.routing.maxAttempts, production.routing.maxAttempts)
    })
  )

  it.effect("lie below the user's file, field by field", () =>
    Effect.gen(function* () {
      const file = "log: { level: error }\nserver: { bodyLimit: 3MiB }"
      const { log, server } = yield* loading({ file, env: { NODE_ENV: "development" } })
      assert.deepStrictEqual([log.level, log.format], ["error", "pretty"])
      assert.deepStrictEqual([server.bodyLimit, server.drain], [3 * 1024 * 1024, 5_000])
    })
  )

  it("are covered whole where the file has a list or a plain value", () => {
    const under = { a: { b: 1, c: [1, 2] }, d: { e: 1 } }
    assert.deepStrictEqual(overlay(under, { a: { c: [3] }, d: 5 }), { a: { b: 1, c: [3] }, d: 5 })
    assert.deepStrictEqual(overlay(under, {}), under)
  })
})
