import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Chance } from "../../src/simulation/Chance.js"
import type { OutageKind } from "../../src/simulation/ScenarioFile.js"
import * as Scenario from "../../src/simulation/Scenario.js"
import * as Simulation from "../../src/simulation/Simulation.js"
import type { Ended } from "../../src/simulation/Callers.js"

const ids = ["a", "b", "c"] as const
const seeds = 100

/** A world in which anything happens to anybody but to one, who is well all the time; in every fifth world to all. */
const worldOf = (seed: number) => {
  const chance = new Chance(seed, "world")
  const sound = seed % 5 === 0 ? undefined : ids[chance.below(ids.length)]
  const between = (low: number, high: number): number => low + chance.below(high - low + 1)
  const seconds = (low: number, high: number): string => `${between(low, high)}s`
  const one = <const A>(...all: readonly [A, ...ReadonlyArray<A>]): A => all[chance.below(all.length)] ?? all[0]
  const outage = () => one<OutageKind>("refused", "hang", 500, 503)
  const event = (instance: string) => ({
    at: seconds(0, 190),
    ...(chance.happens(0.7) ? { for: seconds(5, 80) } : {}),
    instance,
    ...one<() => object>(
      () => ({ outage: outage() }),
      () => ({ flap: { up: seconds(1, 8), down: seconds(1, 8), how: outage() } }),
      () => ({ rateLimit: { requestsPerMinute: between(0, 200), retryAfter: chance.happens(0.5) } }),
      () => ({ slow: { factor: between(2, 60), over: seconds(0, 30) } }),
      () => ({ keyRevoked: true }),
      () => ({ quotaSpent: true }),
      () => ({ errors: { share: chance.next(), how: one<OutageKind>("refused", "hang", 500, 503) } }),
      () => ({ breaks: chance.next() }),
      () => ({ malformed: chance.next() })
    )()
  })
  const maxAttempts = between(3, 5)
  const deadline = between(10, 40)
  const calls = between(1, 4)
  const instance = (id: string) => ({
    id,
    provider: "simulated",
    timeouts: { connect: "1s", firstToken: seconds(2, 8), idle: seconds(2, 8), total: seconds(10, 60) },
    retry: { maxAttempts: calls, baseDelay: "100ms" }
  })
  const file = {
    seed,
    duration: "200s",
    arrivals: { rate: 5 },
    requests: {
      model: "m",
      streamed: chance.next(),
      answerTokens: { p50: 20, p99: 80 },
      ...(chance.happens(0.3) ? { patience: seconds(1, 20) } : {})
    },
    config: {
      instances: ids.map(instance),
      models: [{ id: "m", targets: ids.map((id) => ({ instance: id, model: "x" })) }],
      routing: { deadline: `${deadline}s`, maxAttempts },
      circuitBreaker: { failureThreshold: between(1, 5), initialBackoff: seconds(1, 60), halfOpenMax: 1 },
      health: { checkOnStart: chance.happens(0.5) }
    },
    behaviours: Object.fromEntries(
      ids.map((id) => [
        id,
        id === sound
          ? { firstToken: "200ms", tokenInterval: "5ms" }
          : { firstToken: { p50: "200ms", p99: seconds(1, 20) }, tokenInterval: "10ms", concurrency: between(2, 40) }
      ])
    ),
    timeline: ids.filter((id) => id !== sound).flatMap((id) => Array.from({ length: between(1, 4) }, () => event(id)))
  }
  return { scenario: Either.getOrThrow(Scenario.parse(JSON.stringify(file))), sound, maxAttempts, deadline, calls }
}

type World = ReturnType<typeof worldOf>

/** What a request did that it must not do. */
const violation = (
  { attempts, failure, firstToken, instance, total }: Ended,
  { calls, deadline, maxAttempts, sound }: World
): string | undefined => {
  if (attempts.length > maxAttempts) return "more calls than the plan allows"
  if (ids.some((id) => attempts.filter((attempt) => attempt.instance === id).length > calls)) {
    return "more calls to one instance than it allows"
  }
  // To its commit or its end. What runs later than a timer at the same time is a rounding away from it.
  if (failure !== "broken_stream" && (firstToken ?? total) > deadline * 1000 + 1) return "later than its deadline"
  if (failure === undefined) {
    const last = attempts.length - 1
    const told = attempts.every(({ outcome }, at) => outcome === (at === last ? "success" : "failure"))
    return told && attempts[last]?.instance === instance ? undefined : "an answer that no call gave"
  }
  if (sound === undefined || failure === "caller_hung_up") return undefined
  // Somebody was well all the time: only a stream that had begun elsewhere could fail.
  return failure === "broken_stream" && instance !== sound ? undefined : `${failure}, although ${sound} was well`
}

describe("whatever happens to three providers", () => {
  it.effect(
    `${seeds} times 1,000 requests are answered when anybody could answer them, within their bounds, and nothing is left of them`,
    () =>
      Effect.gen(function* () {
        const failures = new Set<string>()
        let requests = 0
        for (let seed = 1; seed <= seeds; seed++) {
          const world = worldOf(seed)
          const [only = assert.fail("nothing to run")] = world.scenario.compared
          const left = yield* Simulation.run(world.scenario, only, {
            circuit: () => {},
            ended: (ended) => {
              requests++
              const wrong = violation(ended, world)
              if (wrong !== undefined) assert.fail(`seed ${seed}: ${wrong}`)
              if (ended.failure !== undefined) failures.add(ended.failure)
            }
          })
          assert.deepStrictEqual(left, { fibers: 0, timers: 0, exchanges: 0, trials: 0, places: 0 }, `seed ${seed}`)
        }
        assert.isAtLeast(requests, seeds * 950)
        // The worlds are as bad as they are meant to be.
        assert.includeMembers(
          [...failures],
          ["broken_stream", "caller_hung_up", "fallback_exhausted", "no_provider_available", "deadline_exceeded"]
        )
      }),
    120_000
  )
})
