import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import type { BudgetSettings } from "../../src/config/Settings.js"
import * as Money from "../../src/domain/Money.js"
import { BudgetAlerts, type BudgetAlert } from "../../src/ledger/BudgetAlerts.js"
import { CostTracker } from "../../src/ledger/CostTracker.js"
import { gateway } from "../support/gateway.js"
import { instance, settings } from "../support/settings.js"

const usd = (amount: string): Money.Money => Money.fromText(amount) ?? Money.zero

const budget = (scope: string, fields: Partial<BudgetSettings>): BudgetSettings => ({
  scope,
  daily: undefined,
  weekly: undefined,
  monthly: undefined,
  mode: "soft",
  window: "calendar",
  timeZone: "UTC",
  worstCase: undefined,
  ...fields
})

/** A call that has cost so much. */
const spend = (cost: string, user?: string) =>
  Effect.gen(function* () {
    const costs = yield* CostTracker
    const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    costs
      .open({
        requestId: undefined,
        caller: { tenant: "default", user, key: undefined },
        asked: "m",
        instance: { id: "a", provider: "openai" },
        model: "m",
        stream: false,
        at,
        reserved: undefined,
        budgets: []
      })
      .close({ outcome: "success", category: undefined, ms: 0, usage: undefined, source: "reported", cost: usd(cost) })
  })

/** What is told under these budgets. */
const told = <A, E>(
  budgets: ReadonlyArray<BudgetSettings>,
  body: (alerts: Array<BudgetAlert>) => Effect.Effect<A, E, BudgetAlerts | CostTracker>
) =>
  Effect.gen(function* () {
    const alerts: Array<BudgetAlert> = []
    const { listen } = yield* BudgetAlerts
    listen((alert) => void alerts.push(alert))
    yield* body(alerts)
  }).pipe(Effect.provide(gateway(settings({ instances: [instance("a")], budgets }))))

const shown = (alerts: ReadonlyArray<BudgetAlert>) =>
  alerts.map(({ percent, period, scope, spent }) => [scope, period, percent, Money.toUsd(spent)])

describe("alerts of budgets", () => {
  it.effect("are told at 50, 80 and 100 % of each limit, once in its window", () =>
    told([budget("global", { daily: usd("1"), monthly: usd("10") })], (alerts) =>
      Effect.gen(function* () {
        yield* spend("0.499999999999")
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(alerts, [])
        yield* spend("0.000000000001")
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(alerts, [
          {
            kind: "budget_threshold",
            scope: "global",
            period: "daily",
            percent: 50,
            spent: usd("0.5"),
            limit: usd("1"),
            refuses: false,
            resetsAt: 86_400_000
          }
        ])
        yield* spend("0.1")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(alerts.length, 1)
        yield* spend("0.9")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(shown(alerts.splice(0)).slice(1), [
          ["global", "daily", 80, "1.5"],
          ["global", "daily", 100, "1.5"]
        ])
        yield* TestClock.setTime(86_400_000)
        yield* spend("3.5")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(shown(alerts), [
          ["global", "daily", 50, "3.5"],
          ["global", "daily", 80, "3.5"],
          ["global", "daily", 100, "3.5"],
          ["global", "monthly", 50, "5"]
        ])
      })
    )
  )

  it.effect("are told of each user who spent, of a budget that is one for each", () =>
    told([budget("user:*", { weekly: usd("1"), mode: "hard" })], (alerts) =>
      Effect.gen(function* () {
        yield* spend("0.6", "ann")
        yield* spend("0.4", "bob")
        yield* spend("0.9")
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(shown(alerts), [["user:ann", "weekly", 50, "0.6"]])
      })
    )
  )

  it.effect("count as 100 % that a hard one refuses calls before, once in its window", () => {
    const refusal = { reason: "exceeded", scope: "user:ann", period: "daily", resetsAt: undefined } as const
    return told([budget("user:*", { daily: usd("1"), weekly: usd("5"), mode: "hard" })], (alerts) =>
      Effect.gen(function* () {
        const { refused } = yield* BudgetAlerts
        refused({ ...refusal, reason: "unknown" })
        refused({ ...refusal, period: undefined })
        yield* spend("0.6", "ann")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(shown(alerts.splice(0)), [["user:ann", "daily", 50, "0.6"]])
        refused(refusal)
        refused(refusal)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(shown(alerts), [["user:ann", "daily", 100, "0.6"]])
        assert.deepInclude(alerts.splice(0)[0], { refuses: true, resetsAt: 86_400_000 })
        refused(refusal)
        yield* spend("0.4", "ann")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(shown(alerts.splice(0)), [["user:ann", "daily", 80, "1"]])
        yield* TestClock.setTime(86_400_000)
        refused(refusal)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(shown(alerts), [["user:ann", "daily", 100, "0"]])
      })
    )
  })

  it.effect("of a window that rolls are told again when as long as it lasts has passed", () =>
    told([budget("provider:openai", { daily: usd("1"), window: "rolling" })], (alerts) =>
      Effect.gen(function* () {
        for (const hours of [0, 12, 25]) {
          yield* TestClock.setTime(1_000_000_000_000 + hours * 3_600_000)
          yield* spend("0.6")
          yield* TestClock.adjust("1 minute")
        }
        assert.deepStrictEqual(
          alerts.map(({ percent }) => percent),
          [50, 80, 100, 50]
        )
      })
    )
  )
})
