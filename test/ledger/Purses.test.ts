import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import type { BudgetSettings } from "../../src/config/Settings.js"
import * as Money from "../../src/domain/Money.js"
import type { Ask, BudgetStore, Lease } from "../../src/ledger/BudgetStore.js"
import { Purses } from "../../src/ledger/Purses.js"
import type { Want } from "../../src/ledger/Subject.js"

const usd = (amount: string): Money.Money => Money.fromText(amount) ?? Money.zero

const budget: BudgetSettings = {
  scope: "global",
  daily: usd("5"),
  weekly: undefined,
  monthly: undefined,
  mode: "hard",
  window: "calendar",
  timeZone: "UTC",
  worstCase: undefined
}

const subject = {
  caller: { tenant: "default", user: undefined, key: undefined },
  model: "m",
  instance: { id: "a", provider: "openai" }
}

/** Its purses on a store whose answers take so many seconds, one after the other; and what it was asked. */
const on = (answer: (ask: Ask) => Effect.Effect<Lease>, ...seconds: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const asked: Array<Ask> = []
    const store: BudgetStore["Type"] = {
      lease: (ask) => {
        asked.push(ask)
        return Effect.delay(answer(ask), `${seconds[asked.length - 1] ?? 0} seconds`)
      },
      standing: () => Effect.die("nobody asks"),
      whenUp: Effect.void
    }
    const clock = yield* Effect.clock
    const purses = new Purses(store, () => clock.unsafeCurrentTimeMillis())
    purses.set([budget])
    const [purse] = purses.of(subject)
    assert(purse !== undefined)
    return { asked, purse, purses }
  })

const filled = (purses: Purses, want: Want, hold: (release: () => void) => void): Effect.Effect<void> =>
  purses.fill(want, hold)

/** All of it, and nothing besides. */
const generous = (ask: Ask): Effect.Effect<Lease> => {
  const own = Money.sum(ask.amounts)
  const standing = { spent: [Money.zero], oldest: [undefined], leased: own, own, reservedElsewhere: Money.zero }
  return Effect.succeed({ amounts: ask.amounts.map(() => true), more: Money.zero, standing })
}

describe("a purse whose store is late", () => {
  it.effect("lets nobody wait for more than two seconds, and has what was leased when the answer comes", () =>
    Effect.gen(function* () {
      const { asked, purse, purses } = yield* on(generous, 3)
      const releases: Array<() => void> = []
      const filling = yield* Effect.fork(
        filled(purses, { purse, amount: usd("1") }, (release) => void releases.push(release))
      )
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(filling.unsafePoll(), null)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(filling)
      assert.strictEqual(purse.covers(usd("1"), 2_000), false)
      assert.strictEqual(purse.refusal().reason, "unknown")
      for (const release of releases) release()

      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(purse.covers(usd("1"), 3_000), true)
      assert.strictEqual(purse.reserved, Money.zero)
      // Nobody uses it: it goes back.
      yield* purses.tend
      yield* purses.tend
      assert.deepStrictEqual(
        asked.map(({ amounts, back }) => [amounts, back]),
        [
          [[usd("1")], Money.zero],
          [[], usd("1")]
        ]
      )
    })
  )

  it.effect("asks for whoever has come meanwhile as soon as the answer is there", () =>
    Effect.gen(function* () {
      const { asked, purse, purses } = yield* on(generous, 1)
      const one = yield* Effect.fork(filled(purses, { purse, amount: usd("1") }, () => {}))
      yield* TestClock.adjust("500 millis")
      const other = yield* Effect.fork(filled(purses, { purse, amount: usd("2") }, () => {}))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(one)
      yield* Fiber.join(other)
      assert.deepStrictEqual(
        asked.map(({ amounts }) => amounts),
        [[usd("1")], [usd("2")]]
      )
    })
  )

  it.effect("is not forgotten while its first question is under way, whatever time it is", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 2, 4))
      const { purse, purses } = yield* on(generous, 1)
      const filling = yield* Effect.fork(filled(purses, { purse, amount: usd("1") }, () => {}))
      yield* TestClock.adjust("500 millis")
      yield* purses.tend
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(filling)
      assert.strictEqual(purses.of(subject)[0], purse)
      assert.strictEqual(purses.reserved("global"), usd("1"))
    })
  )

  it.effect("is forgotten when nobody has spent of it for a while, also where it has refused", () =>
    Effect.gen(function* () {
      const none = (ask: Ask) =>
        Effect.map(generous(ask), (lease) => ({
          ...lease,
          amounts: ask.amounts.map(() => false),
          standing: { ...lease.standing, leased: Money.zero, own: Money.zero }
        }))
      const { purse, purses } = yield* on(none)
      const releases: Array<() => void> = []
      yield* filled(purses, { purse, amount: usd("1") }, (release) => void releases.push(release))
      for (const release of releases) release()
      yield* purses.tend
      assert.strictEqual(purses.of(subject)[0], purse)
      yield* TestClock.adjust("11 minutes")
      yield* purses.tend
      assert.notStrictEqual(purses.of(subject)[0], purse)
    })
  )

  it.effect("frees a caller that hangs up at once", () =>
    Effect.gen(function* () {
      const { purse, purses } = yield* on(generous, 3)
      const filling = yield* Effect.fork(filled(purses, { purse, amount: usd("1") }, () => {}))
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.interrupt(filling)
      assert.strictEqual(yield* Clock.currentTimeMillis, 1_000)
    })
  )

  it.effect("says that it does not know where nobody knows how the question went, and asks anew", () =>
    Effect.gen(function* () {
      let isBroken = true
      const { purse, purses } = yield* on((ask) => (isBroken ? Effect.die("COMMIT failed") : generous(ask)))
      yield* filled(purses, { purse, amount: usd("1") }, () => {})
      assert.strictEqual(purse.refusal().reason, "unknown")
      isBroken = false
      yield* filled(purses, { purse, amount: usd("1") }, () => {})
      assert.strictEqual(purse.reserved, usd("1"))
    })
  )
})
