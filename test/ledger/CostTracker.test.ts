import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/TestClock"
import * as Money from "../../src/domain/Money.js"
import { CostTracker, type Closing, type Opening } from "../../src/ledger/CostTracker.js"
import { Journal } from "../../src/store/Journal.js"

const opening: Opening = {
  requestId: undefined,
  caller: { tenant: "default", user: undefined, key: undefined },
  asked: "m",
  instance: { id: "a", provider: "openai" },
  model: "m",
  stream: false,
  at: 0,
  reserved: undefined,
  budgets: []
}

const closing: Closing = {
  outcome: "success",
  category: undefined,
  ms: 5,
  usage: undefined,
  source: undefined,
  cost: Money.zero
}

/** A journal that takes nothing while it is not writable, and what it took. */
const stand = Effect.gen(function* () {
  const taken: Array<string> = []
  const state = { isWritable: true }
  const empty = yield* Effect.provide(Journal, Journal.none)
  const append = (kind: string): boolean => {
    if (state.isWritable) taken.push(kind)
    return state.isWritable
  }
  const journal = Journal.of({
    ...empty,
    append,
    appendNow: append,
    stats: () => ({ ...empty.stats(), writable: state.isWritable })
  })
  const scope = yield* Scope.make()
  const layer = Layer.provide(CostTracker.layer, Layer.succeed(Journal, journal))
  const context = yield* Layer.buildWithScope(layer, scope)
  return { costs: yield* Effect.provide(CostTracker, context), end: Scope.close(scope, Exit.void), state, taken }
})

describe("the end of a call that the journal does not take", () => {
  it.effect("is written as soon as it does, in its order", () =>
    Effect.gen(function* () {
      const { costs, state, taken } = yield* stand
      const calls = [costs.open(opening), costs.open(opening)]
      state.isWritable = false
      for (const call of calls) call.close(closing)
      assert.isFalse(costs.open(opening).kept)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(taken, ["intent", "intent"])
      state.isWritable = true
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(taken, ["intent", "intent", "entry", "entry"])
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(taken.length, 4)
    })
  )

  it.effect("is tried once more at the gateway's own end", () =>
    Effect.gen(function* () {
      const { costs, end, state, taken } = yield* stand
      const call = costs.open(opening)
      state.isWritable = false
      call.close(closing)
      state.isWritable = true
      yield* end
      assert.deepStrictEqual(taken, ["intent", "entry"])
    })
  )
})
