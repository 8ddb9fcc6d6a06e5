import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { attemptsOf } from "../../src/domain/GatewayError.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { Circuits } from "../../src/health/Circuits.js"
import { Health } from "../../src/health/Health.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, routing, settings } from "../support/settings.js"
import { calls, reading } from "../support/streaming.js"

const ok = Simulated.answer("it works")
const down = Simulated.serverError

type Script = Readonly<Record<string, ReadonlyArray<Simulated.SimulatedReply>>>

/** A gateway whose model `m` is asked of these providers in turn. */
const between = <A, E>(
  scripts: Script,
  body: Effect.Effect<A, E, Gateway | Simulator | Circuits | Health>,
  deadline = 30_000
) => {
  const ids = Object.keys(scripts)
  const configured = settings({
    instances: ids.map((id) => instance(id)),
    models: [model("m", ids)],
    routing: { ...routing, deadline }
  })
  return Effect.gen(function* () {
    for (const [id, script] of Object.entries(scripts)) yield* scripting(id, ...script)
    return yield* body
  }).pipe(Effect.provide(gateway(configured)))
}

const scripting = (id: string, ...replies: ReadonlyArray<Simulated.SimulatedReply>) =>
  Effect.flatMap(Simulator, (simulator) => simulator.script(id, ...replies))

const asking = Effect.flatMap(Gateway, (service) => Effect.fork(Effect.either(service.complete(request()))))

/** One whole answer; the clock is moved until it is there. */
const ask = (within = 5_000) =>
  Effect.gen(function* () {
    const fiber = yield* asking
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })

/** Who answered, or how it failed. */
const served = (within?: number) =>
  Effect.map(ask(within), (outcome) => (outcome._tag === "Right" ? outcome.right.instance : outcome.left._tag))

const times = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) => Effect.replicateEffect(effect, count)

const callsTo = (id: string) => Effect.map(calls(id), ([[, all] = ["", 0]]) => all ?? 0)

const circuitOf = (id: string) =>
  Effect.flatMap(Circuits, (circuits) =>
    Effect.map(Effect.clock, (clock) => circuits.of(instance(id), clock.unsafeCurrentTimeMillis()))
  )

describe("a primary that is dead", () => {
  it.effect("is not called any more after three requests, and every answer says that it fell back", () =>
    between(
      { a: [down], b: [ok] },
      Effect.gen(function* () {
        const outcomes = yield* times(6, ask())
        for (const outcome of outcomes) {
          assert.deepInclude(outcome._tag === "Right" ? outcome.right : {}, { instance: "b", fallback: true })
        }
        const attempts = outcomes.map((outcome) => (outcome._tag === "Right" ? outcome.right.attempts.length : 0))
        // The third failure opens the circuit, so the third request makes no more tries at it.
        assert.deepStrictEqual(attempts, [4, 4, 2, 1, 1, 1])
        assert.strictEqual(yield* callsTo("a"), 7)
      })
    )
  )

  it.effect("is tried once when its time has come, and has all traffic back after two answers", () =>
    between(
      { a: [down], b: [ok] },
      Effect.gen(function* () {
        yield* times(3, ask())
        yield* scripting("a", ok)
        yield* TestClock.adjust("44 seconds")
        assert.strictEqual(yield* served(), "b")
        yield* TestClock.adjust("7 seconds")
        assert.deepStrictEqual(yield* times(4, served()), ["a", "a", "a", "a"])
        assert.strictEqual((yield* circuitOf("a")).circuit, "closed")
        assert.strictEqual(yield* callsTo("b"), 4)
      })
    )
  )

  it.effect("that is still dead then costs one call, and twice the time", () =>
    between(
      { a: [down], b: [ok] },
      Effect.gen(function* () {
        yield* times(3, ask())
        yield* TestClock.adjust("1 minute")
        const before = yield* callsTo("a")
        assert.deepStrictEqual(yield* times(3, served()), ["b", "b", "b"])
        assert.strictEqual((yield* callsTo("a")) - before, 1)
        assert.isAbove((yield* circuitOf("a")).retryIn ?? 0, 90_000)
      })
    )
  )

  it.effect("is one to a single key: another one of the same vendor goes on", () =>
    between(
      { a: [Simulated.unauthorized], b: [ok] },
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* times(5, served()), ["b", "b", "b", "b", "b"])
        assert.deepStrictEqual([yield* callsTo("a"), (yield* circuitOf("b")).circuit], [1, "closed"])
      })
    )
  )
})

describe("a stream", () => {
  /** Reads a stream for so long, and leaves it then. */
  const read = (ms: number) =>
    Effect.gen(function* () {
      const { fiber } = yield* reading()
      yield* TestClock.adjust(ms)
      yield* Fiber.interrupt(fiber)
    })

  it.effect("that breaks after its first words counts, each time", () =>
    between(
      { a: [Simulated.brokenOff("one two")], b: [ok] },
      Effect.gen(function* () {
        yield* times(5, read(5_000))
        assert.deepStrictEqual([yield* callsTo("a"), yield* callsTo("b")], [3, 2])
      })
    )
  )

  it.effect("that its caller leaves does not, before or after its first words", () =>
    between(
      { a: [Simulated.stalled("one two"), Simulated.stalled("")], b: [ok] },
      Effect.gen(function* () {
        yield* times(10, read(1_000))
        assert.deepStrictEqual([yield* callsTo("a"), yield* callsTo("b")], [10, 0])
        assert.strictEqual((yield* circuitOf("a")).consecutiveFailures, 0)
      })
    )
  )

  it.effect("that was retried and breaks then counts once", () =>
    between(
      { a: [down, Simulated.brokenOff("one two")], b: [ok] },
      Effect.gen(function* () {
        yield* read(5_000)
        assert.strictEqual(yield* callsTo("a"), 2)
        assert.strictEqual((yield* circuitOf("a")).consecutiveFailures, 1)
      })
    )
  )
})

describe("a request whose deadline passes", () => {
  it.effect("says nothing against the provider", () =>
    between(
      { a: [Simulated.hang] },
      Effect.gen(function* () {
        assert.deepStrictEqual(
          yield* times(5, served(30_000)),
          Array.from({ length: 5 }, () => "DeadlineExceeded")
        )
        assert.deepStrictEqual([yield* callsTo("a"), (yield* circuitOf("a")).circuit], [5, "closed"])
      })
    )
  )
})

describe("a provider that takes requests and never answers", () => {
  /** It is left 40 s of each request. */
  const hanging = <A, E>(deadline: number, body: Effect.Effect<A, E, Gateway | Simulator | Circuits | Health>) =>
    between({ a: [Simulated.hang], b: [ok] }, body, deadline)

  it.effect("is left out after three requests, also where no stream was asked for", () =>
    hanging(
      60_000,
      Effect.gen(function* () {
        const asked = yield* times(3, asking)
        yield* TestClock.adjust("41 seconds")
        for (const fiber of asked) assert.strictEqual((yield* Fiber.join(fiber))._tag, "Right")
        assert.strictEqual(yield* served(), "b")
        assert.strictEqual(yield* callsTo("a"), 3)
      })
    )
  )

  it.effect("is not when it was left less than half the time for a first token", () =>
    hanging(
      21_000,
      Effect.gen(function* () {
        const asked = yield* times(3, asking)
        yield* TestClock.adjust("15 seconds")
        for (const fiber of asked) assert.strictEqual((yield* Fiber.join(fiber))._tag, "Right")
        assert.strictEqual(yield* served(15_000), "b")
        assert.strictEqual(yield* callsTo("a"), 4)
      })
    )
  )
})

describe("a half-open circuit", () => {
  const halfOpen = Effect.gen(function* () {
    yield* times(3, ask())
    yield* TestClock.adjust("1 minute")
    return yield* callsTo("a")
  })

  it.effect("lets exactly one of ten concurrent requests through", () =>
    between(
      { a: [down], b: [ok] },
      Effect.gen(function* () {
        const before = yield* halfOpen
        yield* scripting("a", ok)
        const fibers = yield* times(10, asking)
        yield* TestClock.adjust("5 seconds")
        const who = yield* Effect.forEach(fibers, (fiber) => Effect.flatten(Fiber.join(fiber)))
        assert.deepStrictEqual(who.map((reply) => reply.instance).toSorted(), [
          "a",
          ...Array.from({ length: 9 }, () => "b")
        ])
        assert.strictEqual((yield* callsTo("a")) - before, 1)
      })
    )
  )

  it.effect.prop(
    "has every place back, whenever its trials are interrupted",
    [FastCheck.array(FastCheck.tuple(FastCheck.nat(300), FastCheck.boolean()), { minLength: 1, maxLength: 6 })],
    ([interruptions]) =>
      between(
        { a: [down], b: [ok] },
        Effect.gen(function* () {
          yield* halfOpen
          // Nobody's fault, so no trial opens or closes the circuit.
          const wrong = Simulated.failure(400, { message: "no", type: "invalid_request_error" })
          for (const [ms, hangs] of interruptions) {
            yield* scripting("a", hangs ? Simulated.hang : wrong)
            const fibers = yield* times(2, asking)
            yield* TestClock.adjust(ms)
            yield* Fiber.interruptAll(fibers)
          }
          yield* scripting("a", ok)
          const before = yield* callsTo("a")
          assert.strictEqual(yield* served(), "a")
          assert.strictEqual((yield* callsTo("a")) - before, 1)
        })
      ),
    { fastCheck: { numRuns: 20 }, timeout: 60_000 }
  )
})

describe("when nobody is well", () => {
  /** Both circuits are open, the first one's for longer. */
  const allOpen = Effect.gen(function* () {
    yield* scripting("a", Simulated.failure(402, { message: "no credit" }))
    yield* scripting("b", down)
    yield* times(3, ask())
    assert.deepStrictEqual([(yield* circuitOf("a")).circuit, (yield* circuitOf("b")).circuit], ["open", "open"])
  })

  it.effect(
    "the nearest to its recovery is asked as long as its retry budget lasts, and then nobody: 503, with the time to wait",
    () =>
      between(
        { a: [ok], b: [ok] },
        Effect.gen(function* () {
          yield* allOpen
          const [first, second] = [yield* callsTo("a"), yield* callsTo("b")]
          const outcomes = yield* Effect.forEach(yield* times(15, asking), (fiber) =>
            Effect.zipRight(TestClock.adjust(200), Fiber.join(fiber))
          )
          const failures = outcomes.map((outcome) => (outcome._tag === "Left" ? outcome.left : undefined))
          const tags = failures.map((failure) => String(failure?._tag))
          // Three of the ten paid for the retries that came before.
          assert.deepStrictEqual(
            tags.slice(0, 7),
            Array.from({ length: 7 }, () => "ProviderFailed")
          )
          assert.deepStrictEqual(
            tags.slice(7),
            Array.from({ length: 8 }, () => "NobodyAvailable")
          )
          assert.deepStrictEqual([yield* callsTo("a"), yield* callsTo("b")], [first, second + 7])
          const nobody = failures.at(-1)
          const wait = nobody?._tag === "NobodyAvailable" ? nobody.retryAfterMs : undefined
          assert.isAbove(wait ?? 0, 30_000)
          // Nothing of it kept the circuit open for longer than it was.
          assert.isBelow(wait ?? Number.POSITIVE_INFINITY, 60_000)
          assert.isEmpty(nobody === undefined ? ["answered"] : attemptsOf(nobody))
        })
      )
  )

  it.effect("those whose failures opened the last circuits are told when the first of them closes again", () =>
    between(
      { a: [down], b: [down] },
      Effect.gen(function* () {
        const [first, , third] = yield* times(3, ask())
        const waitOf = (outcome: typeof first) =>
          outcome?._tag === "Left" && outcome.left._tag === "FallbackExhausted" ? outcome.left.retryAfterMs : undefined
        assert.isUndefined(waitOf(first))
        assert.isAbove(waitOf(third) ?? 0, 30_000)
        assert.isAtMost(waitOf(third) ?? Number.POSITIVE_INFINITY, 60_000)
      })
    )
  )

  it.effect("and it answers after all, it is as if it had been tried", () =>
    between(
      { a: [ok], b: [ok] },
      Effect.gen(function* () {
        yield* allOpen
        yield* scripting("b", ok)
        const outcome = yield* ask()
        assert.deepInclude(outcome._tag === "Right" ? outcome.right : {}, { instance: "b", fallback: true })
        assert.strictEqual((yield* circuitOf("b")).circuit, "half_open")
      })
    )
  )

  it.effect("it is the same when its last check failed too", () =>
    between(
      { a: [ok] },
      Effect.gen(function* () {
        yield* scripting("a", down)
        yield* times(3, ask())
        const health = yield* Health
        const checks = yield* Effect.fork(health.checkAll)
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(checks)
        yield* scripting("a", ok)
        assert.strictEqual(yield* served(), "a")
      })
    )
  )

  const spentFor = (ms: number) => Simulated.failure(402, { message: "no credit" }, { "retry-after-ms": String(ms) })

  /** The only provider's quota is back at 14.1 s, it is 9.4 s, and nothing is left for a last resort. */
  const nearlyWell = Effect.gen(function* () {
    yield* scripting("a", spentFor(14_000), spentFor(1))
    yield* times(11, ask(200))
    assert.strictEqual(yield* callsTo("a"), 11)
    yield* TestClock.adjust(7_200)
    yield* scripting("a", ok)
    const fiber = yield* asking
    yield* TestClock.adjust(4_600)
    assert.strictEqual(yield* callsTo("a"), 11)
    return fiber
  })

  it.effect("a recovery in less than five seconds is waited for", () =>
    between(
      { a: [ok] },
      Effect.gen(function* () {
        const fiber = yield* nearlyWell
        yield* TestClock.adjust(500)
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "Right")
      })
    )
  )

  it.effect("a caller that goes away ends the wait, and leaves no place taken", () =>
    between(
      { a: [ok] },
      Effect.gen(function* () {
        yield* Effect.flatMap(nearlyWell, Fiber.interrupt)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* callsTo("a"), 11)
        assert.deepStrictEqual(yield* times(2, served()), ["a", "a"])
      })
    )
  )

  it.effect("a recovery beyond the deadline is not waited for", () =>
    between(
      { a: [ok] },
      Effect.gen(function* () {
        const nobody = yield* Effect.flatMap(nearlyWell, Fiber.join)
        assert.deepInclude(nobody._tag === "Left" ? nobody.left : {}, { _tag: "NobodyAvailable", retryAfterMs: 4_700 })
      }),
      4_000
    )
  )

  it.effect("a rate limit that is nearly over is waited for, and not asked about", () =>
    between(
      { a: [ok] },
      Effect.gen(function* () {
        yield* scripting("a", Simulated.rateLimited(4_000), ok)
        const first = yield* asking
        yield* TestClock.adjust(200)
        const others = yield* times(3, asking)
        yield* TestClock.adjust(3_800)
        assert.strictEqual(yield* callsTo("a"), 1)
        yield* TestClock.adjust(1_000)
        const outcomes = yield* Effect.forEach([first, ...others], (fiber) => Fiber.join(fiber))
        assert.deepStrictEqual(
          outcomes.map(({ _tag }) => _tag),
          ["Right", "Right", "Right", "Right"]
        )
        assert.strictEqual(yield* callsTo("a"), 5)
      })
    )
  )
})
