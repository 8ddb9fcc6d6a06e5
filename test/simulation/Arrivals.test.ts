import { assert, describe, it } from "@effect/vitest"
import type { Scenario } from "../../src/simulation/Scenario.js"
import * as Arrivals from "../../src/simulation/Arrivals.js"
import { asking, scenario } from "./running.js"

const hour = 3_600_000

const made = (changes: Parameters<typeof scenario>[0]): ReadonlyArray<Arrivals.Arrival> => {
  const given: Scenario = scenario(changes)
  return [...Arrivals.make(given)]
}

const between = (all: ReadonlyArray<Arrivals.Arrival>, from: number, to: number): number =>
  all.filter(({ at }) => at >= from && at < to).length

describe("arrivals", () => {
  it("come independently of each other at a rate: gaps as long as their spread", () => {
    const all = made({ duration: "10h", arrivals: { rate: 1 } })
    assert.approximately(all.length, 36_000, 600)
    const gaps = all.slice(1).map(({ at }, place) => at - (all[place]?.at ?? 0))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
    assert.approximately(deviation / mean, 1, 0.03)
  })

  it("follow steps, of which there is none before the first", () => {
    const all = made({
      duration: "3h",
      arrivals: {
        steps: [
          { at: "1h", rate: 2 },
          { at: "2h", rate: 0.5 }
        ]
      }
    })
    assert.strictEqual(between(all, 0, hour), 0)
    assert.approximately(between(all, hour, 2 * hour), 7_200, 300)
    assert.approximately(between(all, 2 * hour, 3 * hour), 1_800, 150)
  })

  it("follow the wave of a day, highest at its peak and lowest twelve hours from it", () => {
    const all = made({ duration: "24h", arrivals: { daily: { low: 0.2, peak: 2, peakAt: "14h" } } })
    assert.approximately(between(all, 13.5 * hour, 14.5 * hour), 7_200, 400)
    assert.approximately(between(all, 1.5 * hour, 2.5 * hour), 720, 150)
    assert.approximately(all.length, 1.1 * 86_400, 1_500)
  })

  it("are streams, of users and as long as they are told to be", () => {
    const requests = asking({ streamed: 0.25, promptTokens: { p50: 200, p99: 2_000 }, answerTokens: 7, users: 10 })
    const all = made({ duration: "10h", requests })
    const share = (holds: (arrival: Arrivals.Arrival) => boolean): number => all.filter(holds).length / all.length
    assert.approximately(
      share(({ streamed }) => streamed),
      0.25,
      0.02
    )
    assert.approximately(
      share(({ size }) => size.prompt <= 200),
      0.5,
      0.02
    )
    assert.approximately(
      share(({ size }) => size.prompt > 2_000),
      0.01,
      0.004
    )
    assert.isTrue(all.every(({ size }) => size.answer === 7))
    assert.strictEqual(new Set(all.map(({ user }) => user)).size, 10)
  })

  it("are none at a rate of nothing", () => {
    assert.isEmpty(made({ arrivals: { rate: 0 } }))
  })
})
