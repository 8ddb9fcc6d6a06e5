import { assert, describe, it } from "@effect/vitest"
import type { Forced } from "../../src/health/CircuitBreaker.js"
import type { InstanceCircuits } from "../../src/health/Permit.js"
import * as Status from "../../src/health/Status.js"
import { instance } from "../support/settings.js"

const well: InstanceCircuits = {
  circuit: "closed",
  forced: "auto",
  consecutiveFailures: 0,
  retryIn: undefined,
  errorRate: undefined,
  calls: 0,
  latency: { ewma: undefined, p50: undefined, p95: undefined, p99: undefined }
}

const word = (circuits: Partial<InstanceCircuits>, check?: { readonly available: boolean }): Status.Status =>
  Status.of(instance("a"), { ...well, ...circuits }, check).status

describe("the status of an instance", () => {
  it("is healthy where nothing speaks against it", () => {
    assert.strictEqual(word({}), "healthy")
    assert.strictEqual(word({ consecutiveFailures: 2 }, { available: true }), "healthy")
  })

  it("is degraded from more than a tenth of failures on, among ten calls or more", () => {
    assert.strictEqual(word({ calls: 10, errorRate: 0.2 }), "degraded")
    assert.strictEqual(word({ calls: 10, errorRate: 0.1 }), "healthy")
    assert.strictEqual(word({ calls: 9, errorRate: 1 }), "healthy")
  })

  it("is recovering while its circuit is half-open, whatever its error rate", () => {
    assert.strictEqual(word({ circuit: "half_open", calls: 100, errorRate: 0.9 }), "recovering")
  })

  it("is unhealthy while its circuit is open, or a failed check is remembered", () => {
    assert.strictEqual(word({ circuit: "open" }, { available: true }), "unhealthy")
    assert.strictEqual(word({}, { available: false }), "unhealthy")
    assert.strictEqual(word({ circuit: "half_open" }, { available: false }), "unhealthy")
  })

  it("is shown with whole seconds and short numbers, and null for what nobody knows", () => {
    const latency = { ewma: 1, p50: 120.04, p95: 300.26, p99: undefined }
    const shown = Status.of(
      instance("a"),
      { circuit: "open", forced: "auto", consecutiveFailures: 3, retryIn: 59_001, errorRate: 1 / 3, calls: 3, latency },
      undefined
    )
    assert.deepStrictEqual(shown, {
      instance: "a",
      provider: "simulated",
      status: "unhealthy",
      circuit: "open",
      consecutive_failures: 3,
      retry_in_s: 60,
      error_rate: 0.3333,
      latency_ms: { p50: 120, p95: 300.3, p99: null }
    })
    const { error_rate, latency_ms, retry_in_s } = Status.of(instance("a"), well, undefined)
    assert.deepStrictEqual([error_rate, retry_in_s, latency_ms], [null, null, { p50: null, p95: null, p99: null }])
  })
})

describe("the statuses of all instances", () => {
  it("are counted so that each is in one of three numbers, the degraded among the healthy", () => {
    const found: Readonly<Record<string, Partial<InstanceCircuits>>> = {
      a: {},
      b: { calls: 20, errorRate: 0.5 },
      c: { circuit: "half_open" },
      d: { circuit: "open" },
      e: { circuit: "open" }
    }
    const { instances, overall } = Status.all(
      Object.keys(found).map((id) => instance(id)),
      { of: ({ id }) => ({ ...well, ...found[id] }) },
      { latest: () => undefined },
      0
    )
    assert.deepStrictEqual(
      instances.map(({ instance: id, status }) => `${id} ${status}`),
      ["a healthy", "b degraded", "c recovering", "d unhealthy", "e unhealthy"]
    )
    assert.deepStrictEqual(overall, { healthy: 2, recovering: 1, down: 2, total: 5 })
  })
})

describe("why an instance is better not asked", () => {
  const ill = { scope: "model", reason: "rate_limited", until: 9, detail: "it asked for fewer requests" } as const
  const check = {
    instance: instance("a"),
    available: false,
    reason: "refused",
    failure: undefined,
    models: [],
    checkedAt: 5
  }
  const ailment = (latest: typeof check | undefined, circuits: typeof ill | undefined, forced: Forced = "auto") =>
    Status.ailments({ ailment: () => circuits, forced: () => forced }, { latest: () => latest }, 7)(instance("a"), "m")

  it("is what its circuits say, or else its failed check as long as that is remembered", () => {
    assert.deepStrictEqual(ailment(check, undefined), { reason: "unhealthy", detail: "refused", until: 7 })
    assert.isUndefined(ailment({ ...check, available: true }, undefined))
    assert.isUndefined(ailment(undefined, undefined))
    assert.deepStrictEqual(ailment(check, ill), ill)
  })

  it("is no failed check where an operator keeps the circuit closed", () => {
    assert.isUndefined(ailment(check, undefined, "closed"))
    assert.strictEqual(word({ forced: "closed" }, check), "healthy")
    assert.strictEqual(ailment(check, undefined, "open")?.reason, "unhealthy")
    assert.strictEqual(word({ forced: "auto" }, check), "unhealthy")
  })
})
