import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import type { BudgetSettings, InstanceSettings } from "../../src/config/Settings.js"
import type { Caller } from "../../src/domain/Caller.js"
import * as Money from "../../src/domain/Money.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { Budgets } from "../../src/ledger/Budgets.js"
import { BudgetStore } from "../../src/ledger/BudgetStore.js"
import * as BudgetWindow from "../../src/ledger/BudgetWindow.js"
import { CostTracker } from "../../src/ledger/CostTracker.js"
import type { LedgerEntry } from "../../src/ledger/LedgerEntry.js"
import { Simulator } from "../../src/provider/Simulator.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { sized } from "../../src/provider/SimulatedSize.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

const usd = (amount: string): Money.Money => Money.fromText(amount) ?? Money.zero

const budget = (scope: string, fields: Partial<BudgetSettings> = {}): BudgetSettings => ({
  scope,
  daily: undefined,
  weekly: undefined,
  monthly: undefined,
  mode: "hard",
  window: "calendar",
  timeZone: "UTC",
  worstCase: undefined,
  ...fields
})

/** A thousand tokens of an answer cost ten cents. */
const tenCents = { prompt: 0, completion: 100 }

const answers = (tokens: number) => sized({ prompt: 5, answer: tokens }, 1_000)

/** It answers within 100 ms. */
const quick = { latency: 100, tokenInterval: 0, failureRate: 0, failures: ["network"] } as const

interface Setup {
  readonly budgets: ReadonlyArray<BudgetSettings>
  readonly instances?: ReadonlyArray<InstanceSettings>
  readonly replies?: Readonly<Record<string, Simulated.SimulatedReply>>
}

const once = { ...instance("a").retry, maxAttempts: 1 }

const priced = (id: string) => instance(id, { pricing: tenCents, simulated: quick })

const alone = [priced("a")]

/** A gateway under these budgets, and all that its ledger hears. */
const under = <A, E>(
  { budgets, instances = alone, replies = {} }: Setup,
  body: (ledger: ReadonlyArray<LedgerEntry>) => Effect.Effect<A, E, Budgets | BudgetStore | Gateway | Simulator>
) =>
  Effect.gen(function* () {
    const simulator = yield* Simulator
    for (const { id } of instances) yield* simulator.script(id, replies[id] ?? answers(1_000))
    const ledger: Array<LedgerEntry> = []
    const costs = yield* CostTracker
    costs.listen((entry) => void ledger.push(entry))
    return yield* body(ledger)
  }).pipe(
    Effect.provide(
      gateway(
        settings({
          instances,
          models: [
            model(
              "m",
              instances.map(({ id }) => id)
            )
          ],
          budgets
        })
      )
    )
  )

/** So many requests, one after the other or all at once; how each ended. */
const ask = (
  count: number,
  concurrency: number | "unbounded",
  fields: Readonly<Record<string, unknown>>,
  caller?: Caller
) =>
  Effect.gen(function* () {
    const service = yield* Gateway
    const fiber = yield* Effect.fork(
      Effect.forEach(
        Array.from({ length: count }),
        () => Effect.either(service.complete(request({ max_tokens: 1_000, ...fields }), caller)),
        { concurrency }
      )
    )
    yield* Effect.repeatN(TestClock.adjust("200 millis"), 2 * count > 200 ? 5 : 2 * count)
    return yield* Fiber.join(fiber)
  })

const served = (outcomes: ReadonlyArray<Either.Either<unknown, unknown>>): number =>
  outcomes.filter(Either.isRight).length

const errors = <E>(outcomes: ReadonlyArray<Either.Either<unknown, E>>): ReadonlyArray<E> =>
  outcomes.flatMap((outcome) => (Either.isLeft(outcome) ? [outcome.left] : []))

/** What is spent and reserved of the first limit of a budget. */
const standing = (settings_: BudgetSettings) =>
  Effect.gen(function* () {
    const store = yield* BudgetStore
    const budgets = yield* Budgets
    const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    const { spent } = yield* store.standing(settings_.scope, BudgetWindow.of(settings_, now))
    return [Money.toUsd(spent[0] ?? Money.zero), Money.toUsd(budgets.reserved(settings_.scope))]
  })

describe("a hard budget", () => {
  const five = budget("global", { daily: usd("5") })

  it.effect("pays for exactly fifty of a thousand requests at once that cost a fiftieth each", () =>
    under({ budgets: [five] }, () =>
      Effect.gen(function* () {
        const outcomes = yield* ask(1_000, "unbounded", {})
        assert.strictEqual(served(outcomes), 50)
        assert.deepStrictEqual(yield* standing(five), ["5", "0"])
        assert.deepInclude(errors(outcomes)[0], {
          _tag: "BudgetExceeded",
          scope: "global",
          period: "daily",
          resetsAt: 86_400_000
        })
      })
    )
  )

  it.effect("refuses no sooner than when less is left than a request may cost", () =>
    under({ budgets: [five] }, () =>
      Effect.gen(function* () {
        const outcomes = yield* ask(60, 1, { max_tokens: 10_000 })
        assert.strictEqual(served(outcomes), 41)
        assert.deepStrictEqual(yield* standing(five), ["4.1", "0"])
      })
    )
  )

  it.effect("has all of its limit again on the next day", () =>
    under({ budgets: [five] }, () =>
      Effect.gen(function* () {
        assert.strictEqual(served(yield* ask(60, 1, {})), 50)
        assert.strictEqual(served(yield* ask(1, 1, {})), 0)
        yield* TestClock.setTime(86_400_000)
        assert.strictEqual(served(yield* ask(60, 1, {})), 50)
      })
    )
  )

  it.effect("that rolls gets back what was spent a day ago", () => {
    const rolling = budget("global", { daily: usd("0.2"), window: "rolling" })
    return under({ budgets: [rolling] }, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(43_200_000)
        assert.strictEqual(served(yield* ask(3, 1, {})), 2)
        // The next midnight changes nothing.
        yield* TestClock.setTime(86_400_000 + 3_600_000)
        assert.strictEqual(served(yield* ask(1, 1, {})), 0)
        yield* TestClock.setTime(43_200_000 + 86_400_000 + 900_000)
        assert.strictEqual(served(yield* ask(3, 1, {})), 2)
      })
    )
  })

  it.effect("of a provider passes its instances over, and the next candidate answers", () => {
    const instances = [priced("a"), priced("b")]
    return under({ budgets: [budget("instance:a", { daily: usd("0.1") })], instances }, () =>
      Effect.gen(function* () {
        const outcomes = yield* ask(3, 1, {})
        assert.deepStrictEqual(
          outcomes
            .map((outcome) => Either.getOrThrow(outcome))
            .map((reply) => [reply.instance, reply.fallback, reply.attempts.length]),
          [
            ["a", false, 1],
            ["b", true, 1],
            ["b", true, 1]
          ]
        )
      })
    )
  })

  it.effect(
    "that refused a moment ago leaves its candidate out of the next plan, and says so when nobody is left",
    () => {
      const spent = [budget("instance:a", { daily: usd("0.1") }), budget("instance:b", { monthly: usd("0.1") })]
      return under({ budgets: spent, instances: [priced("a"), priced("b")] }, () =>
        Effect.gen(function* () {
          const { complete } = yield* Gateway
          assert.strictEqual(served(yield* ask(3, 1, {})), 2)
          // Both have just refused; nothing has passed on the clock since, so neither store is asked.
          const chat = Effect.either(complete(request({ max_tokens: 1_000 })))
          for (const outcome of [yield* chat, yield* chat]) {
            assert.deepInclude(errors([outcome])[0], { _tag: "BudgetExceeded", scope: "instance:a", period: "daily" })
          }
          const other = yield* Effect.fork(complete(request({ max_tokens: 0 })))
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* Fiber.join(other)).instance, "a")
        })
      )
    }
  )

  it.effect("is all or nothing: where one of several has too little, the others keep nothing", () => {
    const wide = budget("global", { monthly: usd("100") })
    const narrow = budget("model:m", { daily: usd("0.1") })
    return under({ budgets: [wide, narrow] }, () =>
      Effect.gen(function* () {
        assert.strictEqual(served(yield* ask(5, "unbounded", {})), 1)
        assert.deepStrictEqual(yield* standing(wide), ["0.1", "0"])
        assert.deepStrictEqual(yield* standing(narrow), ["0.1", "0"])
      })
    )
  })

  it.effect("of each user is a budget of its own", () => {
    const each = budget("user:*", { daily: usd("0.2") })
    const of = (user: string): Caller => ({ tenant: "default", user, key: undefined })
    return under({ budgets: [each] }, () =>
      Effect.gen(function* () {
        assert.strictEqual(served(yield* ask(5, "unbounded", {}, of("ann"))), 2)
        assert.strictEqual(served(yield* ask(5, "unbounded", {}, of("bob"))), 2)
        // Nobody's.
        assert.strictEqual(served(yield* ask(5, "unbounded", {})), 5)
      })
    )
  })

  it.effect("refuses what has no bound, or takes the worst case that it was given", () => {
    // Its vendor has no prices, and nobody else has given it one.
    const unpriced = [instance("a", { provider: "openai-compatible", baseUrl: "http://127.0.0.1:1", retry: once })]
    return Effect.gen(function* () {
      const refused = yield* under({ budgets: [five], instances: unpriced }, () => ask(1, 1, {}))
      assert.deepInclude(errors(refused)[0], { _tag: "CostUnbounded", scope: "global" })
      const worst = budget("global", { daily: usd("1"), worstCase: usd("0.4") })
      const asked = yield* under({ budgets: [worst], instances: unpriced }, () => ask(1, 1, {}))
      assert.deepInclude(errors(asked)[0], { _tag: "ProviderFailed" })
    })
  })

  it.effect("that was given too small a worst case is overspent once, and nothing of it stays leased", () => {
    const worst = budget("global", { daily: usd("1.2"), worstCase: usd("0.1") })
    return under({ budgets: [worst], replies: { a: answers(5_000) } }, () =>
      Effect.gen(function* () {
        const outcomes = yield* ask(4, 1, { max_tokens: undefined })
        assert.strictEqual(served(outcomes), 3)
        yield* Effect.repeatN(TestClock.adjust("2 seconds"), 5)
        assert.deepStrictEqual(yield* standing(worst), ["1.5", "0"])
        const store = yield* BudgetStore
        assert.isAtMost(Number((yield* store.standing("global", [])).leased), 0)
      })
    )
  })

  it.effect("keeps nothing of a call that failed, and the retry is paid anew", () =>
    under(
      {
        budgets: [budget("global", { daily: usd("0.1") })],
        instances: [priced("a"), priced("b")],
        replies: { a: Simulated.unavailable }
      },
      (ledger) =>
        Effect.gen(function* () {
          assert.strictEqual(served(yield* ask(1, 1, {})), 1)
          const last = ledger.at(-1)
          assert.deepInclude(last, { instance: "b", outcome: "success", cost_usd: "0.1", reserved_usd: "0.1" })
          for (const failed of ledger.slice(0, -1)) {
            assert.deepInclude(failed, {
              instance: "a",
              outcome: "failure",
              cost_usd: "0",
              category: "provider_unavailable",
              usage_source: null
            })
          }
        })
    )
  )

  it.effect("leases more for the next candidate where the first has cost a part of what there was", () => {
    const dear = (id: string) => instance(id, { pricing: { prompt: 100, completion: 100 }, simulated: quick })
    const one = budget("global", { daily: usd("1") })
    return under({ budgets: [one], instances: [dear("a"), dear("b")], replies: { a: Simulated.hang } }, (ledger) =>
      Effect.gen(function* () {
        const { complete } = yield* Gateway
        const asking = yield* Effect.fork(complete(request({ max_tokens: 1_000 })))
        yield* Effect.repeatN(TestClock.adjust("10 seconds"), 12)
        assert.strictEqual((yield* Fiber.join(asking)).instance, "b")
        const [silent, answered] = ledger
        // The next one may cost as much as the first, and all that was leased was for that.
        assert.strictEqual(silent?.reserved_usd, answered?.reserved_usd)
        assert.isAbove(Number(silent?.cost_usd), 0)
      })
    )
  })

  it.effect("pays for the cheaper candidate where the dearer one is beyond it, whoever stands first", () => {
    const at = (id: string, completion: number) =>
      instance(id, { pricing: { prompt: 0, completion }, simulated: quick })
    const one = budget("provider:simulated", { daily: usd("0.05") })
    return under({ budgets: [one], instances: [at("a", 100), at("b", 10)] }, () =>
      Effect.gen(function* () {
        const outcomes = yield* ask(8, 1, {})
        const instances = outcomes.flatMap((outcome) => (Either.isRight(outcome) ? [outcome.right.instance] : []))
        assert.deepStrictEqual(instances, ["b", "b", "b", "b", "b"])
        assert.deepStrictEqual(yield* standing(one), ["0.05", "0"])
      })
    )
  })

  it.effect("pays for what is small enough also behind a call that it cannot pay", () =>
    under({ budgets: [budget("global", { daily: usd("0.5") })] }, () =>
      Effect.gen(function* () {
        const { complete } = yield* Gateway
        const sizes = [10_000, 1_000, 6_000, 2_000]
        const asking = yield* Effect.fork(
          Effect.forEach(sizes, (most) => Effect.either(complete(request({ max_tokens: most }))), {
            concurrency: "unbounded"
          })
        )
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* Fiber.join(asking)).map(Either.isRight), [false, true, false, true])
      })
    )
  )

  it.effect("of each user is never forgotten, however many there are, without a database", () => {
    const each = budget("user:*", { daily: usd("0.1") })
    return under({ budgets: [each] }, () =>
      Effect.gen(function* () {
        const { complete } = yield* Gateway
        const asking = (count: number) =>
          Effect.gen(function* () {
            const users = Array.from({ length: count }, (_, at) => ({
              tenant: "default",
              user: `user-${at}`,
              key: undefined
            }))
            const all = yield* Effect.fork(
              Effect.forEach(users, (user) => Effect.either(complete(request({ max_tokens: 1_000 }), user)), {
                concurrency: "unbounded"
              })
            )
            yield* TestClock.adjust("1 second")
            return served(yield* Fiber.join(all))
          })
        assert.strictEqual(yield* asking(1_100), 1_100)
        assert.strictEqual(yield* asking(1_100), 0)
      })
    )
  })

  it.effect("that is lowered holds at once, whatever was leased under the old limit", () =>
    under({ budgets: [five] }, () =>
      Effect.gen(function* () {
        const budgets = yield* Budgets
        assert.strictEqual(served(yield* ask(4, "unbounded", {})), 4)
        budgets.setOverlay([{ ...five, daily: usd("0.5") }])
        assert.strictEqual(served(yield* ask(4, "unbounded", {})), 1)
        budgets.setOverlay([])
        assert.strictEqual(served(yield* ask(60, "unbounded", {})), 45)
      })
    )
  )

  it.effect("that is taken away and set again has all back that was leased of it", () =>
    under({ budgets: [] }, () =>
      Effect.gen(function* () {
        const budgets = yield* Budgets
        budgets.setOverlay([five])
        assert.strictEqual(served(yield* ask(4, "unbounded", {})), 4)
        budgets.setOverlay([])
        assert.strictEqual(served(yield* ask(1, 1, {})), 1)
        yield* TestClock.adjust("10 seconds")
        const { leased } = yield* (yield* BudgetStore).standing("global", BudgetWindow.of(five, 0))
        assert.strictEqual(Money.toUsd(leased), "0")
        budgets.setOverlay([five])
        assert.strictEqual(served(yield* ask(60, "unbounded", {})), 45)
        assert.deepStrictEqual(yield* standing(five), ["5", "0"])
      })
    )
  )

  it.effect("has everything back when the caller hangs up", () =>
    under({ budgets: [five], replies: { a: Simulated.hang } }, (ledger) =>
      Effect.gen(function* () {
        const service = yield* Gateway
        const fiber = yield* Effect.fork(service.complete(request({ max_tokens: 1_000 })))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* standing(five), ["0", "0.1"])
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* standing(five), ["0", "0"])
        assert.deepInclude(ledger[0], { outcome: "cancelled", usage_source: "estimated" })
        assert.strictEqual(ledger.length, 1)
      })
    )
  )
})
