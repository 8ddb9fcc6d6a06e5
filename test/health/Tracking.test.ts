import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import * as ProviderError from "../../src/domain/ProviderError.js"
import { Circuits } from "../../src/health/Circuits.js"
import * as Status from "../../src/health/Status.js"
import { Tracking } from "../../src/health/Tracking.js"
import * as Timers from "../../src/provider/Timers.js"
import { fixed } from "../support/liveSettings.js"
import { instance, settings } from "../support/settings.js"

const [a, b] = [instance("a"), instance("b")]

const error = (category: ErrorCategory, more: object = {}) =>
  ProviderError.make(category, { provider: "simulated", instance: "a", model: "m", message: "no", ...more })

/** The circuits on the test clock, and calls that are told to them. */
const calls = Effect.gen(function* () {
  const circuits = yield* Circuits
  const { now } = Timers.ofClock(yield* Effect.clock)
  const leave = (at = a, model = "m", streamed = false) =>
    circuits.admit(at, model, now, { streamed, extra: false }) ?? assert.fail(`${at.id} is not admitted`)
  return {
    circuits,
    leave,
    take: () => circuits.tracking.take(),
    sample: () => Status.sample(circuits),
    succeed: (latency: number, at = a, model = "m") => {
      const permit = leave(at, model)
      permit.begin(latency)
      permit.succeed(5)
    },
    fail: (failure: ProviderError.ProviderError, counts = true, at = a, model = "m") =>
      leave(at, model).fail(failure, counts)
  }
})

const check = (name: string, body: (told: Effect.Effect.Success<typeof calls>) => Effect.Effect<void> | void) =>
  it.effect(name, () =>
    Effect.flatMap(calls, (told) => body(told) ?? Effect.void).pipe(
      Effect.provide(Layer.provide(Circuits.layer, fixed(settings())))
    )
  )

describe("the counts of calls", () => {
  check("are of each model of an instance, and begin anew when they were taken", ({ fail, succeed, take }) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(take(), [])
      yield* TestClock.adjust(1_000)
      succeed(100)
      succeed(300)
      succeed(40, a, "other")
      yield* TestClock.adjust(500)
      fail(error("provider_unavailable", { status: 503 }))
      const other = { instance: "a", model: "other", success: 1, errors: 0, latencySum: 40, latencyCount: 1 }
      assert.deepStrictEqual(take(), [
        { instance: "a", model: "m", success: 2, errors: 1, latencySum: 400, latencyCount: 2, lastAt: 1_500 },
        { ...other, lastAt: 1_000 }
      ])
      assert.deepStrictEqual(take(), [])
      succeed(10, b)
      assert.deepStrictEqual(take(), [{ ...other, instance: "b", model: "m", latencySum: 10, lastAt: 1_500 }])
    })
  )

  check("know a stream by its first token, also of one that broke later", ({ leave, take }) => {
    for (const well of [true, false]) {
      const permit = leave(a, "m", true)
      permit.begin(70)
      // Nothing is told of a call that has not ended, and nothing is lost of it.
      assert.deepStrictEqual(take(), [])
      if (well) permit.succeed(9)
      else permit.fail(error("network"), true)
      const counts = well ? { success: 1, errors: 0 } : { success: 0, errors: 1 }
      const latency = { latencySum: 70, latencyCount: 1 }
      assert.deepStrictEqual(take(), [{ instance: "a", model: "m", ...counts, ...latency, lastAt: 0 }])
    }
  })

  check(
    "hold every failure that its request had had before, and none that is nobody's fault",
    ({ fail, leave, take }) => {
      fail(error("network"), true)
      fail(error("network"), false)
      for (const category of ["invalid_request", "content_filter", "context_length"] as const) fail(error(category))
      leave().release()
      leave().late(9_000)
      assert.deepStrictEqual(
        take().map(({ errors, success }) => [success, errors]),
        [[0, 2]]
      )
    }
  )

  check("do not hold checks", ({ circuits, take }) => {
    circuits.admitCheck(a, "m", () => 0)?.succeed()
    circuits.admitCheck(a, "m", () => 0)?.fail(error("network"), true)
    assert.deepStrictEqual(take(), [])
  })

  it("are of ten thousand names at most, and of none that no database takes", () => {
    const tracking = new Tracking()
    for (let at = 0; at < 10_100; at++) tracking.ended(a, `made-up-${at}`, true, 1, at)
    const taken = tracking.take()
    assert.deepStrictEqual([taken.length, taken.some(({ model }) => model === "made-up-99")], [10_000, false])
    for (const odd of ["", "nul\u0000", "x".repeat(257)]) {
      tracking.ended(a, odd, true, 1, 1)
    }
    assert.deepStrictEqual(tracking.take(), [])
  })
})

describe("a sample", () => {
  check("has the models that were called since the one before, and how long they took", ({ sample, succeed, take }) => {
    succeed(100)
    succeed(200)
    take()
    const row = { instance: "a", model: "m", health_status: "healthy", response_time_ms: 150 } as const
    assert.deepStrictEqual(sample(), [row])
    assert.deepStrictEqual(sample(), [])
    succeed(30)
    assert.deepStrictEqual(sample(), [{ ...row, response_time_ms: 30 }])
  })

  check(
    "says how they are: by their circuits, or else by the share of calls that failed",
    ({ fail, sample, succeed }) =>
      Effect.gen(function* () {
        for (let call = 0; call < 9; call++) succeed(10)
        fail(error("malformed_response"))
        fail(error("malformed_response"))
        for (let call = 0; call < 9; call++) succeed(10, a, "well")
        for (let call = 0; call < 3; call++) fail(error("malformed_response"), true, b)
        const status = () => sample().map(({ health_status, instance: id, model }) => `${id} ${model} ${health_status}`)
        assert.deepStrictEqual(status().toSorted(), ["a m degraded", "a well healthy", "b m unhealthy"])
        yield* TestClock.adjust("1 minute")
        succeed(10, b)
        assert.deepStrictEqual(status(), ["b m recovering"])
      })
  )

  check("knows no time of what never answered", ({ fail, sample }) => {
    fail(error("network"))
    assert.deepStrictEqual(
      sample().map(({ response_time_ms }) => response_time_ms),
      [null]
    )
  })
})

describe("a latency of an earlier run", () => {
  check("is what is known until there is an answer, and is forgotten as it would have been", ({ circuits, succeed }) =>
    Effect.gen(function* () {
      yield* TestClock.adjust(60_000)
      circuits.seed("a", "m", 500, 30_000, 60_000)
      const latency = (streamed: boolean) => circuits.pace(a, "m", streamed)?.latency(60_000) ?? assert.fail("unknown")
      for (const streamed of [true, false]) assert.closeTo(latency(streamed), 500 / Math.E, 1)
      const { calls: counted, latency: summary } = circuits.of(a, 60_000)
      assert.deepStrictEqual([counted, summary.p50, circuits.pace(a, "m", false)?.p95], [0, undefined, undefined])
      assert.deepStrictEqual(circuits.tracking.take(), [])
      succeed(900)
      circuits.seed("a", "m", 10, 60_000, 60_000)
      assert.strictEqual(latency(false), 900)
    })
  )

  check("from a clock that is ahead is one of now", ({ circuits }) => {
    circuits.seed("a", "m", 500, 90_000, 0)
    assert.strictEqual(circuits.pace(a, "m", true)?.latency(0), 500)
  })
})
