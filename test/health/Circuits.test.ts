import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/TestClock"
import type { CircuitSettings } from "../../src/config/Settings.js"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import * as ProviderError from "../../src/domain/ProviderError.js"
import { Circuits } from "../../src/health/Circuits.js"
import type { Permit } from "../../src/health/Permit.js"
import * as Timers from "../../src/provider/Timers.js"
import { fixed } from "../support/liveSettings.js"
import { instance, settings } from "../support/settings.js"

const shared = { provider: "simulated", instance: "a", model: "m", message: "no" }

const error = (category: ErrorCategory, more: object = {}) => ProviderError.make(category, { ...shared, ...more })

const [a, b] = [instance("a"), instance("b")]

const whole = { streamed: false, extra: false }

/** The circuits on the test clock, with what a call of `m` at `a` may tell them. */
const circuits = Effect.gen(function* () {
  const service = yield* Circuits
  const { now } = Timers.ofClock(yield* Effect.clock)
  const admit = (at = a, model = "m") => service.admit(at, model, now, whole)
  const leave = (at = a, model = "m"): Permit => admit(at, model) ?? assert.fail(`${at.id} is not admitted`)
  return {
    service,
    admit,
    leave,
    last: (at = a) => service.admitLast(at, "m", now, whole),
    fail: (failure: ProviderError.ProviderError, times = 1, at = a, model = "m") => {
      for (let time = 0; time < times; time++) leave(at, model).fail(failure, true)
    },
    succeed: (at = a, model = "m", latency = 10) => answer(leave(at, model), latency),
    why: (at = a, model = "m") => service.ailment(at, model, now())?.scope,
    of: (at = a) => service.of(at, now()),
    force: (forced: "open" | "closed" | "auto", at = a) => service.force(at, forced, now())
  }
})

type Told = Effect.Effect.Success<typeof circuits>

const answer = (permit: Permit, latency = 10): void => {
  permit.begin(latency)
  permit.succeed()
}

const on =
  (circuitBreaker: Partial<CircuitSettings> = {}) =>
  <A, E>(effect: Effect.Effect<A, E, Circuits>): Effect.Effect<A, E> => {
    const configured = settings({ circuitBreaker: { ...settings().circuitBreaker, ...circuitBreaker } })
    return Effect.provide(effect, Layer.provide(Circuits.layer, fixed(configured)))
  }

const check = (name: string, body: (told: Told) => Effect.Effect<void> | void, more: Partial<CircuitSettings> = {}) =>
  it.effect(name, () => Effect.flatMap(circuits, (told) => body(told) ?? Effect.void).pipe(on(more)))

const down = error("provider_unavailable", { status: 503 })

describe("the circuits of keys, instances and models", () => {
  check(
    "know a refused key as that one alone: another key of the same vendor never notices",
    ({ admit, fail, why, of }) => {
      fail(error("auth", { status: 401 }))
      assert.deepStrictEqual([why(a), why(a, "other"), why(b)], ["key", "key", undefined])
      assert.isDefined(admit(b))
      assert.deepStrictEqual([of(a).circuit, of(b).circuit, of(b).errorRate], ["open", "closed", undefined])
    }
  )

  check("leave the key to everybody when it is only not allowed one model", ({ fail, why }) => {
    fail(error("auth", { status: 403 }), 3, a, "secret")
    assert.deepStrictEqual([why(a, "secret"), why(a)], ["model", undefined])
  })

  check("know an instance that is down with all its models, and no other instance", ({ fail, why }) => {
    fail(down, 3)
    assert.deepStrictEqual([why(a), why(a, "other"), why(b)], ["instance", "instance", undefined])
  })

  check("know a broken model as that one alone", ({ fail, why }) => {
    fail(error("malformed_response"), 3)
    assert.deepStrictEqual([why(a), why(a, "other"), why(b)], ["model", undefined, undefined])
  })

  check("say when the last of several circuits may be tried again", ({ fail, leave, service }) => {
    const late = leave()
    fail(error("provider_quota_exceeded", { retryAfterMs: 600_000 }))
    late.fail(error("rate_limit", { retryAfterMs: 5_000 }), true)
    assert.strictEqual(service.ailment(a, "m", 0)?.until, 600_000)
    assert.strictEqual(service.ailment(a, "other", 0)?.until, 600_000)
  })
})

describe("a thousand failures in a row that are nobody's fault", () => {
  const blameless: ReadonlyArray<readonly [string, ProviderError.ProviderError]> = [
    ...(["context_length", "content_filter", "invalid_request"] as const).map(
      (category) => [category, error(category)] as const
    ),
    ...(["share", "deadline"] as const).map(
      (phase) => [`timeout: ${phase}`, new ProviderError.ProviderTimeout({ ...shared, phase })] as const
    )
  ]
  for (const [name, failure] of blameless) {
    check(`leave it closed: ${name}`, ({ fail, of, why }) => {
      fail(failure, 1_000)
      assert.deepStrictEqual([why(), of().consecutiveFailures, of().errorRate], [undefined, 0, undefined])
    })
  }

  check("leave it closed: hang-ups", ({ leave, why, of }) => {
    for (let time = 0; time < 1_000; time++) leave().release()
    assert.deepStrictEqual([why(), of().circuit], [undefined, "closed"])
  })

  check("leave it closed: rate limits, once they are over", ({ leave, of, why }) =>
    Effect.gen(function* () {
      for (const permit of Array.from({ length: 1_000 }, () => leave())) {
        permit.fail(error("rate_limit", { retryAfterMs: 50 }), true)
      }
      yield* TestClock.adjust(50)
      assert.deepStrictEqual([why(), of().consecutiveFailures, of().errorRate], [undefined, 0, undefined])
    })
  )
})

describe("a rate limit", () => {
  check("keeps its model from being asked before its time, and from nothing else", ({ admit, fail, service }) =>
    Effect.gen(function* () {
      fail(error("rate_limit", { retryAfterMs: 7_000 }))
      assert.deepInclude(service.ailment(a, "m", 0), { scope: "model", reason: "rate_limited", until: 7_000 })
      assert.isDefined(admit(a, "other"))
      yield* TestClock.adjust(6_999)
      assert.isUndefined(admit())
      yield* TestClock.adjust(1)
      assert.isDefined(admit())
    })
  )

  check("that was told earlier does not end a longer one", ({ leave, service }) => {
    const [first, second] = [leave(), leave()]
    first.fail(error("rate_limit", { retryAfterMs: 9_000 }), true)
    second.fail(error("rate_limit", { retryAfterMs: 1_000 }), true)
    assert.strictEqual(service.ailment(a, "m", 0)?.until, 9_000)
  })
})

describe("a spent quota", () => {
  check("takes the key out until its reset, then one call tries it", ({ admit, fail, leave }) =>
    Effect.gen(function* () {
      fail(error("provider_quota_exceeded", { retryAfterMs: 300_000 }))
      yield* TestClock.adjust(299_999)
      assert.isUndefined(admit())
      yield* TestClock.adjust(1)
      answer(leave())
      answer(leave())
      assert.isDefined(admit())
    })
  )

  check("whose reset nobody can believe is asked about once a day", ({ admit, fail }) =>
    Effect.gen(function* () {
      fail(error("provider_quota_exceeded", { retryAfterMs: 1e15 }))
      yield* TestClock.adjust("24 hours")
      assert.isDefined(admit())
    })
  )
})

describe("how often a failure counts", () => {
  check("once a request, however often that was retried", ({ leave, of, why }) => {
    for (let request = 0; request < 2; request++) {
      for (let call = 0; call < 3; call++) leave().fail(down, call === 0)
    }
    assert.deepStrictEqual([why(), of().consecutiveFailures], [undefined, 2])
    leave().fail(down, true)
    assert.strictEqual(why(), "instance")
  })

  check(
    "for a stream that has begun as for any other, so that one that always breaks is found out",
    ({ leave, why }) => {
      for (let call = 0; call < 3; call++) {
        const permit = leave()
        permit.begin(10)
        permit.fail(error("network"), true)
      }
      assert.strictEqual(why(), "instance")
    }
  )

  check("not at all where the call was told to be over before", ({ leave, of }) => {
    for (let call = 0; call < 3; call++) {
      const permit = leave()
      permit.release()
      permit.fail(down, true)
    }
    assert.strictEqual(of().consecutiveFailures, 0)
  })

  check("not any more for a circuit that has changed since the call began", ({ fail, force, leave, why }) => {
    const late = [1, 2, 3, 4].map(() => leave())
    fail(down, 3)
    force("auto")
    for (const permit of late.slice(1)) permit.fail(down, true)
    late[0]?.fail(error("auth", { status: 401 }), true)
    assert.isUndefined(why())
  })
})

/** A circuit whose time to be tried again has come. */
const healing = ({ fail }: Told) =>
  Effect.zipRight(
    Effect.sync(() => fail(down, 3)),
    TestClock.adjust(60_000)
  )

describe("a half-open circuit", () => {
  check("lets one through at a time, and is closed by two that went well", (told) =>
    Effect.gen(function* () {
      yield* healing(told)
      for (const after of ["half_open", "closed"]) {
        const trial = told.leave()
        assert.isUndefined(told.admit())
        answer(trial)
        assert.strictEqual(told.of().circuit, after)
      }
    })
  )

  check("has room for the next as soon as a stream has begun, and is opened again when that breaks", (told) =>
    Effect.gen(function* () {
      yield* healing(told)
      const stream = told.leave()
      stream.begin(10)
      const next = told.leave()
      assert.isUndefined(told.admit())
      // The stream gives no place back that is another's by now.
      stream.succeed()
      assert.isUndefined(told.admit())
      next.fail(down, true)
      assert.strictEqual(told.of().retryIn, 120_000)
    })
  )

  check("gets a place back once, whatever its call tells in the end", (told) =>
    Effect.gen(function* () {
      yield* healing(told)
      for (const failure of [error("invalid_request"), error("rate_limit", { retryAfterMs: 0 }), undefined]) {
        const trial = told.leave()
        if (failure === undefined) trial.release()
        else trial.fail(failure, true)
        const next = told.leave()
        trial.release()
        assert.isUndefined(told.admit())
        next.release()
      }
    })
  )

  check("is opened again by a trial that failed, although its request had failed before", (told) =>
    Effect.gen(function* () {
      yield* healing(told)
      told.leave().fail(down, false)
      assert.strictEqual(told.why(), "instance")
    })
  )
})

describe("the last resort", () => {
  check("is ten calls, and one more every ten seconds", ({ fail, last }) =>
    Effect.gen(function* () {
      fail(error("auth", { status: 401 }))
      const asked = (): number => {
        let calls = 0
        for (let permit = last(); permit !== undefined; permit = last()) {
          permit.release()
          calls++
        }
        return calls
      }
      assert.strictEqual(asked(), 10)
      yield* TestClock.adjust(9_999)
      assert.strictEqual(asked(), 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(asked(), 1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(asked(), 10)
    })
  )

  check("is each instance's own, and none where an operator opened the circuit", ({ force, last }) => {
    for (let call = 0; call < 10; call++) last(a)?.release()
    assert.isUndefined(last(a))
    assert.isDefined(last(b))
    force("open", b)
    assert.isUndefined(last(b))
  })

  check("gets a tenth of a call back for each success", ({ last, succeed }) => {
    for (let call = 0; call < 10; call++) last()?.release()
    // A hair more than ten tenths are.
    for (let call = 0; call < 11; call++) succeed()
    assert.isDefined(last())
    assert.isUndefined(last())
  })

  check("does not keep a circuit open for longer when it fails", ({ fail, last, of }) => {
    fail(down, 3)
    for (let call = 0; call < 10; call++) last()?.fail(down, true)
    assert.deepStrictEqual([of().circuit, of().retryIn], ["open", 60_000])
  })

  check("counts like a trial when it goes well", ({ fail, last, of, succeed }) => {
    fail(down, 3)
    const permit = last() ?? assert.fail("no budget")
    answer(permit)
    assert.strictEqual(of().circuit, "half_open")
    succeed()
    assert.strictEqual(of().circuit, "closed")
  })
})

describe("an operator's decree", () => {
  check("opens an instance for good, closes it whatever happens, and lets go", ({ admit, fail, force, of, why }) =>
    Effect.gen(function* () {
      force("open")
      yield* TestClock.adjust("30 days")
      assert.deepStrictEqual([why(), of().circuit, of().retryIn], ["key", "open", undefined])
      force("closed")
      fail(down, 10)
      fail(error("auth", { status: 401 }), 10)
      assert.deepStrictEqual([of().circuit, admit() === undefined], ["closed", false])
      force("auto")
      fail(down, 3)
      assert.isUndefined(admit())
    })
  )

  check("begins its models anew, and no other instance's", ({ fail, force, why }) => {
    fail(error("malformed_response"), 3, a)
    fail(error("malformed_response"), 3, b)
    force("closed")
    assert.deepStrictEqual([why(a), why(b)], [undefined, "model"])
  })
})

describe("an operator who holds it closed", () => {
  check("lets it be asked although it asked for fewer requests", ({ fail, force, why }) => {
    fail(error("rate_limit", { retryAfterMs: 3_600_000 }))
    assert.strictEqual(why(), "model")
    force("closed")
    assert.isUndefined(why())
  })
})

describe("a share of failures", () => {
  check(
    "counts the successes from before the first failure",
    ({ fail, of, succeed }) => {
      for (let call = 0; call < 100; call++) succeed()
      fail(down, 20)
      assert.strictEqual(of().circuit, "closed")
    },
    { failureThreshold: 1_000, failureRatio: { threshold: 0.5, minimumCalls: 20 } }
  )
})

describe("changes of a circuit", () => {
  it.scoped("are told with whose it is, how often it failed and when it is tried again", () =>
    Effect.gen(function* () {
      const queue = yield* Circuits.subscribe
      const told = yield* circuits
      yield* healing(told)
      told.succeed()
      told.succeed()
      told.fail(error("provider_quota_exceeded", { retryAfterMs: 90_000 }))
      told.fail(error("malformed_response"), 3, b)
      told.force("open", b)
      const whose = { instance: "a", provider: "simulated", scope: "instance", model: undefined } as const
      const seen = Chunk.toReadonlyArray(yield* Queue.takeAll(queue))
      const open = { ...whose, event_type: "circuit_open", consecutive_failures: 3, next_retry_secs: 60 } as const
      const tried = { event_type: "circuit_half_open", consecutive_failures: 3, next_retry_secs: undefined } as const
      const shut = { event_type: "circuit_close", consecutive_failures: 0, next_retry_secs: undefined } as const
      const out = { event_type: "key_out", scope: "key", consecutive_failures: 1, next_retry_secs: 90 } as const
      assert.deepStrictEqual(seen, [
        { ...open, at: 0 },
        { ...whose, ...tried, at: 60_000 },
        { ...whose, ...shut, at: 60_000 },
        { ...whose, ...out, at: 60_000 },
        { ...open, instance: "b", scope: "model", model: "m", at: 60_000 },
        { ...open, instance: "b", consecutive_failures: 0, next_retry_secs: undefined, at: 60_000 },
        { ...whose, ...shut, instance: "b", scope: "model", model: "m", at: 60_000 }
      ])
    }).pipe((effect) => Effect.scoped(effect), on())
  )

  it.scoped("that nobody takes are dropped, the oldest first", () =>
    Effect.gen(function* () {
      const queue = yield* Circuits.subscribe
      const { force } = yield* circuits
      for (let time = 0; time < 2_000; time++) force(time % 2 === 0 ? "open" : "closed")
      const seen = Chunk.toReadonlyArray(yield* Queue.takeAll(queue))
      assert.strictEqual(seen.length, 1_024)
      assert.strictEqual(seen.at(-1)?.event_type, "circuit_close")
    }).pipe((effect) => Effect.scoped(effect), on())
  )
})

describe("names of models that callers make up", () => {
  check(
    "are forgotten, the oldest first, and never at the cost of an instance",
    ({ fail, why }) => {
      fail(error("auth", { status: 401 }), 1, b)
      for (let at = 0; at < 10_100; at++) fail(error("model_not_found"), 1, a, `made-up-${at}`)
      assert.deepStrictEqual([why(a, "made-up-0"), why(a, "made-up-10099")], [undefined, "model"])
      assert.strictEqual(why(b), "key")
    },
    { failureThreshold: 1 }
  )
})

describe("what is told of an instance", () => {
  check("is how often it failed lately and how long it took", ({ fail, of, succeed }) => {
    for (let call = 1; call <= 9; call++) succeed(a, "m", call * 100)
    fail(down)
    const { calls, consecutiveFailures, errorRate, latency } = of()
    assert.deepStrictEqual([calls, consecutiveFailures, errorRate], [10, 1, 0.1])
    assert.deepStrictEqual([latency.p50, latency.p95, latency.p99], [500, 900, 900])
    assert.deepStrictEqual([of(b).calls, of(b).errorRate], [0, undefined])
  })
})
