import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { asking, file, reported, run, scenario } from "./running.js"

/** Codes of failures, who was called how often, and who served. */
const outcome = (...[changes]: Parameters<typeof scenario>) =>
  Effect.map(reported(scenario(changes)), ({ answered, calls_to, failures, requests, served_by }) => ({
    failures,
    calls_to,
    served_by,
    answered,
    requests
  }))

describe("a simulation", () => {
  it.effect("serves everybody by the first of two who are well, in the time and for the money that it takes", () =>
    Effect.gen(function* () {
      const found = yield* reported(scenario())
      assert.approximately(found.requests, 600, 75)
      assert.deepInclude(found, {
        answered: found.requests,
        failed: 0,
        availability: 1,
        failures: {},
        calls: found.requests,
        calls_per_request: 1,
        first_token_ms: { p50: null, p99: null },
        total_ms: { p50: 199, p99: 199 },
        served_by: { a: found.requests, b: 0 },
        // 1,000 tokens in at 1 USD a million, 100 out at 2 USD.
        cost_usd: String((found.requests * 0.0012).toFixed(6)).replace(/0+$/, "")
      })
    })
  )

  it.effect("streams: the first token comes before the last", () =>
    Effect.gen(function* () {
      const found = yield* reported(scenario({ requests: asking({ streamed: 1, answerTokens: 2_401 }) }))
      assert.deepInclude(found, { first_token_ms: { p50: 100, p99: 100 }, total_ms: { p50: 2_500, p99: 2_500 } })
      assert.strictEqual(found.availability, 1)
    })
  )

  it.effect("is the same for the same seed, and another for another", () =>
    Effect.gen(function* () {
      const world = (seed: number) =>
        reported(
          scenario({
            seed,
            requests: asking({ streamed: 0.5, answerTokens: { p50: 50, p99: 400 }, patience: "3s" }),
            behaviours: { a: { firstToken: { p50: "200ms", p99: "4s" } } },
            timeline: [
              { at: "1m", for: "2m", instance: "a", errors: { share: 0.5 } },
              { at: "2m", for: "5m", instance: "a", flap: { up: "20s", down: "9s", how: "hang" } },
              { at: "3m", for: "5m", instance: "b", breaks: 0.5 }
            ]
          })
        )
      const [one, again, other] = [yield* world(5), yield* world(5), yield* world(6)]
      assert.strictEqual(JSON.stringify(one), JSON.stringify(again))
      assert.notStrictEqual(JSON.stringify(one.total_ms), JSON.stringify(other.total_ms))
      assert.isAbove(one.failed, 0)
    })
  )

  it.effect("sends the same requests to whatever is compared", () =>
    Effect.gen(function* () {
      const made = scenario({
        requests: asking({ streamed: 0.5, answerTokens: { p50: 50, p99: 400 } }),
        variants: [{ name: "hasty", config: { circuitBreaker: { failureThreshold: 1 } } }],
        strategies: ["priority"],
        timeline: [{ at: "1m", for: "2m", instance: "a", outage: 500 }]
      })
      const arrivals = yield* Effect.forEach(made.compared, (each) =>
        Effect.map(run({ ...made, compared: [each] }), ({ ended }) =>
          ended.map(({ arrival }) => arrival).toSorted((one, another) => one.at - another.at)
        )
      )
      assert.strictEqual(arrivals.length, 2)
      assert.deepStrictEqual(arrivals[0], arrivals[1])
    })
  )

  it.effect("falls back as the gateway does, and leaves a provider alone whose circuit is open", () =>
    Effect.gen(function* () {
      const { answered, calls_to, failures, requests, served_by } = yield* outcome({
        timeline: [{ at: "0s", instance: "a", outage: 503 }]
      })
      assert.deepStrictEqual(failures, {})
      assert.strictEqual(answered, requests)
      assert.deepStrictEqual(served_by, { a: 0, b: requests })
      // Three open its circuit, and then one tries it after one, two and four minutes.
      assert.isAtLeast(calls_to["a"] ?? 0, 5)
      assert.isAtMost(calls_to["a"] ?? 0, 7)
    })
  )

  it.effect("shows what the scenario does and what circuits do, when they do it", () =>
    Effect.gen(function* () {
      const { row_s, timeline } = yield* reported(
        scenario({ timeline: [{ at: "2m", for: "90s", instance: "a", outage: "refused" }] })
      )
      assert.strictEqual(row_s, 30)
      assert.deepStrictEqual(
        timeline
          .map(({ events }) => events)
          .slice(3, 9)
          .map((events) => events.join("; ")),
        [
          "",
          "a: out (refused); a: circuit opened",
          "",
          "a: circuit half-open; a: circuit opened",
          "a: out (refused) ends",
          ""
        ]
      )
      assert.deepStrictEqual(timeline[0]?.served_by, { a: timeline[0]?.requests ?? 0, b: 0 })
      assert.deepStrictEqual(timeline[5]?.served_by, { a: 0, b: timeline[5]?.requests ?? 0 })
    })
  )

  it.effect("checks its instances at the start, as a gateway does: who is out then is not asked", () =>
    Effect.gen(function* () {
      const timeline = [{ at: "0s", for: "20s", instance: "a", outage: "refused" as const }]
      const checked = yield* run(scenario({ timeline, duration: "20s", arrivals: { rate: 5 } }))
      assert.isTrue(checked.ended.length > 0 && checked.ended.every(({ attempts }) => attempts.length === 1))
    })
  )

  it.effect("lets callers hang up who have waited long enough, and nothing goes on for them", () =>
    Effect.gen(function* () {
      const { ended, left } = yield* run(
        scenario({
          requests: asking({ streamed: 0.5, patience: "2s" }),
          timeline: ["a", "b"].map((instance) => ({ at: "0s", instance, slow: { factor: 100, over: "0ms" } }))
        })
      )
      assert.deepStrictEqual(
        [...new Set(ended.map(({ failure, total }) => `${failure} ${total.toFixed(0)}`))],
        ["caller_hung_up 2000"]
      )
      assert.deepStrictEqual(left, { fibers: 0, timers: 0, exchanges: 0, trials: 0, places: 0, reserved: 0 })
    })
  )

  it.effect(
    "says what a budget pays for: what each answer costs, what it has refused, and what the providers bill",
    () =>
      Effect.gen(function* () {
        const { config } = file
        const { answered, billed_usd, cost_per_answer_usd, cost_usd, failures, refused_for_budget, requests } =
          yield* reported(
            scenario({
              requests: asking({ maxTokens: 100 }),
              config: { ...config, budgets: [{ scope: "global", daily: "0.12" }] }
            })
          )
        // Each costs 0.0012, and nobody is sure of that before: 5,000 tokens may be in its 4,000 bytes.
        assert.approximately(answered, 97, 1)
        assert.strictEqual(cost_usd, (answered * 0.0012).toFixed(4))
        assert.strictEqual(billed_usd, cost_usd)
        assert.strictEqual(cost_per_answer_usd, "0.0012")
        assert.strictEqual(refused_for_budget, requests - answered)
        assert.deepStrictEqual(failures, { budget_exceeded: refused_for_budget })
      })
  )

  it.effect("has a budget renewed at midnight, when it starts before", () =>
    Effect.gen(function* () {
      const { timeline } = yield* reported(
        scenario({
          start: "1435m",
          requests: asking({ maxTokens: 100 }),
          config: { ...file.config, budgets: [{ scope: "global", daily: "0.12" }] }
        })
      )
      const answered = timeline.map(({ failed, requests }) => requests - failed)
      const sum = (from: number, to: number): number => answered.slice(from, to).reduce((all, each) => all + each, 0)
      // In rows of 30 s. Who asks in the last five seconds of the day waits for the next one.
      assert.approximately(sum(0, 9), 95, 3)
      assert.approximately(sum(9, 10), 10, 5)
      assert.approximately(sum(9, 20), 97, 3)
    })
  )

  it.effect("counts a stream that broke as failed, with whoever broke it", () =>
    Effect.gen(function* () {
      const { ended } = yield* run(
        scenario({ requests: asking({ streamed: 1 }), timeline: [{ at: "0s", instance: "a", breaks: 1 }] })
      )
      const broken = ended.filter(({ failure }) => failure === "broken_stream")
      assert.isAtLeast(broken.length, 3)
      assert.isTrue(broken.every(({ instance }) => instance === "a"))
      assert.isTrue(ended.every(({ failure, instance }) => failure !== undefined || instance === "b"))
    })
  )
})
