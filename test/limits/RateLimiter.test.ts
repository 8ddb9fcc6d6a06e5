import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import type { Claim, Limit } from "../../src/limits/Claim.js"
import { RateLimiter, type Grant, type Refusal } from "../../src/limits/RateLimiter.js"
import { RateLimitStore } from "../../src/limits/RateLimitStore.js"
import { answeringLater } from "../support/limits.js"

const rate = (perMinute: number, capacity = perMinute) => ({ perMinute, capacity })

/** Sixty requests a minute, one of which comes back each second. */
const limit = (changes: Partial<Limit> = {}): Limit => ({
  id: "global",
  scope: "global",
  requests: rate(60),
  tokens: undefined,
  queue: { max: 10, timeout: 5_000 },
  ...changes
})

const claim = (limits: ReadonlyArray<Limit>, owner = "a", tokens = 0): Claim => ({ limits, owner, tokens })

const stores = {
  "in memory": RateLimitStore.memory(),
  "that answers later": Layer.provide(answeringLater, RateLimitStore.memory())
}

type Result = Grant | Refusal

/** What is taken, whenever the store says it. */
const take = (limiter: RateLimiter["Type"], wanted: Claim): Effect.Effect<Result> =>
  Effect.suspend(() => Either.merge(Either.map(limiter.take(wanted), Effect.succeed)))

const spend = (limiter: RateLimiter["Type"], wanted: Claim, times: number) =>
  Effect.map(
    Effect.all(Array.from({ length: times }, () => take(limiter, wanted))),
    (results) => results.filter(({ _tag }) => _tag === "Grant").length
  )

/** Waits; what came of it so far. */
const waiting = (limiter: RateLimiter["Type"], wanted: Claim, heard: Array<string> = [], name = wanted.owner) => {
  const got: Array<Result> = []
  const leave = limiter.wait(wanted, (result) => {
    got.push(result)
    heard.push(result._tag === "Grant" ? name : `no ${name}`)
  })
  return { got, leave }
}

for (const [where, store] of Object.entries(stores)) {
  const check = (name: string, body: (limiter: RateLimiter["Type"]) => Effect.Effect<void>) =>
    it.effect(name, () =>
      Effect.flatMap(RateLimiter, body).pipe(Effect.provide(Layer.provide(RateLimiter.layer, store)))
    )

  describe(`limits in a store ${where}`, () => {
    check("admit exactly a hundred of a thousand requests at a hundred a minute", (limiter) =>
      Effect.gen(function* () {
        const wanted = claim([limit({ requests: rate(100), queue: undefined })])
        assert.strictEqual(yield* spend(limiter, wanted, 1_000), 100)
        yield* TestClock.adjust(600)
        assert.strictEqual(yield* spend(limiter, wanted, 10), 1)
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(yield* spend(limiter, wanted, 1_000), 100)
      })
    )

    check("say what is short, for how long, and what is left", (limiter) =>
      Effect.gen(function* () {
        const limits = [limit({ requests: rate(60, 2) }), limit({ id: "user:u", scope: "user:*", tokens: rate(600) })]
        const first = yield* take(limiter, claim(limits, "a", 500))
        assert.deepInclude(first, {
          quota: {
            requests: { perMinute: 60, remaining: 1, reset: 1_000 },
            tokens: { perMinute: 600, remaining: 100, reset: 50_000 }
          }
        })
        const refused = yield* take(limiter, claim(limits, "a", 150))
        assert.deepInclude(refused, { _tag: "Refusal", kind: "tokens", amount: 150, wait: 5_000 })
        assert.deepInclude(refused._tag === "Refusal" ? refused.limit : {}, { scope: "user:*" })
        // Nothing was taken of the other one.
        assert.strictEqual((yield* take(limiter, claim(limits, "a", 10)))._tag, "Grant")
        const never = yield* take(limiter, claim(limits, "a", 601))
        assert.deepInclude(never, { _tag: "Refusal", kind: "tokens", wait: Number.POSITIVE_INFINITY })
      })
    )

    check("correct the tokens that were thought, once, in both directions", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ requests: undefined, tokens: rate(1_000) })
        const left = () => limiter.quota(own).tokens?.remaining
        const [less, more, none] = [
          yield* take(limiter, claim([own], "a", 400)),
          yield* take(limiter, claim([own], "a", 100)),
          yield* take(limiter, claim([own], "a", 300))
        ]
        if (less._tag !== "Grant" || more._tag !== "Grant" || none._tag !== "Grant") return assert.fail("refused")
        assert.strictEqual(left(), 200)
        less.settle(100)
        less.settle(0)
        assert.strictEqual(left(), 500)
        more.settle(350)
        assert.strictEqual(left(), 250)
        none.giveBack()
        none.settle(1_000)
        assert.strictEqual(left(), 550)
      })
    )

    check("are waited for in turn by callers, and in order by the requests of one", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ queue: { max: 10, timeout: 60_000 } })
        yield* spend(limiter, claim([own]), 60)
        const heard: Array<string> = []
        for (const name of ["a1", "a2", "a3", "b1", "c1", "b2"]) {
          waiting(limiter, claim([own], name.slice(0, 1)), heard, name)
        }
        assert.deepStrictEqual([limiter.waiting(own), heard], [6, []])
        yield* TestClock.adjust(999)
        assert.deepStrictEqual(heard, [])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(heard, ["a1"])
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(heard, ["a1", "b1", "c1", "a2", "b2", "a3"])
        assert.strictEqual(limiter.waiting(own), 0)
        assert.strictEqual(yield* spend(limiter, claim([own]), 1), 0)
      })
    )

    check("are overtaken by no newcomer", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ requests: undefined, tokens: rate(600), queue: { max: 10, timeout: 60_000 } })
        yield* take(limiter, claim([own], "a", 600))
        const large = waiting(limiter, claim([own], "a", 300))
        yield* TestClock.adjust("10 seconds")
        // A hundred are there, and are kept for the one who waits.
        assert.strictEqual((yield* take(limiter, claim([own], "b", 10)))._tag, "Refusal")
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(
          large.got.map(({ _tag }) => _tag),
          ["Grant"]
        )
      })
    )

    check("wake whoever waits as soon as something comes back", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ requests: undefined, tokens: rate(600) })
        const grant = yield* take(limiter, claim([own], "a", 600))
        const heard: Array<string> = []
        const wanted = claim([own], "b", 50)
        waiting(limiter, wanted, heard)
        if (grant._tag === "Grant") grant.settle(500)
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(heard, ["b"])
      })
    )

    check("are left at once by whoever hangs up, and the next in line is not held up", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ requests: undefined, tokens: rate(600), queue: { max: 10, timeout: 60_000 } })
        yield* take(limiter, claim([own], "a", 600))
        const heard: Array<string> = []
        const large = waiting(limiter, claim([own], "a", 300), heard, "large")
        waiting(limiter, claim([own], "b", 50), heard, "small")
        yield* TestClock.adjust("6 seconds")
        assert.deepStrictEqual(heard, [])
        large.leave()
        yield* TestClock.adjust(100)
        assert.deepStrictEqual([heard, limiter.waiting(own)], [["small"], 0])
        large.leave()
      })
    )

    check("are waited for no longer than their queue says", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ requests: undefined, tokens: rate(600) })
        const grant = yield* take(limiter, claim([own], "a", 600))
        const heard: Array<string> = []
        waiting(limiter, claim([own], "first", 10), heard)
        waiting(limiter, claim([own], "second", 10), heard)
        yield* TestClock.adjust("1 second")
        // Another one has used more than was thought.
        if (grant._tag === "Grant") grant.settle(650)
        yield* TestClock.adjust(3_999)
        assert.deepStrictEqual(heard, ["first"])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual([heard, limiter.waiting(own)], [["first", "no second"], 0])
      })
    )

    check("are not waited for in vain", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ requests: rate(60), queue: { max: 100, timeout: 3_000 } })
        yield* spend(limiter, claim([own]), 60)
        const heard: Array<string> = []
        for (let at = 1; at <= 5; at++) waiting(limiter, claim([own]), heard, `${at}`)
        assert.deepStrictEqual(heard, ["no 4", "no 5"])
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(heard, ["no 4", "no 5", "1", "2", "3"])
      })
    )

    check("of tokens alone are not waited for in vain either: those that others wait for come first", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ requests: undefined, tokens: rate(600), queue: { max: 2, timeout: 40_000 } })
        yield* take(limiter, claim([own], "a", 600))
        const heard: Array<string> = []
        waiting(limiter, claim([own], "a", 300), heard)
        assert.deepInclude(yield* take(limiter, claim([own], "b", 10)), { kind: "tokens", amount: 10, wait: 31_000 })
        assert.deepInclude(yield* take(limiter, claim([own], "b", 110)), { wait: 41_000 })
        const inVain = waiting(limiter, claim([own], "b", 110))
        assert.deepInclude(inVain.got[0], { _tag: "Refusal", wait: 41_000 })
        waiting(limiter, claim([own], "b", 10), heard)
        // It would come after the first of each, and there is no more room.
        const third = waiting(limiter, claim([own], "c", 10))
        assert.deepInclude(third.got[0], { _tag: "Refusal", wait: 32_000 })
        yield* TestClock.adjust("31 seconds")
        assert.deepStrictEqual(heard, ["a", "b"])
      })
    )

    check("of requests and tokens are waited for until there is enough of both", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ tokens: rate(600), queue: { max: 10, timeout: 60_000 } })
        yield* take(limiter, claim([own], "a", 600))
        waiting(limiter, claim([own], "a", 300))
        assert.deepInclude(yield* take(limiter, claim([own], "b", 10)), { kind: "tokens", amount: 10, wait: 31_000 })
      })
    )

    check("are waited for by no more than fit the line, and one who fills it makes room for others", (limiter) =>
      Effect.gen(function* () {
        const own = limit({ queue: { max: 3, timeout: 60_000 } })
        yield* spend(limiter, claim([own]), 60)
        const heard: Array<string> = []
        for (const name of ["a1", "a2", "a3", "a4"]) waiting(limiter, claim([own], "a"), heard, name)
        assert.deepStrictEqual([heard, limiter.waiting(own)], [["no a4"], 3])
        assert.deepStrictEqual([limiter.isFull(own, "a"), limiter.isFull(own, "b")], [true, false])
        waiting(limiter, claim([own], "b"), heard, "b1")
        assert.deepStrictEqual([heard, limiter.waiting(own)], [["no a4", "no a3"], 3])
        waiting(limiter, claim([own], "b"), heard, "b2")
        assert.deepStrictEqual(heard.slice(2), ["no b2"])
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(heard.slice(3), ["a1", "b1", "a2"])
      })
    )

    check("keep nobody waiting behind one whom another limit holds", (limiter) =>
      Effect.gen(function* () {
        const queue = { max: 10, timeout: 60_000 }
        const everybody = limit({ queue })
        const own = limit({ id: "user:a", scope: "user:*", requests: rate(6), queue })
        yield* spend(limiter, claim([everybody, own]), 6)
        yield* spend(limiter, claim([everybody]), 54)
        const heard: Array<string> = []
        waiting(limiter, claim([everybody, own], "a"), heard)
        waiting(limiter, claim([everybody], "b"), heard)
        assert.deepStrictEqual([limiter.waiting(own), limiter.waiting(everybody)], [1, 1])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(heard, ["b"])
        yield* TestClock.adjust("9 seconds")
        assert.deepStrictEqual(heard, ["b", "a"])
      })
    )

    check("end the waiting when they are closed, and let nobody wait from then on", (limiter) =>
      Effect.gen(function* () {
        const own = limit()
        yield* spend(limiter, claim([own]), 60)
        const heard: Array<string> = []
        waiting(limiter, claim([own]), heard)
        yield* limiter.close
        waiting(limiter, claim([own], "b"), heard)
        assert.deepStrictEqual([heard, limiter.waiting(own)], [["no a", "no b"], 0])
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* spend(limiter, claim([own]), 2), 1)
      })
    )
  })
}

describe("limits in a store that answers later", () => {
  it.effect("give back what came for somebody who has left meanwhile, to the next in line", () =>
    Effect.gen(function* () {
      const limiter = yield* RateLimiter
      const own = limit({ requests: rate(60, 1) })
      yield* take(limiter, claim([own]))
      yield* TestClock.adjust("1 second")
      const heard: Array<string> = []
      // The store is asked for the first at once.
      const first = waiting(limiter, claim([own]), heard, "first")
      waiting(limiter, claim([own]), heard, "second")
      first.leave()
      yield* TestClock.adjust(20)
      assert.deepStrictEqual(heard, ["second"])
    }).pipe(Effect.provide(Layer.provide(RateLimiter.layer, stores["that answers later"])))
  )
})
