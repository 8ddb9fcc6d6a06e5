import { fail } from "node:assert"
import * as Either from "effect/Either"
import { strategies } from "../../src/config/Settings.js"
import { Chance } from "../../src/simulation/Chance.js"
import type { OutageKind } from "../../src/simulation/ScenarioFile.js"
import * as Scenario from "../../src/simulation/Scenario.js"

export const ids = ["a", "b", "c"] as const

/** The content of its scenario file. */
export interface WorldFile {
  readonly requests: object
  readonly [field: string]: unknown
  readonly config: { readonly health: object; readonly [field: string]: unknown }
}

/** A world in which anything happens to anybody but to one, who is well all the time; in every fifth world to all. */
export const worldOf = (seed: number, changed = (file: WorldFile): unknown => file) => {
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
  // One or two models of each, asked in any order.
  const twice = chance.happens(0.4) ? ids.filter(() => chance.happens(0.5)) : []
  const targets = [
    ...ids.map((id) => ({ instance: id, model: "x" })),
    ...twice.map((id) => ({ instance: id, model: "y" }))
  ]
  for (let at = targets.length - 1; at > 0; at--) {
    const other = chance.below(at + 1)
    const [here = fail("nobody"), there = fail("nobody")] = [targets[at], targets[other]]
    targets[at] = there
    targets[other] = here
  }
  // Here and there too few for all of them.
  const maxAttempts = targets.length + between(chance.happens(0.2) ? -2 : 0, 3)
  const deadline = chance.happens(0.3) ? between(2, 8) : between(10, 40)
  const calls = between(1, 4)
  const hedged = chance.happens(0.4)
  const instance = (id: string) => ({
    id,
    provider: "simulated",
    weight: between(1, 5),
    pricing: { prompt: between(0, 5), completion: between(0, 20) },
    timeouts: { connect: "1s", firstToken: seconds(2, 8), idle: seconds(2, 8), total: seconds(10, 60) },
    retry: { maxAttempts: calls, baseDelay: "100ms" },
    ...(id !== sound && chance.happens(0.4) ? { maxConcurrency: between(1, 6) } : {})
  })
  const file: WorldFile = {
    seed,
    duration: "200s",
    arrivals: { rate: 5 },
    requests: {
      model: "m",
      streamed: chance.next(),
      answerTokens: { p50: 20, p99: 80 },
      users: between(1, 50),
      ...(chance.happens(0.3) ? { patience: seconds(1, 20) } : {})
    },
    config: {
      instances: ids.map(instance),
      models: [{ id: "m", targets }],
      routing: {
        strategy: one(...strategies),
        deadline: `${deadline}s`,
        maxAttempts,
        midStream: one("never", "continue"),
        hedge: { enabled: hedged, ...(chance.happens(0.7) ? { after: `${between(100, 3_000)}ms` } : {}) },
        retryBudget: { ratio: chance.next(), reserve: between(0, 20) },
        ...(chance.happens(0.4) ? { sticky: { by: ["user"], ttl: seconds(1, 100) } } : {})
      },
      circuitBreaker: {
        failureThreshold: between(1, 5),
        ...(chance.happens(0.3) ? { failureRatio: 0.1 + 0.9 * chance.next(), minimumCalls: between(1, 20) } : {}),
        successThreshold: between(1, 3),
        initialBackoff: seconds(1, 60),
        backoff: one("exponential", "linear", "fibonacci"),
        halfOpenMax: between(1, 3)
      },
      health: {
        checkOnStart: chance.happens(0.5),
        ...(chance.happens(0.5)
          ? { probe: "active", probeEvery: seconds(5, 30), probeWith: one("models", "chat") }
          : {})
      }
    },
    behaviours: Object.fromEntries(
      ids.map((id) => [
        id,
        id === sound
          ? { firstToken: "200ms", tokenInterval: "5ms" }
          : {
              firstToken: { p50: "200ms", p99: seconds(1, 20) },
              tokenInterval: "10ms",
              concurrency: between(2, 40),
              ...(chance.happens(0.3)
                ? { requestsPerMinute: between(0, 200), rateLimitHeaders: chance.happens(0.5) }
                : {})
            }
      ])
    ),
    timeline: ids.filter((id) => id !== sound).flatMap((id) => Array.from({ length: between(1, 4) }, () => event(id)))
  }
  return {
    scenario: Either.getOrThrowWith(
      Scenario.parse(JSON.stringify(changed(file))),
      (problems) => new Error(JSON.stringify(problems))
    ),
    sound: maxAttempts < targets.length ? undefined : sound,
    // What is kept of the deadline for each of them, in ms.
    share: Math.min(30_000, (deadline * 1000) / (targets.length + 1)),
    maxAttempts,
    deadline,
    calls,
    hedged
  }
}

export type World = ReturnType<typeof worldOf>
