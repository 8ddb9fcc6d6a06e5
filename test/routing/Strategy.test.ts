import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { PCGRandom } from "effect/Utils"
import { strategies, type InstanceSettings } from "../../src/config/Settings.js"
import * as Money from "../../src/domain/Money.js"
import type { Candidate } from "../../src/routing/Candidate.js"
import * as Strategy from "../../src/routing/Strategy.js"
import { instance } from "../support/settings.js"

const peer = (id: string, more: Partial<InstanceSettings> = {}): Candidate => ({
  instance: instance(id, more),
  model: "m",
  catch: undefined,
  contextWindow: undefined,
  peer: true,
  stage: 0,
  baseUrl: undefined,
  maxTokens: undefined,
  temperature: undefined,
  maxCalls: 3
})

const [a, b, c] = [peer("a"), peer("b"), peer("c")]
const all = [a, b, c]

const by =
  (values: Readonly<Record<string, number>>) =>
  ({ instance: { id } }: Candidate): number | undefined =>
    values[id]

const signals = (known: Partial<Strategy.Signals> = {}): Strategy.Signals => ({
  chance: () => 0.5,
  turn: () => 0,
  weight: ({ instance: { weight } }) => weight,
  busy: () => 0,
  latency: () => undefined,
  throughput: () => undefined,
  cost: () => undefined,
  ...known
})

const ids = (candidates: ReadonlyArray<Candidate>): string => candidates.map(({ instance: { id } }) => id).join("")

const ordered = (strategy: Strategy.Order, known?: Partial<Strategy.Signals>, peers = all): string =>
  ids(Strategy.order(peers, strategy, signals(known)))

/** How often each goes first, in percent. */
const shares = (strategy: Strategy.Order, known: Partial<Strategy.Signals>, peers = all) => {
  const generator = new PCGRandom(7)
  const counts: Record<string, number> = {}
  for (let round = 0; round < 10_000; round++) {
    const [first = ""] = ordered(strategy, { chance: () => generator.number(), ...known }, peers)
    counts[first] = (counts[first] ?? 0) + 1
  }
  return (id: string): number => (counts[id] ?? 0) / 100
}

describe("peers", () => {
  it("stay in their places by priority", () => {
    assert.strictEqual(ordered("priority", {}, [c, a, b]), "cab")
  })

  it("take turns, and each turn is followed by the next in line", () => {
    assert.deepStrictEqual(
      [0, 1, 2, 3].map((turn) => ordered("round-robin", { turn: () => turn })),
      ["abc", "bca", "cab", "abc"]
    )
  })

  it("go first as often as their weights say, within two points of 10,000", () => {
    const share = shares("weighted", {}, [
      peer("a", { weight: 60 }),
      peer("b", { weight: 30 }),
      peer("c", { weight: 10 })
    ])
    assert.closeTo(share("a"), 60, 2)
    assert.closeTo(share("b"), 30, 2)
    assert.closeTo(share("c"), 10, 2)
  })

  it("follow by their weights as well: of those that are left the heavier one mostly", () => {
    const generator = new PCGRandom(3)
    const peers = [peer("a", { weight: 60 }), peer("b", { weight: 30 }), peer("c", { weight: 10 })]
    let second = 0
    let firsts = 0
    for (let round = 0; round < 10_000; round++) {
      const order = ordered("weighted", { chance: () => generator.number() }, peers)
      if (!order.startsWith("a")) continue
      firsts++
      if (order === "abc") second++
    }
    assert.closeTo((second / firsts) * 100, 75, 2)
  })

  it("without weight are only ever the last", () => {
    const share = shares("weighted", {}, [peer("a", { weight: 0 }), peer("b"), peer("c")])
    assert.strictEqual(share("a"), 0)
    assert.closeTo(share("b"), 50, 2)
  })

  it("are asked where it costs least, and last where nobody knows the price", () => {
    const prices: Readonly<Record<string, bigint>> = { b: 5n, c: 2n }
    const cost = ({ instance: { id } }: Candidate) =>
      prices[id] === undefined ? undefined : Money.Money.make(prices[id])
    assert.strictEqual(ordered("cost-optimized", { cost }), "cba")
    assert.strictEqual(ordered("price", { cost }), "cba")
  })

  it("are asked where the fewest calls are under way", () => {
    assert.strictEqual(ordered("least-busy", { busy: (each) => by({ a: 2, b: 0, c: 1 })(each) ?? 0 }), "bca")
  })

  it("are sorted by speed for a caller that asks for that, the unknown last", () => {
    assert.strictEqual(ordered("latency", { latency: by({ b: 300, c: 100 }) }), "cba")
    assert.strictEqual(ordered("throughput", { throughput: by({ b: 30, c: 100 }) }), "cba")
  })

  it("that are equal are told apart by priority, and then by their places", () => {
    const peers = [peer("a", { priority: 2 }), peer("b", { priority: 1 }), peer("c", { priority: 2 })]
    for (const strategy of ["least-busy", "cost-optimized", "latency", "throughput"] as const) {
      assert.strictEqual(ordered(strategy, {}, peers), "bac", strategy)
    }
    assert.strictEqual(ordered("round-robin", { turn: () => 0 }, peers), "bac")
  })
})

describe("least-latency", () => {
  it("asks the faster of two", () => {
    assert.strictEqual(ordered("least-latency", { latency: by({ a: 200, b: 100 }) }, [a, b]), "ba")
  })

  it("counts a latency as often as calls are under way", () => {
    const busy = (each: Candidate) => by({ b: 3 })(each) ?? 0
    assert.strictEqual(ordered("least-latency", { latency: by({ a: 200, b: 100 }), busy }, [a, b]), "ab")
  })

  it("draws two and takes the faster, so that not everybody runs to the fastest at once", () => {
    const share = shares("least-latency", { latency: by({ a: 100, b: 200, c: 300 }) })
    assert.closeTo(share("a"), 66.7, 2)
    assert.closeTo(share("b"), 33.3, 2)
    assert.strictEqual(share("c"), 0)
  })

  it("tries a newcomer with one call, and no other follows before that has answered", () => {
    const latency = by({ a: 100 })
    assert.strictEqual(ordered("least-latency", { latency }, [a, b]), "ba")
    assert.strictEqual(ordered("least-latency", { latency, busy: (each) => by({ b: 1 })(each) ?? 0 }, [a, b]), "ab")
  })

  it("lets the others follow from fast to slow", () => {
    const order = ordered("least-latency", { latency: by({ a: 300, b: 100, c: 200 }), chance: () => 0 })
    assert.strictEqual(
      order.slice(1),
      [...order]
        .slice(1)
        .toSorted((x, y) => "bca".indexOf(x) - "bca".indexOf(y))
        .join("")
    )
  })
})

describe("every order", () => {
  const orders = [...strategies, "price", "latency", "throughput"] as const
  const numbers = FastCheck.array(FastCheck.integer({ min: 0, max: 5 }), { minLength: 6, maxLength: 6 })

  it.prop(
    "has each peer once",
    [FastCheck.constantFrom(...orders), numbers, FastCheck.integer()],
    ([order, found, seed]) => {
      const peers = found.map((weight, at) => peer(String(at), { weight, priority: weight % 3 }))
      const generator = new PCGRandom(seed)
      const value = ({ instance: { id } }: Candidate) => found[Number(id)] || undefined
      const result = ordered(
        order,
        {
          chance: () => generator.number(),
          turn: () => Math.abs(seed),
          busy: (each) => value(each) ?? 0,
          latency: value,
          throughput: value,
          cost: (each) => (value(each) === undefined ? undefined : Money.Money.make(BigInt(value(each) ?? 0)))
        },
        peers
      )
      assert.strictEqual([...result].toSorted().join(""), "012345")
    }
  )

  it("leaves nothing to chance where it is only looked at", () => {
    const peers = [peer("a", { weight: 1 }), peer("b", { weight: 5 }), peer("c", { weight: 3 })]
    assert.strictEqual(ordered("weighted", { chance: undefined }, peers), "bca")
    assert.strictEqual(ordered("least-latency", { chance: undefined, latency: by({ a: 3, b: 2, c: 1 }) }), "cba")
  })
})
