import type { InstanceSettings } from "../config/Settings.js"
import type { Circuit } from "./CircuitBreaker.js"
import type { Circuits } from "./Circuits.js"
import type { Ailment, InstanceCircuits } from "./Permit.js"
import type { Check, Health } from "./Health.js"
import { isDegraded } from "./Latency.js"

export type Status = "healthy" | "degraded" | "recovering" | "unhealthy"

/** How one instance is, as it is shown. */
export interface InstanceStatus {
  readonly instance: string
  /** Vendor slug. */
  readonly provider: string
  readonly status: Status
  readonly circuit: Circuit
  readonly consecutive_failures: number
  /** Whole seconds until its open circuit lets a call through; null where it is not open, or was opened by an operator. */
  readonly retry_in_s: number | null
  /** Share of its latest calls that failed, 0 to 1; null before the first. */
  readonly error_rate: number | null
  /** Of its latest calls, in ms; null before the first success. */
  readonly latency_ms: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null }
}

/** How all of them are. A degraded instance is asked as ever, and counts as healthy. */
export interface Statuses {
  readonly instances: ReadonlyArray<InstanceStatus>
  readonly overall: {
    readonly healthy: number
    readonly recovering: number
    readonly down: number
    readonly total: number
  }
}

/** What is known of an instance, in one word and in numbers. `check` is the latest one, as long as it is remembered. */
export const of = (
  instance: InstanceSettings,
  circuits: InstanceCircuits,
  check: Pick<Check, "available"> | undefined
): InstanceStatus => ({
  instance: instance.id,
  provider: instance.provider,
  status: statusOf(circuits, check?.available !== false || circuits.forced === "closed"),
  circuit: circuits.circuit,
  consecutive_failures: circuits.consecutiveFailures,
  retry_in_s: circuits.retryIn === undefined ? null : Math.ceil(circuits.retryIn / 1000),
  error_rate: circuits.errorRate === undefined ? null : Math.round(circuits.errorRate * 10_000) / 10_000,
  latency_ms: {
    p50: tenth(circuits.latency.p50),
    p95: tenth(circuits.latency.p95),
    p99: tenth(circuits.latency.p99)
  }
})

/** All of these instances at once; `now` is Unix time in ms. */
export const all = (
  instances: ReadonlyArray<InstanceSettings>,
  circuits: Pick<Circuits["Type"], "of">,
  health: Pick<Health["Type"], "latest">,
  now: number
): Statuses => {
  const found = instances.map((instance) => of(instance, circuits.of(instance, now), health.latest(instance, now)))
  const count = (status: Status): number => found.filter((each) => each.status === status).length
  return {
    instances: found,
    overall: {
      healthy: count("healthy") + count("degraded"),
      recovering: count("recovering"),
      down: count("unhealthy"),
      total: found.length
    }
  }
}

/** Why a model of an instance is better not asked now. */
export interface Ailing {
  readonly reason: Ailment["reason"] | "unhealthy"
  /** A safe sentence. */
  readonly detail: string
  /** Unix ms; when it may be well again. */
  readonly until: number
}

/** What plans are made with: what the circuits say, or else a failed check as long as it is remembered. */
export const ailments =
  (circuits: Pick<Circuits["Type"], "ailment" | "forced">, health: Pick<Health["Type"], "latest">, now: number) =>
  (instance: InstanceSettings, model: string): Ailing | undefined => {
    // Whoever has an open circuit is not asked, whether or not a check failed too; and it says until when.
    const ailment = circuits.ailment(instance, model, now)
    if (ailment !== undefined) return ailment
    const check = health.latest(instance, now)
    // An operator who keeps the circuit closed knows better than a check.
    if (check?.available !== false || circuits.forced(instance) === "closed") return undefined
    return { reason: "unhealthy", detail: check.reason ?? "its last check failed", until: now }
  }

/** How a model of an instance was between two samples; it was called in that time. */
export interface Sample {
  readonly instance: string
  readonly model: string
  readonly health_status: Status
  /** On average; null where nothing began to answer. */
  readonly response_time_ms: number | null
}

/** How those models are that were called since the sample before. */
export const sample = (circuits: Pick<Circuits["Type"], "circuit" | "tracking">): ReadonlyArray<Sample> =>
  circuits.tracking.sample().map(({ errors, instance, latency, model, success }) => {
    const calls = success + errors
    const circuit = circuits.circuit(instance, model)
    return {
      instance: instance.id,
      model,
      health_status: statusOf({ calls, circuit, errorRate: errors / calls }, true),
      response_time_ms: latency ?? null
    }
  })

const statusOf = (
  { calls, circuit, errorRate }: Pick<InstanceCircuits, "calls" | "circuit" | "errorRate">,
  checked: boolean
): Status => {
  if (circuit === "open" || !checked) return "unhealthy"
  if (circuit === "half_open") return "recovering"
  return isDegraded({ calls, errorRate }) ? "degraded" : "healthy"
}

const tenth = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms * 10) / 10)
