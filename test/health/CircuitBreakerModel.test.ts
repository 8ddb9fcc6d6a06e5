import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { CircuitSettings } from "../../src/config/Settings.js"
import * as CircuitBreaker from "../../src/health/CircuitBreaker.js"

/** The same breaker once more, as an object with counters and a list of calls, written from the description alone. */
class Model {
  circuit: CircuitBreaker.Circuit = "closed"
  forced: CircuitBreaker.Forced = "auto"
  retryAt = 0
  /** Failures since the last success, while it is closed. */
  inARow: Array<number> = []
  private epoch = 0
  private calls: Array<{ readonly at: number; readonly failed: boolean }> = []
  private openings = 0
  private trials = 0
  private successes = 0

  constructor(private readonly settings: CircuitSettings) {}

  shown(): CircuitBreaker.Circuit {
    return this.forced === "auto" ? this.circuit : this.forced
  }

  wouldAsk(now: number): boolean {
    if (this.forced !== "auto") return this.forced === "closed"
    if (this.circuit === "half_open") return this.trials < this.settings.halfOpenMax
    return this.circuit === "closed" || now >= this.retryAt
  }

  /** A call, whether it should be made or not; gives its epoch. */
  call(now: number): number {
    if (this.forced !== "auto") return this.epoch
    if (this.circuit === "open" && now >= this.retryAt) this.turn("half_open")
    if (this.circuit === "half_open") this.trials++
    return this.epoch
  }

  /** `placed`: it is one of the trials still. */
  tell(epoch: number, outcome: Outcome, placed: boolean, now: number, chance: number): void {
    // Under a decree it does not matter what is heard: its end begins anew.
    if (epoch !== this.epoch || this.forced !== "auto") return
    switch (this.circuit) {
      case "closed":
        return this.hear(outcome, now, chance)
      case "open":
        if (outcome === "ok") {
          this.turn("half_open")
          this.recover()
        }
        return
      case "half_open":
        if (placed) this.trials--
        if (outcome === "failed") this.open(now, chance)
        else if (outcome === "ok") this.recover()
    }
  }

  trip(now: number, chance: number, until: number | undefined): void {
    if (this.forced !== "auto") return
    const before = this.circuit === "open" ? this.retryAt : undefined
    if (before === undefined) this.open(now, chance)
    if (until !== undefined) this.retryAt = before === undefined ? until : Math.max(before, until)
  }

  force(forced: CircuitBreaker.Forced): void {
    this.forced = forced
    this.turn("closed")
    this.openings = 0
  }

  /** What another one has found, some time ago. */
  adopt(
    { changedAt, circuit, consecutiveFailures, forced, openings, retryAt }: CircuitBreaker.Told,
    now: number
  ): void {
    const decreed = this.forced !== "auto"
    if (forced !== "auto") {
      if (forced !== this.forced) this.force(forced)
      return
    }
    this.forced = "auto"
    if (circuit === "half_open" && this.circuit === "half_open" && !decreed) return
    if (circuit !== "closed") {
      this.turn("open")
      this.openings = openings
      this.retryAt = circuit === "open" && retryAt !== undefined ? retryAt : now
      return
    }
    if (decreed || this.circuit !== "closed") {
      this.turn("closed")
      this.openings = 0
    }
    this.inARow = []
    if (changedAt > now - this.settings.window) {
      for (let nth = 0; nth < consecutiveFailures; nth++) this.inARow.push(changedAt)
    }
  }

  private hear(outcome: Outcome, now: number, chance: number): void {
    if (outcome === "nothing") return
    const { failureRatio, failureThreshold, window } = this.settings
    this.calls.push({ at: now, failed: outcome === "failed" })
    if (outcome === "ok") {
      this.inARow = []
      return
    }
    this.inARow.push(now)
    const recent = this.inARow.filter((at) => at > now - window)
    // The window of a share slides by a tenth of itself.
    const tenth = window / 10
    const counted = this.calls.filter(({ at }) => at - (at % tenth) > now - window)
    const bad = counted.filter(({ failed }) => failed)
    const share =
      failureRatio !== undefined &&
      counted.length >= failureRatio.minimumCalls &&
      bad.length >= failureRatio.threshold * counted.length
    if (share || recent.length >= failureThreshold) this.open(now, chance)
  }

  private recover(): void {
    this.successes++
    if (this.successes < this.settings.successThreshold) return
    this.turn("closed")
    this.openings = 0
  }

  private open(now: number, chance: number): void {
    this.turn("open")
    const { initial, jitter, kind, max, multiplier } = this.settings.backoff
    const grown = [initial]
    while (grown.length <= this.openings) {
      const [before = 0, last = initial] = grown.length === 1 ? [0, initial] : grown.slice(-2)
      grown.push(kind === "linear" ? last + initial : kind === "fibonacci" ? last + before : last * multiplier)
    }
    const lasts = Math.min(max, grown.at(-1) ?? initial)
    this.retryAt = now + Math.round(lasts - lasts * jitter + 2 * lasts * jitter * chance)
    this.openings++
  }

  private turn(circuit: CircuitBreaker.Circuit): void {
    this.circuit = circuit
    this.epoch++
    this.inARow = []
    this.calls = []
    this.trials = 0
    this.successes = 0
  }
}

type Outcome = "ok" | "failed" | "nothing"

const chances = FastCheck.constantFrom(0, 0.25, 0.5, 0.75)
const times = FastCheck.oneof(FastCheck.nat(5_000), FastCheck.constantFrom(30_000, 60_000, 120_000, 700_000))

// Shares of 2, so that both calculate the same to the last bit.
const anySettings: FastCheck.Arbitrary<CircuitSettings> = FastCheck.record({
  failureThreshold: FastCheck.integer({ min: 1, max: 5 }),
  window: FastCheck.constantFrom(1_000, 10_000, 60_000),
  failureRatio: FastCheck.option(
    FastCheck.record({
      threshold: FastCheck.constantFrom(0.25, 0.5, 0.75, 1),
      minimumCalls: FastCheck.integer({ min: 1, max: 6 })
    }),
    { nil: undefined }
  ),
  successThreshold: FastCheck.integer({ min: 1, max: 3 }),
  halfOpenMax: FastCheck.integer({ min: 1, max: 3 }),
  backoff: FastCheck.record({
    kind: FastCheck.constantFrom("exponential" as const, "linear" as const, "fibonacci" as const),
    initial: FastCheck.constantFrom(1_000, 30_000, 60_000),
    max: FastCheck.constantFrom(60_000, 600_000),
    multiplier: FastCheck.constantFrom(1, 1.5, 2, 10),
    jitter: FastCheck.constantFrom(0, 0.25, 0.5, 1)
  })
})

const step = FastCheck.oneof(
  // A call is made if it may be, or in spite of the circuit.
  {
    weight: 12,
    arbitrary: FastCheck.record({ _tag: FastCheck.constant("Call" as const), anyway: FastCheck.boolean() })
  },
  { weight: 9, arbitrary: FastCheck.record({ _tag: FastCheck.constant("Pass" as const), ms: times }) },
  // It has begun to answer, and makes room for another trial.
  { weight: 3, arbitrary: FastCheck.record({ _tag: FastCheck.constant("Begin" as const), which: FastCheck.nat(5) }) },
  {
    weight: 15,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Tell" as const),
      which: FastCheck.nat(5),
      outcome: FastCheck.constantFrom<Array<Outcome>>("ok", "failed", "failed", "nothing"),
      chance: chances
    })
  },
  {
    weight: 3,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Trip" as const),
      after: FastCheck.option(times, { nil: undefined }),
      chance: chances
    })
  },
  // Another replica tells what it found so long ago.
  {
    weight: 3,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Adopt" as const),
      ago: times,
      circuit: FastCheck.constantFrom<Array<CircuitBreaker.Circuit>>("closed", "closed", "open", "half_open"),
      forced: FastCheck.constantFrom<Array<CircuitBreaker.Forced>>("open", "closed", "auto", "auto", "auto", "auto"),
      consecutiveFailures: FastCheck.nat(7),
      openings: FastCheck.nat(4),
      after: FastCheck.option(FastCheck.integer({ min: -100_000, max: 100_000 }), { nil: undefined })
    })
  },
  {
    weight: 1,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Force" as const),
      forced: FastCheck.constantFrom<Array<CircuitBreaker.Forced>>("open", "closed", "auto", "auto")
    })
  }
)

type Step = typeof step extends FastCheck.Arbitrary<infer A> ? A : never

/** A breaker and its model, to which the same happens. */
class Pair {
  private readonly model: Model
  private breaker = CircuitBreaker.closed
  private now = 0
  private readonly under: Array<{ readonly epoch: number; readonly generation: number; placed: boolean }> = []

  constructor(private readonly settings: CircuitSettings) {
    this.model = new Model(settings)
  }

  happens(each: Step): void {
    const { model, now, settings, under } = this
    switch (each._tag) {
      case "Pass":
        this.now += each.ms
        return
      case "Call":
        if (!each.anyway && !CircuitBreaker.admits(this.breaker, settings, now)) return
        this.breaker = CircuitBreaker.admit(this.breaker, now)
        under.push({ epoch: model.call(now), generation: this.breaker.generation, placed: true })
        return
      case "Begin": {
        const call = under[each.which % Math.max(1, under.length)]
        if (call?.placed !== true) return
        call.placed = false
        model.tell(call.epoch, "nothing", true, now, 0)
        this.breaker = CircuitBreaker.release(this.breaker, call.generation)
        return
      }
      case "Tell": {
        const [call] = under.splice(each.which % Math.max(1, under.length), 1)
        if (call === undefined) return
        model.tell(call.epoch, each.outcome, call.placed, now, each.chance)
        this.tell(each.outcome, call, each.chance)
        return
      }
      case "Trip": {
        const until = each.after === undefined ? undefined : now + each.after
        model.trip(now, each.chance, until)
        this.breaker = CircuitBreaker.trip(this.breaker, settings, now, each.chance, until)
        return
      }
      case "Adopt": {
        const { after, ago, ...found } = each
        const told = { ...found, changedAt: now - ago, retryAt: after === undefined ? undefined : now + after }
        model.adopt(told, now)
        this.breaker = CircuitBreaker.adopt(this.breaker, settings, now, told)
        return
      }
      case "Force":
        model.force(each.forced)
        this.breaker = CircuitBreaker.force(this.breaker, each.forced)
    }
  }

  private tell(outcome: Outcome, { generation, placed }: Pair["under"][number], chance: number): void {
    const { breaker, now, settings } = this
    if (outcome === "ok") this.breaker = CircuitBreaker.succeed(breaker, settings, now, generation, placed)
    else if (outcome === "failed") this.breaker = CircuitBreaker.fail(breaker, settings, now, generation, chance)
    else if (placed) this.breaker = CircuitBreaker.release(breaker, generation)
  }

  /** What can be seen of the breaker, and of its model. */
  get seen(): readonly [Seen, Seen] {
    const { breaker, model, now, settings } = this
    const auto = model.forced === "auto"
    const seen = (circuit: CircuitBreaker.Circuit, asks: boolean, retryAt: number, failures: number): Seen => ({
      circuit,
      asks,
      retryAt: auto && circuit === "open" ? retryAt : undefined,
      failures: auto && circuit === "closed" ? failures : undefined
    })
    return [
      seen(
        CircuitBreaker.circuitOf(breaker),
        CircuitBreaker.admits(breaker, settings, now),
        breaker.retryAt,
        breaker.consecutiveFailures
      ),
      seen(model.shown(), model.wouldAsk(now), model.retryAt, model.inARow.length)
    ]
  }
}

interface Seen {
  readonly circuit: CircuitBreaker.Circuit
  readonly asks: boolean
  readonly retryAt: number | undefined
  readonly failures: number | undefined
}

describe("a circuit breaker and another one of the same description", () => {
  it("never differ, whatever they are set to and whatever happens in whichever order", () => {
    FastCheck.assert(
      FastCheck.property(
        anySettings,
        FastCheck.array(step, { minLength: 5, maxLength: 60, size: "max" }),
        (settings, steps) => {
          const pair = new Pair(settings)
          for (const each of steps) {
            pair.happens(each)
            const [seen, expected] = pair.seen
            assert.deepStrictEqual(seen, expected)
          }
        }
      ),
      { numRuns: 10_000 }
    )
  })
})
