import { assert, describe, it } from "@effect/vitest"
import { Pace, Paces } from "../../src/health/Pace.js"

const pace = (...latencies: ReadonlyArray<number>): Pace => {
  const made = new Pace()
  for (const [at, latency] of latencies.entries()) made.began(latency, at * 1_000)
  return made
}

describe("how long answers take to begin", () => {
  it("follows a peak at once", () => {
    assert.strictEqual(pace(100, 100, 5_000).latency(2_000), 5_000)
  })

  it("forgets a peak slowly: after half a minute a good third of it is left", () => {
    const found = pace(5_000)
    assert.closeTo(found.latency(30_000), 5_000 / Math.E, 1)
    found.began(100, 30_000)
    assert.isAbove(found.latency(30_000), 1_800)
    assert.isBelow(found.latency(30_000), 2_000)
  })

  it("falls while nobody asks, so that who was slow once is tried again", () => {
    assert.isBelow(pace(5_000).latency(5 * 60_000), 1)
  })

  it("has a 95th percentile once there are twenty of them", () => {
    const [few, enough] = [
      pace(...Array.from({ length: 19 }, () => 10)),
      pace(...Array.from({ length: 20 }, (_, at) => at + 1))
    ]
    assert.isUndefined(few.p95)
    assert.strictEqual(enough.p95, 19)
  })

  it("has the percentile of its latest answers only", () => {
    const slowThenFast = pace(...Array.from({ length: 200 }, () => 9_000), ...Array.from({ length: 128 }, () => 10))
    assert.strictEqual(slowThenFast.p95, 10)
  })
})

describe("how fast answers come", () => {
  it("is known after the first one, and moves with the next", () => {
    const found = new Pace()
    assert.isUndefined(found.throughput)
    found.ended(100, 1_000)
    assert.strictEqual(found.throughput, 100)
    found.ended(200, 1_000)
    assert.strictEqual(found.throughput, 120)
  })

  it("is not told by a few words, or by no time at all", () => {
    const found = new Pace()
    found.ended(7, 1)
    found.ended(100, 0)
    assert.isUndefined(found.throughput)
  })
})

describe("the paces of all", () => {
  it("are those of each model of an instance, streams and whole answers apart", () => {
    const paces = new Paces()
    paces.of("a", "m", true).began(10, 0)
    assert.strictEqual(paces.known("a", "m", true)?.latency(0), 10)
    for (const other of [paces.known("a", "m", false), paces.known("a", "n", true), paces.known("b", "m", true)]) {
      assert.isUndefined(other)
    }
  })
})
