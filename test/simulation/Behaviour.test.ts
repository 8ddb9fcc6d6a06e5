import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Money from "../../src/domain/Money.js"
import type { Bill } from "../../src/simulation/Bill.js"
import type { ScenarioFile } from "../../src/simulation/ScenarioFile.js"
import * as Simulation from "../../src/simulation/Simulation.js"
import { asking, reported, scenario } from "./running.js"

type Event = (typeof ScenarioFile.Encoded)["timeline"] extends ReadonlyArray<infer E> | undefined ? E : never

/** What becomes of 600 requests of `a` alone, each called once, with a circuit that never opens. */
const alone = (event: object, changes: Parameters<typeof scenario>[0] = {}) =>
  reported(
    scenario({
      arrivals: { rate: 1 },
      config: {
        instances: [{ id: "a", provider: "simulated", retry: { maxAttempts: 1 } }],
        models: [{ id: "m", targets: [{ instance: "a", model: "x" }] }],
        circuitBreaker: { failureThreshold: 1000 },
        routing: { deadline: "30s" },
        health: { checkOnStart: false }
      },
      behaviours: { a: { firstToken: "100ms", tokenInterval: "1ms" } },
      timeline: [{ at: "0s", instance: "a", ...event } satisfies Event],
      ...changes
    })
  )

/** The share of each failure, in whole tenths. */
const shares = ({ failures, requests }: Effect.Effect.Success<ReturnType<typeof alone>>) =>
  Object.fromEntries(Object.entries(failures).map(([code, count]) => [code, Math.round((count / requests) * 10) / 10]))

describe("a simulated instance in its timeline", () => {
  it.effect.each<readonly [object, Readonly<Record<string, number>>]>([
    [{ outage: "refused" }, { network: 1 }],
    [{ outage: "hang" }, { deadline_exceeded: 1 }],
    [{ outage: 500 }, { provider_unavailable: 1 }],
    [{ outage: 503 }, { provider_unavailable: 1 }],
    [{ outage: 503, for: "3m" }, { provider_unavailable: 0.3 }],
    [{ flap: { up: "40s", down: "60s" } }, { provider_unavailable: 0.6 }],
    [{ errors: { share: 0.4, how: "refused" } }, { network: 0.4 }],
    [{ malformed: 0.3 }, { malformed_response: 0.3 }],
    [{ breaks: 1 }, {}],
    [{ slow: { factor: 10 } }, {}]
  ])("does what the event says: %j", ([event, expected]) =>
    Effect.map(alone(event), (found) => assert.deepStrictEqual(shares(found), expected))
  )

  it.effect.each(["keyRevoked", "quotaSpent"] as const)("is out for as long as its %s", (kind) =>
    Effect.map(alone({ [kind]: true }), ({ answered, failures }) => {
      assert.strictEqual(answered, 0)
      // Told once; and then nobody is asked, or now and then because nobody else is there.
      assert.isAbove(failures[kind === "keyRevoked" ? "auth" : "provider_quota_exceeded"] ?? 0, 0)
      assert.isAbove(failures["no_provider_available"] ?? 0, 400)
    })
  )

  it.effect("lets so many requests a minute in, and says when the next may come", () =>
    Effect.gen(function* () {
      const event = yield* alone({ rateLimit: { requestsPerMinute: 20 } })
      const own = yield* alone(
        { breaks: 0 },
        { behaviours: { a: { firstToken: "100ms", tokenInterval: "1ms", requestsPerMinute: 20 } } }
      )
      for (const { answered, calls, requests } of [event, own]) {
        // Of ten minutes, and a few that waited into the next one.
        assert.approximately(answered, 203, 3)
        // Who was told when to come back is not asked before.
        assert.isBelow(calls, 0.6 * requests)
      }
      const silent = yield* alone({ rateLimit: { requestsPerMinute: 20, retryAfter: false } })
      assert.isAbove(silent.calls, Math.max(event.calls, own.calls))
    })
  )

  it.effect("says how many more it lets in, so that it is left alone before it refuses", () =>
    Effect.gen(function* () {
      const refused = (rateLimitHeaders: boolean) =>
        Effect.map(
          reported(
            scenario({
              behaviours: {
                a: { firstToken: "100ms", tokenInterval: "1ms", requestsPerMinute: 20, rateLimitHeaders },
                b: { firstToken: "100ms", tokenInterval: "1ms" }
              }
            })
          ),
          ({ availability, calls_to, served_by }) => {
            assert.strictEqual(availability, 1)
            assert.isAtLeast(served_by["a"] ?? 0, 190)
            return (calls_to["a"] ?? 0) - (served_by["a"] ?? 0)
          }
        )
      // Once a minute it has to be asked, where it does not say.
      assert.approximately(yield* refused(false), 10, 2)
      assert.isAtMost(yield* refused(true), 2)
    })
  )

  it.effect("bills what it has made until its caller hung up, and whole answers whole", () =>
    Effect.gen(function* () {
      const bills = (patience: string, streamed: number) =>
        Effect.gen(function* () {
          const made = scenario({ requests: asking({ answerTokens: 1_000, streamed, patience }), duration: "1m" })
          const [only = assert.fail("nothing to run")] = made.compared
          const found: Array<Bill> = []
          const money = { charged: () => {}, billed: (bill: Bill) => found.push(bill) }
          yield* Simulation.run(made, only, { ended: () => {}, circuit: () => {}, money })
          assert.isAtLeast(found.length, 30)
          return [...new Set(found.map(({ cost, end, used }) => `${end} ${used.answer} ${Money.toUsd(cost)}`))]
        })
      // The first token takes 100 ms, each of the others one; the prompt costs 0.001.
      assert.deepStrictEqual(yield* bills("600ms", 1), ["cut 501 0.002002"])
      assert.deepStrictEqual(yield* bills("600ms", 0), ["cut 501 0.002002"])
      assert.deepStrictEqual(yield* bills("50ms", 1), ["cut 0 0.001"])
      assert.deepStrictEqual(yield* bills("2s", 1), ["answered 1000 0.003"])
    })
  )

  it.effect("grows slower evenly, and stays so", () =>
    Effect.gen(function* () {
      const { timeline } = yield* alone({ slow: { factor: 11, over: "5m" } })
      const medians = timeline.map(({ total_ms }) => total_ms.p50 ?? 0)
      assert.isBelow(medians[0] ?? 0, 2 * 199)
      // Halfway, in the 30 s from 2:30 on.
      assert.approximately(medians[5] ?? 0, 6.5 * 199, 199)
      assert.approximately(medians[15] ?? 0, 11 * 199, 2)
    })
  )

  it.effect("makes so many answers at a time, and lets the others wait in line", () =>
    Effect.gen(function* () {
      const at = (concurrency: number) =>
        alone(
          { breaks: 0 },
          {
            requests: asking({ answerTokens: 901 }),
            behaviours: { a: { firstToken: "100ms", tokenInterval: "1ms", concurrency } }
          }
        )
      // One a second comes, and each takes one second.
      assert.isAbove((yield* at(1)).total_ms.p50 ?? 0, 3_000)
      assert.approximately((yield* at(4)).total_ms.p50 ?? 0, 1_000, 100)
    })
  )
})
