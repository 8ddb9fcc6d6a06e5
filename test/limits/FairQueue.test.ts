import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { FairQueue } from "../../src/limits/FairQueue.js"

const drained = (queue: FairQueue<string>): ReadonlyArray<string> => {
  const served: Array<string> = []
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) served.push(next)
  return served
}

const filled = (...items: ReadonlyArray<string>): FairQueue<string> => {
  const queue = new FairQueue<string>()
  for (const item of items) queue.push(item.slice(0, 1), item)
  return queue
}

describe("a fair queue", () => {
  it("serves each owner in its turn, and the own in the order in which they came", () => {
    assert.deepStrictEqual(drained(filled("a1", "a2", "a3", "b1", "c1", "b2")), ["a1", "b1", "c1", "a2", "b2", "a3"])
  })

  it("keeps nobody waiting for an owner with a thousand", () => {
    const queue = filled(...Array.from({ length: 1_000 }, (_, at) => `a${at}`))
    queue.push("b", "b1")
    assert.strictEqual(queue.ahead("c"), 2)
    assert.strictEqual(queue.ahead("a"), 1_001)
    assert.deepStrictEqual([queue.shift(), queue.shift(), queue.shift()], ["a0", "b1", "a1"])
  })

  it("gives the turn of whoever has left to the next one", () => {
    const queue = filled("a1", "a2", "b1")
    queue.remove("a", "a1")
    queue.remove("a", "a1")
    assert.deepStrictEqual([queue.size, queue.first], [2, "a2"])
    assert.deepStrictEqual(drained(queue), ["a2", "b1"])
  })

  it("asks the last one of whoever has the most to make room, and nobody where all have as many", () => {
    const queue = filled("a1", "a2", "a3", "b1")
    assert.strictEqual(queue.lastOfMost("b"), "a3")
    assert.isUndefined(queue.lastOfMost("a"))
    queue.remove("a", "a3")
    assert.isUndefined(queue.lastOfMost("b"))
    assert.strictEqual(queue.lastOfMost("c"), "a2")
    assert.deepStrictEqual([queue.yieldsTo("c"), queue.yieldsTo("b")], [true, false])
  })

  it("serves everybody once, tells how many come first, and between two turns of an owner each other has one", () => {
    const owners = FastCheck.array(FastCheck.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 40 })
    FastCheck.assert(
      FastCheck.property(owners, (names) => {
        const queue = filled(...names.map((name, at) => `${name}${at}`))
        assert.strictEqual(queue.size, names.length)
        const [ahead, last] = [queue.ahead("z"), "z1"]
        const before = new Map(["a", "z"].map((owner) => [owner, [...queue.before(owner)]]))
        assert.strictEqual(before.get("a")?.length, queue.ahead("a"))
        queue.push("z", last)
        const served = drained(queue)
        assert.sameMembers([...served], [...names.map((name, at) => `${name}${at}`), last])
        assert.strictEqual(served.indexOf(last), ahead)
        assert.sameMembers(before.get("z") ?? [], served.slice(0, ahead))
        for (const name of new Set(names)) {
          const own = served.filter((item) => item.startsWith(name))
          assert.deepStrictEqual(
            own,
            own.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1)))
          )
          for (const [turn, item] of own.entries()) {
            const next = own[turn + 1]
            if (next === undefined) continue
            const between = served.slice(served.indexOf(item) + 1, served.indexOf(next)).map((each) => each.slice(0, 1))
            assert.strictEqual(new Set(between).size, between.length)
          }
        }
      })
    )
  })
})
