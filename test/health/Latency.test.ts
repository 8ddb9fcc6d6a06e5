import { assert, describe, it } from "@effect/vitest"
import { RecentCalls } from "../../src/health/Latency.js"

const after = (...latencies: ReadonlyArray<number>): RecentCalls => {
  const recent = new RecentCalls()
  for (const latency of latencies) answered(recent, latency)
  return recent
}

const answered = (recent: RecentCalls, latency: number): void => {
  recent.began(latency)
  recent.ended(true)
}

const upTo = (last: number): ReadonlyArray<number> => Array.from({ length: last }, (_, at) => at + 1)

describe("the latest calls to an instance", () => {
  it("tell nothing before the first", () => {
    const { calls, errorRate, summary } = new RecentCalls()
    assert.deepStrictEqual([calls, errorRate], [0, undefined])
    assert.deepStrictEqual(summary, { ewma: undefined, p50: undefined, p95: undefined, p99: undefined })
  })

  it("tell a share of them that took no longer, in whichever order they came", () => {
    const { p50, p95, p99 } = after(...upTo(100).toReversed()).summary
    assert.deepStrictEqual([p50, p95, p99], [50, 95, 99])
    const one = after(7).summary
    assert.deepStrictEqual([one.p50, one.p95, one.p99], [7, 7, 7])
  })

  it("move the average by a fifth towards the newest", () => {
    assert.strictEqual(after(100).summary.ewma, 100)
    assert.strictEqual(after(100, 200).summary.ewma, 120)
    assert.strictEqual(after(100, 200, 20).summary.ewma, 100)
  })

  it("tell how many of them failed, and how long only the others took", () => {
    const recent = after(10, 20, 30)
    recent.ended(false)
    assert.deepStrictEqual([recent.calls, recent.errorRate, recent.summary.p99], [4, 0.25, 30])
  })

  it("are the latest 256, and what was before is forgotten", () => {
    const recent = after(...upTo(256).map(() => 1_000))
    for (const at of upTo(128)) answered(recent, at)
    for (const _ of upTo(128)) recent.ended(false)
    assert.deepStrictEqual([recent.calls, recent.errorRate], [256, 0.5])
    // Failures have no latency, so half of the remembered ones are still of old.
    assert.deepStrictEqual([recent.summary.p50, recent.summary.p95], [128, 1_000])
    for (const at of upTo(256)) answered(recent, at)
    assert.deepStrictEqual([recent.errorRate, recent.summary.p99], [0, 254])
  })
})
