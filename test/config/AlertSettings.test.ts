import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { loading, refused } from "./loading.js"

const secret = "T0S3CR3T/B0S3CR3T/aVeryLongAndVerySecretToken"
const url = `https://hooks.slack.com/services/${secret}`

describe("alerts in the config file", () => {
  it.effect("are posted to webhooks that are named by a URL, or by more, also out of a variable", () =>
    Effect.gen(function* () {
      const { alerts } = yield* loading({
        file: `
alerts:
  webhooks:
    - \${HOOK}
    - { url: "http://127.0.0.1:9/hook?key=a", events: [key_out, budget_threshold], format: json }
    - http://[::1]:9/hook
  repeatAfter: 30m
  timeout: 3s
`,
        env: { HOOK: url }
      })
      assert.deepStrictEqual(
        alerts.webhooks.map((webhook) => ({ ...webhook, url: Redacted.value(webhook.url) })),
        [
          { url, events: undefined, format: "slack" },
          { url: "http://127.0.0.1:9/hook?key=a", events: ["key_out", "budget_threshold"], format: "json" },
          { url: "http://[::1]:9/hook", events: undefined, format: "slack" }
        ]
      )
      assert.deepInclude(alerts, { repeatAfter: 1_800_000, timeout: 3_000 })
      assert.notInclude(inspect(alerts, { depth: 9 }) + JSON.stringify(alerts), secret)
    })
  )

  it.effect("are told to nobody where nothing is said, and once an hour about the same", () =>
    Effect.gen(function* () {
      const { alerts } = yield* loading({ file: "log: { level: info }" })
      assert.deepStrictEqual(alerts, { webhooks: [], repeatAfter: 3_600_000, timeout: 10_000 })
    })
  )

  it.effect("are refused with the path to what is wrong", () =>
    Effect.gen(function* () {
      const problems = yield* refused({
        file: `
alerts:
  webhooks:
    - http://hooks.example/plain
    - https://user:password@hooks.example/
    - { url: ftp://hooks.example }
    - { events: [key_out] }
    - { url: "https://hooks.example/a", events: [circuit_opened], formt: slack }
    - 5
  repeatAfter: soon
`
      })
      const address = "must be an https URL without a user, a password or a fragment; http only to this machine"
      assert.deepStrictEqual(problems, [
        `alerts.webhooks[0].url: ${address}`,
        `alerts.webhooks[1].url: ${address}`,
        `alerts.webhooks[2].url: ${address}`,
        "alerts.webhooks[3].url: is required",
        "alerts.webhooks[4].formt: is not a known field; did you mean format?",
        "alerts.webhooks[4].events[0]: must be one of circuit_open, key_out, fallback_exhausted, budget_threshold, price_unknown, store_trouble",
        "alerts.webhooks[5]: must be a URL, or a mapping with url, events and format",
        "alerts.repeatAfter: must be a duration from 1ms to 24h with its unit: 250ms, 5s, 2m or 1h"
      ])
    })
  )

  it.effect("are refused where a webhook is there twice, without a word of its address", () =>
    Effect.gen(function* () {
      const problems = yield* refused({
        file: `
alerts: { webhooks: ["${url}", { url: "${url}", events: [key_out] }] }
tasks: { default: ["${url}"], "${url}": 5 }
`
      })
      assert.include(problems, "alerts.webhooks[1].url: is there already: name all its events in one place")
      assert.notInclude(problems.join("\n"), secret)
    })
  )
})
