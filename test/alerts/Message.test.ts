import { assert, describe, it } from "@effect/vitest"
import * as AlertBody from "../../src/alerts/AlertBody.js"
import * as Message from "../../src/alerts/Message.js"
import type { Alert } from "../../src/domain/Alert.js"
import * as Money from "../../src/domain/Money.js"
import { circuitOpen, exhausted } from "./running.js"

const at = Date.UTC(2026, 0, 31, 12)

const budget: Alert = {
  kind: "budget_threshold",
  scope: "provider:openai",
  period: "daily",
  percent: 80,
  spent: Money.fromUsd(8.1),
  limit: Money.fromUsd(10),
  refuses: false,
  resetsAt: at + 12 * 3_600_000
}

const all: ReadonlyArray<Alert> = [
  circuitOpen("primary"),
  circuitOpen("primary", "gpt-4o"),
  { kind: "key_out", instance: "primary", retryIn: 60 },
  exhausted("gpt-4o"),
  { kind: "fallback_exhausted", model: "gpt-4o", categories: [] },
  budget,
  { ...budget, percent: 100, refuses: true },
  { kind: "price_unknown", instance: "primary", model: "gpt-9" },
  { kind: "store_trouble", store: "database", trouble: "down" },
  { kind: "store_trouble", store: "journal", trouble: "full" }
]

const text = (alert: Alert): string => AlertBody.of(alert, "id", at).text

const slack = (alert: Alert): string => Message.of(AlertBody.of(alert, "id", at), "slack")

describe("what is told", () => {
  it("is a sentence about each thing", () => {
    assert.deepStrictEqual(all.map(text), [
      "`primary` is not asked any more after 3 failures in a row; it is tried again in 60 s",
      "`primary/gpt-4o` is not asked any more after 3 failures in a row; it is tried again in 60 s",
      "the key of `primary` is refused, or its quota is spent; it is tried again in 60 s",
      "nobody answered a request for `gpt-4o` (rate_limit)",
      "nobody could be asked for `gpt-4o`: all who serve it are out",
      "the daily budget of `provider:openai` is spent to 80 %: 8.1 of 10 USD; it begins anew at 2026-02-01T00:00:00.000Z",
      "the daily budget of `provider:openai` refuses calls: 8.1 of 10 USD is spent, and what is left is less than they may cost; it begins anew at 2026-02-01T00:00:00.000Z",
      "nobody knows what `gpt-9` costs at `primary`, so its calls are counted without a cost; set its pricing",
      "the database does not answer; what is to be kept waits in the journal",
      "the journal takes nothing any more, or lost something: its disk is full, or the database is away for too long"
    ])
  })

  it("holds no key that a caller sent as the name of a model", () => {
    const key = "sk-proj-Zx8Kq2Vn7Lm4Tp9Rw3Yb6Dc1"
    for (const alert of [exhausted(key), circuitOpen("a", key), exhausted(`${"m".repeat(300)} ${key}`)]) {
      for (const format of ["slack", "json"] as const) {
        assert.notInclude(Message.of(AlertBody.of(alert, "id", at), format), "Zx8Kq2Vn7Lm4")
      }
    }
  })

  it("leaves the names of real models as they are", () => {
    for (const model of ["accounts/fireworks/models/llama-v3p1-405b-instruct", "@cf/meta/llama-3.1-8b-instruct"]) {
      assert.include(text(exhausted(model)), `\`${model}\``)
    }
  })
})

describe("a message for Slack", () => {
  it("has the fields that Slack documents, and no others", () => {
    assert.deepStrictEqual(JSON.parse(slack(budget)), {
      text: "*orelse* the daily budget of `provider:openai` is spent to 80 %: 8.1 of 10 USD; it begins anew at 2026-02-01T00:00:00.000Z",
      attachments: [
        {
          color: "warning",
          fallback:
            "the daily budget of `provider:openai` is spent to 80 %: 8.1 of 10 USD; it begins anew at 2026-02-01T00:00:00.000Z",
          fields: [
            { title: "event", value: "budget_threshold", short: true },
            { title: "scope", value: "`provider:openai`", short: true },
            { title: "period", value: "`daily`", short: true },
            { title: "percent", value: "`80`", short: true },
            { title: "spent usd", value: "`8.1`", short: true },
            { title: "limit usd", value: "`10`", short: true },
            { title: "resets at", value: "`2026-02-01T00:00:00.000Z`", short: true }
          ],
          footer: "orelse 0.1.0, alert id",
          ts: at / 1000
        }
      ]
    })
  })

  it("mentions nobody and links nowhere, whatever a caller calls a model", () => {
    const message = slack(exhausted("<!channel> `@here` <https://evil.example|click> \u0000&"))
    assert.notMatch(message, /[<>]/)
    const { text: shown } = JSON.parse(message) as { text: string }
    // One code span, in which nothing is markup.
    assert.strictEqual(
      shown,
      "*orelse* nobody answered a request for `&lt;!channel&gt; '@here' &lt;https://evil.example|click&gt; \ufffd&amp;` (rate_limit)"
    )
  })
})

describe("a message as JSON", () => {
  it("is the alert with its id, for who reads it by a program", () => {
    assert.deepStrictEqual(JSON.parse(Message.of(AlertBody.of(circuitOpen("a", "m"), "id", at), "json")), {
      id: "id",
      kind: "circuit_open",
      at: "2026-01-31T12:00:00.000Z",
      text: "`a/m` is not asked any more after 3 failures in a row; it is tried again in 60 s",
      details: { instance: "a", model: "m", consecutive_failures: 3, retry_in_s: 60 }
    })
  })
})
