import type { CircuitSettings, InstanceSettings, RoutingSettings } from "../config/Settings.js"
import * as Blame from "./Blame.js"
import * as CircuitBreaker from "./CircuitBreaker.js"
import type { CircuitState } from "./CircuitState.js"
import { Leave, type Books } from "./Leave.js"
import type { Pace } from "./Pace.js"
import type { Admit, Ailment, GoneOn, HealthEvent, InstanceCircuits, Permit } from "./Permit.js"
import { Scopes, scopes, secondsUntil } from "./Scopes.js"
import { Tracking } from "./Tracking.js"
import { Traffic } from "./Traffic.js"

/** The circuits of all scopes, in memory. */
export class Registry implements Books {
  readonly scopes: Scopes
  readonly traffic: Traffic
  readonly tracking = new Tracking()

  constructor(
    private readonly settingsNow: () => CircuitSettings,
    retries: RoutingSettings["retryBudget"],
    readonly chance: () => number,
    private readonly publish: (event: HealthEvent) => void
  ) {
    this.scopes = new Scopes(publish)
    this.traffic = new Traffic(retries)
  }

  get settings(): CircuitSettings {
    return this.settingsNow()
  }

  readonly ailment = (instance: InstanceSettings, model: string, now: number): Ailment | undefined => {
    if (this.scopes.pristine) return undefined
    let longest: Ailment | undefined
    for (const scope of scopes) {
      const { breaker, notBefore } = this.scopes.of(scope, instance, model)
      const found = CircuitBreaker.admits(breaker, this.settings, now)
        ? // A timer may go off a moment early.
          now <= notBefore - 1
          ? limited(scope, notBefore, now)
          : undefined
        : ailing(scope, breaker, now)
      if (found !== undefined && (longest === undefined || found.until > longest.until)) longest = found
    }
    return longest
  }

  readonly admit: Admit = (instance, model, now, kind, ended) => {
    if (this.ailment(instance, model, now()) !== undefined) return undefined
    const budget = this.traffic.budget(instance.id)
    if (!kind.extra) budget.deposit()
    else if (!budget.withdraw(now())) return undefined
    return new Leave(this, { instance, model, now, streamed: kind.streamed, ended })
  }

  readonly admitCheck = (instance: InstanceSettings, model: string, now: () => number): Permit | undefined => {
    const ailment = this.ailment(instance, model, now())
    const may = ailment === undefined || (ailment.reason === "circuit_open" && Number.isFinite(ailment.until))
    return may ? new Leave(this, { instance, model, now, streamed: undefined, ended: undefined }) : undefined
  }

  readonly admitLast: Admit = (instance, model, now, kind, ended) => {
    for (const scope of scopes) {
      const { breaker } = this.scopes.of(scope, instance, model)
      // Trials are as many as are let through, also where nobody else is left.
      const full = breaker.circuit === "half_open" && !CircuitBreaker.admits(breaker, this.settings, now())
      if (breaker.forced === "open" || full) return undefined
    }
    if (!this.traffic.budget(instance.id).withdrawLast(now())) return undefined
    return new Leave(this, { instance, model, now, streamed: kind.streamed, ended })
  }

  readonly pay = (instance: InstanceSettings, now: number): void => {
    this.traffic.budget(instance.id).withdraw(now)
  }

  readonly mayRetry = (instance: InstanceSettings, now: number): boolean => this.traffic.budget(instance.id).covers(now)

  readonly pace = (instance: InstanceSettings, model: string, streamed: boolean): Pace | undefined =>
    this.traffic.paces.known(instance.id, model, streamed)

  readonly degraded = (instance: InstanceSettings, now: number): boolean =>
    this.traffic.known(instance.id)?.isDegraded(now) ?? false

  readonly of = (instance: InstanceSettings, now: number): InstanceCircuits => {
    const [key, own] = [this.scopes.of("key", instance, ""), this.scopes.of("instance", instance, "")]
    const worse = severity(key.breaker) > severity(own.breaker) ? key.breaker : own.breaker
    const circuit = CircuitBreaker.circuitOf(worse)
    const calls = this.traffic.known(instance.id)
    return {
      circuit,
      forced: own.breaker.forced,
      consecutiveFailures: Math.max(key.breaker.consecutiveFailures, own.breaker.consecutiveFailures),
      retryIn: circuit === "open" && worse.forced === "auto" ? Math.max(0, worse.retryAt - now) : undefined,
      errorRate: calls?.errorRate,
      calls: calls?.calls ?? 0,
      latency: calls?.summary ?? { ewma: undefined, p50: undefined, p95: undefined, p99: undefined }
    }
  }

  readonly forced = (instance: InstanceSettings): CircuitBreaker.Forced =>
    this.scopes.of("instance", instance, "").breaker.forced

  readonly force = (instance: InstanceSettings, forced: CircuitBreaker.Forced, now: number): void => {
    for (const scope of ["key", "instance"] as const) {
      this.scopes.change(
        scope,
        instance,
        "",
        now,
        CircuitBreaker.force(this.scopes.of(scope, instance, "").breaker, forced),
        true
      )
    }
    this.scopes.forgive(instance)
    for (const { breaker, model } of this.scopes.modelsOf(instance)) {
      this.scopes.change("model", instance, model, now, CircuitBreaker.force(breaker, "auto"))
    }
  }

  readonly states = (): ReadonlyArray<CircuitState> => this.scopes.states()

  readonly changedSince = (mark: number) => this.scopes.changedSince(mark)

  readonly adopt = (states: ReadonlyArray<CircuitState>, now: number): ReadonlyArray<CircuitState> =>
    this.scopes.adopt(states, this.settings, now)

  readonly seed = (instance: string, model: string, latency: number, at: number, now: number): void =>
    this.traffic.paces.seed(instance, model, latency, Math.min(at, now))

  readonly circuit = (instance: InstanceSettings, model: string): CircuitBreaker.Circuit =>
    scopes
      .map((scope) => this.scopes.of(scope, instance, model).breaker)
      .map(CircuitBreaker.circuitOf)
      .reduce((worst, each) => (severityOf[each] > severityOf[worst] ? each : worst))

  readonly failover = ({ error, from, model, request, to }: GoneOn, now: number): void => {
    const scope = Blame.of(error)?.scope
    const breaker = scope === undefined ? undefined : this.scopes.of(scope, from, model).breaker
    this.publish({
      event_type: "failover",
      at: now,
      instance: from.id,
      provider: from.provider,
      scope,
      model,
      consecutive_failures: breaker?.consecutiveFailures ?? 0,
      next_retry_secs: breaker?.circuit === "open" ? secondsUntil(breaker.retryAt, now) : undefined,
      to_instance: to.id,
      request_id: request,
      reason: error.category
    })
  }
}

const severityOf = { closed: 0, half_open: 1, open: 2 } as const

const severity = (breaker: CircuitBreaker.CircuitBreaker): number => severityOf[CircuitBreaker.circuitOf(breaker)]

const limited = (scope: Blame.Scope, until: number, now: number): Ailment => ({
  scope,
  reason: "rate_limited",
  until,
  detail: `it asked for no requests for ${Math.ceil((until - now) / 1000)} s`
})

const ailing = (scope: Blame.Scope, breaker: CircuitBreaker.CircuitBreaker, now: number): Ailment => {
  if (breaker.forced === "open") {
    return { scope, reason: "circuit_open", until: Number.POSITIVE_INFINITY, detail: "an operator opened its circuit" }
  }
  if (breaker.circuit === "half_open") {
    return { scope, reason: "half_open", until: now, detail: "it is being tried again" }
  }
  const seconds = Math.ceil((breaker.retryAt - now) / 1000)
  const whose = { key: "its key is out", instance: "its circuit is open", model: "its circuit for this model is open" }
  return { scope, reason: "circuit_open", until: breaker.retryAt, detail: `${whose[scope]} for ${seconds} s` }
}
