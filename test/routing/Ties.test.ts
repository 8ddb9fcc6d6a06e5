import { assert, describe, it } from "@effect/vitest"
import type { Target } from "../../src/catalog/Target.js"
import type { InstanceSettings } from "../../src/config/Settings.js"
import type { Candidate } from "../../src/routing/Candidate.js"
import * as Ties from "../../src/routing/Ties.js"
import { instance } from "../support/settings.js"

const target = (id: string, more: Partial<Target> = {}, of: Partial<InstanceSettings> = {}): Target => ({
  instance: instance(id, of),
  model: "m",
  catch: undefined,
  peer: true,
  placed: false,
  contextWindow: undefined,
  ...more
})

const candidate = ({ contextWindow, instance: owner, model, peer }: Target): Candidate => ({
  instance: owner,
  model,
  catch: undefined,
  contextWindow,
  peer,
  stage: 0,
  baseUrl: undefined,
  maxTokens: undefined,
  temperature: undefined,
  maxCalls: 3
})

type Known = Readonly<Record<string, Partial<Ties.Standing>>>

/** Orders the same targets again and again, each time a while later. */
const ordering = (targets: ReadonlyArray<Target>) => {
  let known: Known = {}
  let now = 0
  let looks = 0
  const ties = new Ties.Ties(({ instance: { id } }) => {
    looks++
    return { degraded: false, latency: undefined, price: undefined, ...known[id] }
  })
  const candidates = targets.map(candidate)
  const order = (passed: number, { preview = false, streamed = false, given = candidates } = {}): string => {
    now += passed
    return ties
      .arrange(given, targets, { now, preview, streamed })
      .map(({ instance: { id } }) => id)
      .join("")
  }
  return {
    learn: (more: Known) => void (known = more),
    order,
    looks: () => looks,
    candidates
  }
}

const [a, b, c] = [target("a"), target("b"), target("c")]

const once = (known: Known, targets: ReadonlyArray<Target> = [a, b, c]): string => {
  const { learn, order } = ordering(targets)
  learn(known)
  return order(1_000)
}

describe("who serves a model that nobody put in order", () => {
  it("stays in place as long as nothing is known", () => {
    assert.strictEqual(once({}), "abc")
  })

  it("goes by health, then by latency, then by price", () => {
    assert.strictEqual(once({ a: { degraded: true, latency: 1, price: 1n } }), "bca")
    assert.strictEqual(once({ a: { latency: 900 }, b: { latency: 300 }, c: { latency: 100 } }), "cba")
    assert.strictEqual(once({ a: { price: 9n }, b: { price: 3n }, c: { price: 1n } }), "cba")
    assert.strictEqual(
      once({ a: { latency: 100, price: 9n }, b: { latency: 120, price: 3n }, c: { latency: 400, price: 1n } }),
      "bac"
    )
  })

  it("is not asked only to be measured, and is not held back for it: where a latency is not known, prices decide", () => {
    assert.strictEqual(once({ a: { latency: 5_000 } }), "abc")
    assert.strictEqual(once({ a: { latency: 100, price: 2n }, b: { price: 1n } }), "bac")
    assert.strictEqual(once({ b: { price: 1n } }), "bac")
  })

  it("keeps the places that an operator gave, those of other priorities, and those of stand-ins", () => {
    const known = { a: { latency: 900 }, b: { latency: 10 }, c: { latency: 100 } }
    const placed = [a, b, c].map((each) => ({ ...each, placed: true }))
    assert.isFalse(Ties.among(placed))
    assert.isFalse(Ties.among([a, target("b", {}, { priority: 2 })]))
    assert.isFalse(Ties.among([a]))
    assert.isTrue(Ties.among([a, target("x", {}, { priority: 2 }), b]))
    const behind = target("b", {}, { priority: 2 })
    assert.strictEqual(once(known, [a, c, behind]), "cab")
    const standIn = target("b", { peer: false })
    assert.strictEqual(once(known, [a, standIn, c]), "cba")
  })

  it("does not change places with who is about as fast, whatever each call took", () => {
    const { learn, order } = ordering([a, b])
    const seen = new Set<string>()
    for (const [ofA, ofB] of [
      [100, 110],
      [120, 70],
      [90, 150],
      [140, 71],
      [100, 199]
    ] as const) {
      learn({ a: { latency: ofA }, b: { latency: ofB } })
      seen.add(order(1_000))
    }
    assert.deepStrictEqual([...seen], ["ab"])
    learn({ a: { latency: 150 }, b: { latency: 70 } })
    assert.strictEqual(order(1_000), "ba")
    learn({ a: { latency: 70 }, b: { latency: 100 } })
    assert.strictEqual(order(1_000), "ba")
  })

  it("does not take turns with who is cheaper and somewhat slower", () => {
    const { learn, order } = ordering([a, b])
    const at = (latency: number) => ({ a: { latency: 100, price: 2n }, b: { latency, price: 1n } })
    learn(at(140))
    assert.strictEqual(order(1_000), "ba")
    for (const latency of [160, 190, 140, 199]) {
      learn(at(latency))
      assert.strictEqual(order(1_000), "ba", String(latency))
    }
    learn(at(200))
    assert.strictEqual(order(1_000), "ab")
    learn(at(160))
    assert.strictEqual(order(1_000), "ab")
  })

  it("is looked at once a second, apart for streams", () => {
    const { looks, order } = ordering([a, b])
    order(1_000)
    const first = looks()
    for (const _ of [1, 2, 3]) order(300)
    assert.strictEqual(looks(), first)
    order(100)
    assert.strictEqual(looks(), first * 2)
    order(0, { streamed: true })
    assert.strictEqual(looks(), first * 3)
  })

  it("is shown in a preview as it would be, and nothing moves by it", () => {
    const { learn, order } = ordering([a, b])
    learn({ a: { price: 2n }, b: { price: 1n } })
    assert.strictEqual(order(1_000), "ba")
    learn({ a: { price: 1n }, b: { price: 2n } })
    assert.strictEqual(order(1_000, { preview: true }), "ab")
    learn({ a: { price: 1n }, b: { price: 1n } })
    assert.strictEqual(order(0), "ba")
  })

  it("has only those in it that may be asked", () => {
    const { candidates, learn, order } = ordering([a, b, c])
    learn({ c: { price: 1n } })
    assert.strictEqual(order(1_000), "cab")
    assert.strictEqual(order(0, { given: candidates.slice(1) }), "cb")
    assert.strictEqual(order(0), "cab")
  })
})
