import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type { BudgetSettings } from "../../src/config/Settings.js"
import * as Money from "../../src/domain/Money.js"
import { BudgetEditor } from "../../src/ledger/BudgetEditor.js"
import { Budgets } from "../../src/ledger/Budgets.js"
import { BudgetStore } from "../../src/ledger/BudgetStore.js"
import * as BudgetTables from "../../src/ledger/BudgetTables.js"
import { CostTracker } from "../../src/ledger/CostTracker.js"
import { RollupStore } from "../../src/ledger/RollupStore.js"
import { Database } from "../../src/store/Database.js"
import { database } from "../support/database.js"
import { fixed } from "../support/liveSettings.js"
import { settings } from "../support/settings.js"

const configured: BudgetSettings = {
  scope: "global",
  daily: undefined,
  weekly: undefined,
  monthly: undefined,
  mode: "hard",
  window: "calendar",
  timeZone: "UTC",
  worstCase: undefined
}

/** One of several gateways on the tables. */
const gateway = Effect.gen(function* () {
  return { editor: yield* BudgetEditor, budgets: yield* Budgets }
}).pipe(
  Effect.provide(
    BudgetEditor.layerTables.pipe(
      Layer.provideMerge(Budgets.layer),
      Layer.provide(BudgetStore.layerMemory),
      Layer.provide(Layer.merge(CostTracker.layerMemory, RollupStore.layerMemory)),
      Layer.provide(fixed(settings({ budgets: [configured] })))
    )
  )
)

const scopes = (budgets: Budgets["Type"]) =>
  budgets
    .all()
    .map(({ scope }) => scope)
    .toSorted()

describe("the table of budgets that were set", () => {
  it.scoped("is followed by every gateway, and what is taken back there is taken back everywhere", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* gateway, yield* gateway]
      yield* one.editor.set("user:*", { daily: "0.1", mode: "soft" })
      yield* one.editor.set("global", { monthly: 200 })
      assert.deepStrictEqual(scopes(two.budgets), ["global"])
      yield* two.editor.follow
      assert.deepStrictEqual(scopes(two.budgets), ["global", "user:*"])
      assert.deepStrictEqual(two.budgets.of("global"), one.budgets.of("global"))
      assert.deepInclude(two.budgets.of("user:ann"), { scope: "user:*", daily: Money.fromUsd(0.1), mode: "soft" })
      // The third has not looked yet, and knows it all the same.
      yield* (yield* gateway).editor.remove("global")
      yield* one.editor.follow
      assert.deepInclude(one.budgets.of("global"), { monthly: undefined })
      const refused = yield* Effect.either(two.editor.remove("global"))
      assert.deepInclude(
        Either.getLeft(refused).pipe((left) => (left._tag === "Some" ? left.value : {})),
        {
          _tag: "BudgetRefused",
          reason: "configured"
        }
      )
    }).pipe(Effect.provide(database))
  )
})

describe("the table of alerts", () => {
  it.scoped("gives an alert to one gateway only, once in its window", () =>
    Effect.gen(function* () {
      const { claim, tidy } = BudgetTables.told(yield* Database)
      const day = { scope: "global", period: "daily", percent: 80, begins: 86_400_000, since: 86_400_000 } as const
      const claims = yield* Effect.all([claim(day), claim(day), claim({ ...day, percent: 100 })])
      assert.deepStrictEqual(claims, [true, false, true])
      assert.isTrue(yield* claim({ ...day, begins: 2 * 86_400_000, since: 2 * 86_400_000 }))
      // One that rolls begins anew all the time.
      assert.isFalse(yield* claim({ ...day, begins: 3 * 86_400_000 - 1, since: 2 * 86_400_000 - 1 }))
      yield* tidy
      assert.isFalse(yield* claim(day))
    }).pipe(Effect.provide(database))
  )
})
