import { assert, describe, it } from "@effect/vitest"
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
