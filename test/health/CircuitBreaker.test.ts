import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { CircuitSettings } from "../../src/config/Settings.js"
import * as CircuitBreaker from "../../src/health/CircuitBreaker.js"

const settings: CircuitSettings = {
  failureThreshold: 3,
  window: 60_000,
  failureRatio: undefined,
  successThreshold: 2,
  halfOpenMax: 1,
  backoff: { kind: "exponential", initial: 60_000, max: 600_000, multiplier: 2, jitter: 0.2 }
}

const even = 0.5

/** A breaker after these failures, each at its time. */
const after = (...times: ReadonlyArray<number>): CircuitBreaker.CircuitBreaker =>
  times.reduce(
    (breaker, at) => CircuitBreaker.fail(breaker, settings, at, breaker.generation, even),
    CircuitBreaker.closed
  )

const opened = after(0, 1, 2)

describe("a circuit breaker", () => {
  it("opens at the third failure in a row within a minute", () => {
    assert.strictEqual(after(0, 1_000).circuit, "closed")
    assert.strictEqual(after(0, 1_000, 59_999).circuit, "open")
    assert.strictEqual(after(0, 1_000, 60_000).circuit, "closed")
    assert.strictEqual(after(0, 30_000, 61_000, 62_000).circuit, "open")
  })

  it("forgets failures at a success", () => {
    const breaker = CircuitBreaker.succeed(after(0, 1), settings, 2, 0)
    assert.strictEqual(CircuitBreaker.fail(breaker, settings, 3, 0, even).circuit, "closed")
  })

  it("lets nobody through while it is open, then one, and closes after two successes", () => {
    assert.isFalse(CircuitBreaker.admits(opened, settings, opened.retryAt - 1))
    assert.isTrue(CircuitBreaker.admits(opened, settings, opened.retryAt))
    const first = CircuitBreaker.admit(opened, opened.retryAt)
    assert.strictEqual(first.circuit, "half_open")
    assert.isFalse(CircuitBreaker.admits(first, settings, opened.retryAt))
    const one = CircuitBreaker.succeed(first, settings, opened.retryAt, first.generation)
    assert.strictEqual(one.circuit, "half_open")
    const second = CircuitBreaker.admit(one, opened.retryAt)
    const done = CircuitBreaker.succeed(second, settings, opened.retryAt, second.generation)
    assert.strictEqual(done.circuit, "closed")
  })

  it("opens again for twice as long when the trial fails, up to ten minutes, and anew after it was closed", () => {
    let breaker = opened
    const lasted: Array<number> = []
    for (let at = breaker.retryAt; lasted.length < 6; at = breaker.retryAt) {
      const trial = CircuitBreaker.admit(breaker, at)
      breaker = CircuitBreaker.fail(trial, settings, at, trial.generation, even)
      lasted.push(breaker.retryAt - at)
    }
    assert.deepStrictEqual(lasted, [120_000, 240_000, 480_000, 600_000, 600_000, 600_000])
  })

  it("gives a trial's place back when the trial tells nothing", () => {
    const trial = CircuitBreaker.admit(opened, opened.retryAt)
    const back = CircuitBreaker.release(trial, trial.generation)
    assert.isTrue(CircuitBreaker.admits(back, settings, opened.retryAt))
  })

  it("does not hear what was admitted before its last change", () => {
    assert.strictEqual(CircuitBreaker.succeed(opened, settings, 3, 0), opened)
    const trial = CircuitBreaker.admit(opened, opened.retryAt)
    assert.strictEqual(CircuitBreaker.fail(trial, settings, opened.retryAt, 0, even), trial)
    assert.strictEqual(CircuitBreaker.succeed(trial, settings, opened.retryAt, 0), trial)
  })

  it("is tripped at once, and until the later one of two times", () => {
    const tripped = CircuitBreaker.trip(CircuitBreaker.closed, settings, 1_000, even, 5_000)
    assert.deepStrictEqual([tripped.circuit, tripped.retryAt], ["open", 5_000])
    assert.strictEqual(CircuitBreaker.trip(tripped, settings, 2_000, even, 9_000).retryAt, 9_000)
    assert.strictEqual(CircuitBreaker.trip(tripped, settings, 2_000, even, 4_000).retryAt, 5_000)
    assert.strictEqual(CircuitBreaker.trip(CircuitBreaker.closed, settings, 0, even).retryAt, 60_000)
  })

  it("is what an operator says, until the operator lets go", () => {
    const open = CircuitBreaker.force(CircuitBreaker.closed, "open")
    assert.deepStrictEqual(
      [CircuitBreaker.circuitOf(open), CircuitBreaker.admits(open, settings, 1e15)],
      ["open", false]
    )
    const shut = CircuitBreaker.force(opened, "closed")
    assert.isTrue(CircuitBreaker.admits(shut, settings, 3))
    assert.strictEqual(CircuitBreaker.circuitOf(CircuitBreaker.force(shut, "auto")), "closed")
  })

  it("opens on a share of failures, where there were calls enough", () => {
    const ratio = { ...settings, failureThreshold: 1_000, failureRatio: { threshold: 0.5, minimumCalls: 10 } }
    let breaker = CircuitBreaker.closed
    for (let at = 0; at < 9; at++) {
      breaker =
        at % 2 === 0 ? CircuitBreaker.fail(breaker, ratio, at, 0, even) : CircuitBreaker.succeed(breaker, ratio, at, 0)
    }
    assert.strictEqual(breaker.circuit, "closed")
    assert.strictEqual(CircuitBreaker.fail(breaker, ratio, 9, 0, even).circuit, "open")
    // The same calls, a window earlier, count no more.
    assert.strictEqual(CircuitBreaker.fail(breaker, ratio, 70_000, 0, even).circuit, "closed")
  })

  it("stays open by its kind of back-off, give or take a fifth", () => {
    const lasts = (kind: "exponential" | "linear" | "fibonacci") =>
      [1, 2, 3, 4, 5].map((nth) => CircuitBreaker.openFor({ ...settings.backoff, kind }, nth, even) / 60_000)
    assert.deepStrictEqual(lasts("exponential"), [1, 2, 4, 8, 10])
    assert.deepStrictEqual(lasts("linear"), [1, 2, 3, 4, 5])
    assert.deepStrictEqual(lasts("fibonacci"), [1, 1, 2, 3, 5])
    assert.deepStrictEqual(
      [0, 1].map((chance) => CircuitBreaker.openFor(settings.backoff, 1, chance)),
      [48_000, 72_000]
    )
  })
})

/** The same breaker once more, as an object with counters, written from the description alone. */
class Model {
  circuit: CircuitBreaker.Circuit = "closed"
  epoch = 0
  retryAt = 0
  private failures: Array<number> = []
  private openings = 0
  private trials = 0
  private successes = 0

  ask(now: number): number | undefined {
    if (this.circuit === "open" && now >= this.retryAt) this.turn("half_open")
    if (this.circuit === "open" || (this.circuit === "half_open" && this.trials >= settings.halfOpenMax))
      return undefined
    if (this.circuit === "half_open") this.trials++
    return this.epoch
  }

  tell(epoch: number, outcome: "ok" | "failed" | "nothing", now: number): void {
    if (epoch !== this.epoch) return
    if (this.circuit === "half_open") {
      this.trials--
      if (outcome === "failed") this.open(now)
      if (outcome === "ok" && ++this.successes === settings.successThreshold) {
        this.turn("closed")
        this.openings = 0
      }
    } else if (this.circuit === "closed") {
      if (outcome === "ok") this.failures = []
      if (outcome === "failed") {
        this.failures.push(now)
        const recent = this.failures.filter((at) => at > now - settings.window)
        if (recent.length >= settings.failureThreshold) this.open(now)
      }
    }
  }

  private open(now: number): void {
    this.turn("open")
    this.openings++
    this.retryAt = now + Math.min(settings.backoff.max, settings.backoff.initial * 2 ** (this.openings - 1))
  }

  private turn(circuit: CircuitBreaker.Circuit): void {
    this.circuit = circuit
    this.epoch++
    this.failures = []
    this.trials = 0
    this.successes = 0
  }
}

type Step =
  | { readonly _tag: "Pass"; readonly ms: number }
  | { readonly _tag: "Ask" }
  | { readonly _tag: "Tell"; readonly which: number; readonly outcome: "ok" | "failed" | "nothing" }

const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  FastCheck.record({ _tag: FastCheck.constant("Ask" as const) }),
  FastCheck.record({
    _tag: FastCheck.constant("Pass" as const),
    ms: FastCheck.oneof(FastCheck.nat(5_000), FastCheck.constantFrom(30_000, 60_000, 120_000, 700_000))
  }),
  FastCheck.record({
    _tag: FastCheck.constant("Tell" as const),
    which: FastCheck.nat(5),
    outcome: FastCheck.constantFrom("ok" as const, "failed" as const, "failed" as const, "nothing" as const)
  })
)

describe("a circuit breaker and another one of the same description", () => {
  it("never differ, whatever happens in whichever order", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        const model = new Model()
        let breaker = CircuitBreaker.closed
        let now = 0
        const under: Array<{ readonly epoch: number; readonly generation: number }> = []
        for (const each of steps) {
          if (each._tag === "Pass") now += each.ms
          else if (each._tag === "Ask") {
            const admitted = CircuitBreaker.admits(breaker, settings, now)
            const epoch = model.ask(now)
            assert.strictEqual(admitted, epoch !== undefined)
            if (epoch !== undefined) {
              breaker = CircuitBreaker.admit(breaker, now)
              under.push({ epoch, generation: breaker.generation })
            }
          } else {
            const [call] = under.splice(each.which % Math.max(1, under.length), 1)
            if (call === undefined) continue
            model.tell(call.epoch, each.outcome, now)
            breaker =
              each.outcome === "ok"
                ? CircuitBreaker.succeed(breaker, settings, now, call.generation)
                : each.outcome === "failed"
                  ? CircuitBreaker.fail(breaker, settings, now, call.generation, even)
                  : CircuitBreaker.release(breaker, call.generation)
          }
          assert.strictEqual(breaker.circuit, model.circuit)
          if (breaker.circuit === "open") assert.strictEqual(breaker.retryAt, model.retryAt)
        }
      }),
      { numRuns: 10_000 }
    )
  })
})
