import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { InstanceSettings } from "../../src/config/Settings.js"
import * as ProviderError from "../../src/domain/ProviderError.js"
import type { CircuitState } from "../../src/health/CircuitState.js"
import type { HealthEvent, Permit } from "../../src/health/Permit.js"
import { Registry } from "../../src/health/Registry.js"
import { instance, routing, settings } from "../support/settings.js"

const [a, b] = [instance("a"), instance("b")]
const error = (category: "auth" | "malformed_response" | "provider_unavailable") =>
  ProviderError.make(category, { provider: "simulated", instance: "a", model: "m", message: "no", status: 500 })
const down = error("provider_unavailable")

/** One gateway: its circuits, and a clock of its own. */
class Replica {
  now = 1_000_000
  readonly told: Array<HealthEvent> = []
  readonly registry = new Registry(
    () => settings().circuitBreaker,
    routing.retryBudget,
    () => 0.5,
    (event) => this.told.push(event)
  )

  admit(at: InstanceSettings = a, model = "m"): Permit | undefined {
    return this.registry.admit(at, model, () => this.now, { streamed: false, extra: false })
  }

  fail(times = 1, failure = down, at: InstanceSettings = a): this {
    for (let time = 0; time < times; time++) this.admit(at)?.fail(failure, true)
    return this
  }

  succeed(times = 1): this {
    for (let time = 0; time < times; time++) this.admit()?.succeed()
    return this
  }

  pass(ms: number): this {
    this.now += ms
    return this
  }

  force(forced: "open" | "closed" | "auto"): this {
    this.registry.force(a, forced, this.now)
    return this
  }

  adopt(...states: ReadonlyArray<CircuitState>): ReadonlyArray<CircuitState> {
    return this.registry.adopt(states, this.now)
  }

  /** Hears all that another one knows. */
  hears(other: Replica): ReadonlyArray<CircuitState> {
    return this.adopt(...other.registry.states())
  }

  get circuit(): string {
    return this.registry.circuit(a, "m")
  }

  /** By scope, in some order that is always the same. */
  get states(): ReadonlyArray<CircuitState> {
    return this.registry.states().toSorted((one, other) => nameOf(one).localeCompare(nameOf(other)))
  }
}

const nameOf = ({ instance: id, model, scope }: CircuitState): string => `${scope} ${id} ${model}`

const opened = () => new Replica().fail(3)

const stateOf = (replica: Replica): CircuitState => replica.registry.states()[0] ?? assert.fail("it has none")

describe("what is kept of a circuit", () => {
  it("is nothing as long as nobody was ill", () => {
    const replica = new Replica().succeed(3)
    assert.deepStrictEqual(replica.states, [])
    assert.deepStrictEqual(replica.registry.changedSince(0), { mark: 0, states: [] })
  })

  it("is its failures, its openings and when it is tried again", () => {
    const whose = { instance: "a", scope: "instance", model: "" } as const
    const none = { forced: "auto", forcedAt: undefined, retryAt: undefined } as const
    const failing = { ...whose, ...none, circuit: "closed", consecutiveFailures: 2, openings: 0 } as const
    assert.deepStrictEqual(new Replica().fail(2).states, [{ ...failing, changedAt: 1_000_001 }])
    const open = { ...failing, circuit: "open", consecutiveFailures: 3, openings: 1, retryAt: 1_060_005 } as const
    assert.deepStrictEqual(new Replica().pass(5).fail(3).states, [{ ...open, changedAt: 1_000_007 }])
    const tried = { ...open, circuit: "half_open", retryAt: undefined } as const
    assert.deepStrictEqual(new Replica().fail(3).pass(60_000).succeed().states, [{ ...tried, changedAt: 1_060_000 }])
    const well = { ...failing, consecutiveFailures: 0 }
    assert.deepStrictEqual(new Replica().fail(2).pass(9).succeed().states, [{ ...well, changedAt: 1_000_009 }])
  })

  it("is whole milliseconds, so that a database gives it back as it was", () => {
    const { changedAt, retryAt } = stateOf(new Replica().pass(0.625).fail(3))
    assert.isTrue(Number.isInteger(changedAt) && Number.isInteger(retryAt))
  })

  it("is given once to whoever asks for what has changed", () => {
    const replica = new Replica().fail(1)
    const first = replica.registry.changedSince(0)
    assert.strictEqual(first.states.length, 1)
    assert.deepStrictEqual(replica.registry.changedSince(first.mark), { mark: first.mark, states: [] })
    replica.fail(1, error("auth"), b)
    const second = replica.registry.changedSince(first.mark)
    assert.deepStrictEqual(second.states.map(nameOf), ["key b "])
    // Who could not write the first may ask for both again.
    assert.strictEqual(replica.registry.changedSince(0).states.length, 2)
    const heard = new Replica()
    heard.hears(replica)
    assert.deepStrictEqual(heard.registry.changedSince(0).states, [])
  })

  it("is not of a model whose name no database takes", () => {
    const replica = new Replica()
    for (const name of ["nul\u0000", "half \ud800", "x".repeat(257), "plain é 名"]) {
      replica.admit(a, name)?.fail(error("malformed_response"), true)
    }
    assert.deepStrictEqual(
      replica.states.map(({ model }) => model),
      ["plain é 名"]
    )
  })
})

describe("a circuit that was told from elsewhere", () => {
  it("is open until the same time, without a word", () => {
    const replica = new Replica()
    assert.deepStrictEqual(replica.hears(opened()).map(nameOf), ["instance a "])
    assert.strictEqual(replica.registry.ailment(a, "m", replica.now)?.until, 1_060_000)
    assert.deepStrictEqual(replica.told, [])
    assert.isUndefined(replica.pass(59_999).admit())
    assert.isDefined(replica.pass(1).admit())
    assert.deepStrictEqual(
      replica.told.map(({ event_type }) => event_type),
      ["circuit_half_open"]
    )
  })

  it("is tried at once when its time has passed since, and stays open for longer when that fails", () => {
    const replica = new Replica().pass(3_600_000)
    replica.hears(opened())
    replica.admit()?.fail(down, true)
    assert.strictEqual(replica.registry.ailment(a, "m", replica.now)?.until, replica.now + 120_000)
  })

  it("that others try now is tried here too, so many at a time as ever", () => {
    const replica = new Replica().pass(60_000)
    assert.strictEqual(replica.hears(opened().pass(60_000).succeed()).length, 1)
    assert.strictEqual(replica.circuit, "open")
    assert.isDefined(replica.admit())
    assert.isUndefined(replica.admit())
    // Hearing it again changes nothing.
    assert.deepStrictEqual(replica.hears(opened().pass(60_000).succeed()), [])
    assert.strictEqual(replica.circuit, "half_open")
  })

  it("is not changed by the calls that were under way", () => {
    const replica = new Replica()
    const calls = [replica.admit(), replica.admit(), replica.admit()]
    replica.hears(opened())
    for (const call of calls) call?.succeed()
    assert.strictEqual(replica.circuit, "open")
    const other = new Replica()
    const late = [other.admit(), other.admit(), other.admit()]
    other.hears(opened().pass(60_000).succeed(2))
    for (const call of late) call?.fail(down, true)
    // It was closed here all the time: what fails now is as good to know as ever.
    assert.strictEqual(other.circuit, "open")
  })

  it("closes with the one that was tried first, and not by an older word", () => {
    const [first, second] = [opened(), opened().pass(1_000)]
    first.pass(60_000).succeed(2)
    assert.deepStrictEqual(second.hears(first).map(nameOf), ["instance a "])
    assert.strictEqual(second.circuit, "closed")
    assert.deepStrictEqual(second.hears(opened()), [])
    assert.strictEqual(second.circuit, "closed")
  })

  it("counts failures as long as the window lasts, and then no more", () => {
    const failures = new Replica().fail(2)
    for (const [ms, circuit] of [
      [59_998, "open"],
      [60_001, "closed"]
    ] as const) {
      const replica = new Replica().pass(ms)
      assert.deepStrictEqual(replica.hears(failures), [])
      assert.strictEqual(replica.fail(1).circuit, circuit, `after ${ms} ms`)
    }
  })

  it("that is as new slows nobody down", () => {
    const replica = new Replica().pass(60_000)
    replica.hears(new Replica().fail(2).succeed())
    assert.isTrue(replica.registry.scopes.pristine)
    replica.hears(new Replica().pass(60_000).fail(1))
    assert.isFalse(replica.registry.scopes.pristine)
  })

  it("is kept for an instance that is not known here yet", () => {
    const replica = new Replica()
    replica.hears(new Replica().fail(3, down, instance("new")))
    assert.isUndefined(replica.admit(instance("new")))
  })

  it("is changed here all the same by a replica whose clock is behind", () => {
    const ahead = new Replica().pass(30_000).fail(3)
    const replica = new Replica()
    replica.hears(ahead)
    replica.pass(90_000).succeed(2)
    replica.now = 1_000_000
    replica.fail(1)
    assert.deepStrictEqual([replica.hears(ahead), replica.circuit], [[], "closed"])
    assert.deepStrictEqual(ahead.hears(replica).map(nameOf), ["instance a "])
    assert.strictEqual(ahead.circuit, "closed")
  })
})

describe("a decree that was told from elsewhere", () => {
  it("holds until an operator changes it", () => {
    const operator = new Replica().force("open")
    const replica = new Replica()
    assert.deepStrictEqual(replica.hears(operator).map(nameOf), ["key a ", "instance a "])
    assert.isUndefined(replica.pass(30 * 24 * 3_600_000).admit())
    assert.deepStrictEqual(replica.hears(operator.pass(1_000).force("auto")).map(nameOf), ["key a ", "instance a "])
    assert.isDefined(replica.admit())
  })

  it("is not undone by what a replica has seen that did not hear of it yet", () => {
    const operator = new Replica().force("closed")
    const ignorant = new Replica().pass(500).fail(3)
    operator.hears(ignorant)
    ignorant.hears(operator)
    for (const replica of [operator, ignorant]) {
      assert.strictEqual(replica.circuit, "closed")
      assert.isDefined(replica.fail(10).admit())
    }
    assert.deepStrictEqual(operator.states, ignorant.states)
  })

  it("that was taken back long ago opens and closes nothing that was found since", () => {
    const operator = new Replica().force("open").pass(10).force("auto")
    const replica = new Replica().pass(1_000).fail(3)
    assert.deepStrictEqual(replica.hears(operator), [])
    assert.strictEqual(replica.circuit, "open")
    // It has something to tell that nobody has written yet, and still has it.
    assert.include(replica.registry.changedSince(0).states.map(nameOf), "instance a ")
  })

  it("that holds it closed lets it be asked although it asked for fewer requests", () => {
    const replica = new Replica()
    const limited = { provider: "simulated", instance: "a", model: "m", message: "no", retryAfterMs: 60_000 }
    replica.admit()?.fail(ProviderError.make("rate_limit", limited), true)
    assert.isUndefined(replica.admit())
    replica.hears(new Replica().force("closed"))
    assert.isDefined(replica.admit())
  })
})

const state: FastCheck.Arbitrary<CircuitState> = FastCheck.record({
  instance: FastCheck.constantFrom("a", "b"),
  scope: FastCheck.constant("instance" as const),
  model: FastCheck.constant(""),
  circuit: FastCheck.constantFrom("closed" as const, "open" as const, "half_open" as const),
  forced: FastCheck.constantFrom("auto" as const, "auto" as const, "open" as const, "closed" as const),
  forcedAt: FastCheck.option(FastCheck.integer({ min: 999_990, max: 1_000_010 }), { nil: undefined }),
  consecutiveFailures: FastCheck.nat(4),
  openings: FastCheck.nat(2),
  retryAt: FastCheck.option(FastCheck.integer({ min: 990_000, max: 1_100_000 }), { nil: undefined }),
  changedAt: FastCheck.integer({ min: 999_990, max: 1_000_010 })
})

/** Something that happens to a replica. */
const happening = FastCheck.constantFrom<Array<(replica: Replica) => unknown>>(
  (replica) => replica.fail(1),
  (replica) => replica.fail(3),
  (replica) => replica.fail(1, error("auth")),
  (replica) => replica.fail(2, error("malformed_response")),
  (replica) => replica.succeed(1),
  (replica) => replica.pass(3),
  (replica) => replica.pass(60_000),
  (replica) => replica.force("open"),
  (replica) => replica.force("auto")
)

const past = FastCheck.array(happening, { maxLength: 12 })

const lived = (happenings: ReadonlyArray<(replica: Replica) => unknown>): Replica => {
  const replica = new Replica()
  for (const happens of happenings) happens(replica)
  return replica
}

/** All that can be seen of it from outside. */
const seen = (replica: Replica) => ({
  states: replica.states,
  circuits: [a, b].map((at) => replica.registry.of(at, replica.now)),
  ailments: [a, b].map((at) => replica.registry.ailment(at, "m", replica.now))
})

describe("replicas", () => {
  it("change nothing by hearing themselves", () => {
    FastCheck.assert(
      FastCheck.property(past, (happenings) => {
        const replica = lived(happenings)
        const before = seen(replica)
        assert.deepStrictEqual(replica.hears(replica), [])
        assert.deepStrictEqual(seen(replica), before)
      }),
      { numRuns: 500 }
    )
  })

  it("know the same whatever they hear first, and however often", () => {
    FastCheck.assert(
      FastCheck.property(past, FastCheck.array(state, { maxLength: 6 }), FastCheck.nat(5), (happenings, told, cut) => {
        const [one, other] = [lived(happenings), lived(happenings)]
        for (const each of told) one.adopt(each)
        other.adopt(...[...told.slice(cut), ...told.slice(0, cut)].toReversed(), ...told)
        assert.deepStrictEqual(one.states, other.states)
      }),
      { numRuns: 1_000 }
    )
  })

  it("agree on every circuit when each has heard of the other, whatever happened to them", () => {
    FastCheck.assert(
      FastCheck.property(past, past, (mine, theirs) => {
        const [one, other] = [lived(mine), lived(theirs)]
        one.hears(other)
        other.hears(one)
        assert.deepStrictEqual(one.states, other.states)
        // What an operator decreed is in force at both.
        for (const at of [a, b]) assert.strictEqual(one.registry.forced(at), other.registry.forced(at))
      }),
      { numRuns: 500 }
    )
  })

  it("are after a restart what they were", () => {
    FastCheck.assert(
      FastCheck.property(past, (happenings) => {
        const before = lived(happenings)
        const after = new Replica().pass(before.now - 1_000_000)
        after.hears(before)
        assert.deepStrictEqual(after.states, before.states)
        for (const at of [a, b]) {
          const [was, is] = [before.registry.of(at, before.now), after.registry.of(at, after.now)]
          // A trial is nobody's after a restart: it is made anew.
          const circuit = was.circuit === "half_open" ? "open" : was.circuit
          assert.deepStrictEqual([is.circuit, is.forced], [circuit, was.forced])
          const tried = before.states.some((each) => each.instance === at.id && each.circuit === "half_open")
          if (was.circuit === "open" && !tried) assert.closeTo(is.retryIn ?? -1, was.retryIn ?? -1, 1)
        }
      }),
      { numRuns: 500 }
    )
  })
})
