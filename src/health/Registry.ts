import type { CircuitSettings, InstanceSettings, RoutingSettings } from "../config/Settings.js"
import * as Blame from "./Blame.js"
import * as CircuitBreaker from "./CircuitBreaker.js"
import { RecentCalls } from "./Latency.js"
import { Paces, type Pace } from "./Pace.js"
import type { Ailment, CallKind, HealthEvent, InstanceCircuits, Permit } from "./Permit.js"
import { RetryBudget } from "./RetryBudget.js"

/** One scope's state. */
interface Entry {
  readonly scope: Blame.Scope
  readonly instance: InstanceSettings
  readonly model: string
  breaker: CircuitBreaker.CircuitBreaker
  /** Unix ms; before it a 429 asked not to come again. */
  notBefore: number
}

const well: Pick<Entry, "breaker" | "notBefore"> = { breaker: CircuitBreaker.closed, notBefore: 0 }

const scopes: ReadonlyArray<Blame.Scope> = ["key", "instance", "model"]

/** The circuits of all scopes, in memory. */
export class Registry {
  /** Only scopes that were ever ill. */
  private readonly entries = new Map<string, Entry>()
  private readonly recent = new Map<string, RecentCalls>()
  private readonly budgets = new Map<string, RetryBudget>()
  private readonly paces = new Paces()

  constructor(
    private readonly settings: CircuitSettings,
    private readonly retries: RoutingSettings["retryBudget"],
    private readonly chance: () => number,
    private readonly publish: (event: HealthEvent) => void
  ) {}

  readonly ailment = (instance: InstanceSettings, model: string, now: number): Ailment | undefined => {
    if (this.entries.size === 0) return undefined
    let longest: Ailment | undefined
    for (const scope of scopes) {
      const { breaker, notBefore } = this.entry(scope, instance, model)
      const found = CircuitBreaker.admits(breaker, this.settings, now)
        ? // A timer may go off a moment early.
          now <= notBefore - 1
          ? limited(scope, notBefore)
          : undefined
        : ailing(scope, breaker, now)
      if (found !== undefined && (longest === undefined || found.until > longest.until)) longest = found
    }
    return longest
  }

  readonly admit = (
    instance: InstanceSettings,
    model: string,
    now: () => number,
    kind: CallKind
  ): Permit | undefined => {
    if (this.ailment(instance, model, now()) !== undefined) return undefined
    const budget = this.budget(instance.id)
    if (!kind.extra) budget.deposit()
    else if (!budget.withdraw(now())) return undefined
    return this.permit(instance, model, now, kind.streamed)
  }

  readonly admitCheck = (instance: InstanceSettings, model: string, now: () => number): Permit | undefined => {
    const ailment = this.ailment(instance, model, now())
    const may = ailment === undefined || (ailment.reason === "circuit_open" && Number.isFinite(ailment.until))
    return may ? this.permit(instance, model, now, undefined) : undefined
  }

  readonly admitLast = (
    instance: InstanceSettings,
    model: string,
    now: () => number,
    kind: CallKind
  ): Permit | undefined => {
    for (const scope of scopes) if (this.entry(scope, instance, model).breaker.forced === "open") return undefined
    if (!this.budget(instance.id).withdraw(now())) return undefined
    return this.permit(instance, model, now, kind.streamed)
  }

  readonly mayRetry = (instance: InstanceSettings, now: number): boolean => this.budget(instance.id).covers(now)

  readonly pace = (instance: InstanceSettings, model: string, streamed: boolean): Pace | undefined =>
    this.paces.known(instance.id, model, streamed)

  readonly of = (instance: InstanceSettings, now: number): InstanceCircuits => {
    const [key, own] = [this.entry("key", instance, ""), this.entry("instance", instance, "")]
    const worse = severity(key.breaker) > severity(own.breaker) ? key.breaker : own.breaker
    const circuit = CircuitBreaker.circuitOf(worse)
    const calls = this.recent.get(instance.id)
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
    this.entry("instance", instance, "").breaker.forced

  readonly force = (instance: InstanceSettings, forced: CircuitBreaker.Forced, now: number): void => {
    for (const scope of ["key", "instance"] as const) {
      this.change(scope, instance, "", now, CircuitBreaker.force(this.entry(scope, instance, "").breaker, forced))
    }
    const models = [...this.entries.values()].filter(
      (entry) => entry.scope === "model" && entry.instance.id === instance.id
    )
    for (const { breaker, model } of models) {
      this.change("model", instance, model, now, CircuitBreaker.force(breaker, "auto"))
    }
  }

  /** `streamed` is undefined for a check, which is none of the calls that an instance is measured by. */
  private permit(instance: InstanceSettings, model: string, now: () => number, streamed: boolean | undefined): Permit {
    const begun = now()
    const generations = scopes.map((scope) => {
      const { breaker } = this.entry(scope, instance, model)
      const admitted = CircuitBreaker.admit(breaker, begun)
      if (admitted !== breaker) this.change(scope, instance, model, begun, admitted)
      return admitted.generation
    })
    const each = (
      next: (
        breaker: CircuitBreaker.CircuitBreaker,
        scope: Blame.Scope,
        generation: number
      ) => CircuitBreaker.CircuitBreaker
    ): void => {
      if (this.entries.size === 0) return
      for (const [place, scope] of scopes.entries()) {
        const { breaker } = this.entry(scope, instance, model)
        const changed = next(breaker, scope, generations[place] ?? 0)
        if (changed !== breaker) this.change(scope, instance, model, now(), changed)
      }
    }
    let [placed, over] = [true, false]
    let spokeAt = begun
    const leave = (): void => {
      if (placed) each((breaker, _, generation) => CircuitBreaker.release(breaker, generation))
      placed = false
    }
    return {
      begin: (latency) => {
        if (over || streamed === undefined) return
        this.calls(instance.id).succeed(latency)
        const at = now()
        this.paces.of(instance.id, model, streamed).began(latency, at)
        if (streamed) spokeAt = at
        leave()
      },
      succeed: (tokens) => {
        if (over) return
        over = true
        if (tokens !== undefined && streamed !== undefined)
          this.paces.of(instance.id, model, streamed).ended(tokens, now() - spokeAt)
        each((breaker, _, generation) => CircuitBreaker.succeed(breaker, this.settings, now(), generation, placed))
      },
      fail: (error, counts) => {
        if (over) return
        over = true
        const blame = Blame.of(error)
        if (counts && blame?._tag === "Failure" && streamed !== undefined) this.calls(instance.id).fail()
        // So that a first failure has somewhere to be kept.
        if (blame !== undefined) this.keep(blame.scope, instance, model)
        each((breaker, scope, generation) => {
          const released = placed ? CircuitBreaker.release(breaker, generation) : breaker
          if (blame?.scope !== scope) return released
          switch (blame._tag) {
            case "Failure":
              // A trial that failed has failed, whatever happened to its request before.
              return counts || breaker.circuit === "half_open"
                ? CircuitBreaker.fail(breaker, this.settings, now(), generation, this.chance())
                : released
            case "Trip": {
              // What was asked before the last change may prolong it, and undoes nothing.
              if (generation !== breaker.generation && breaker.circuit !== "open") return breaker
              const until = blame.forMs === undefined ? undefined : now() + blame.forMs
              return CircuitBreaker.trip(breaker, this.settings, now(), this.chance(), until)
            }
            case "Wait":
              this.wait(scope, instance, model, now() + blame.forMs)
              return released
          }
        })
      },
      release: () => {
        if (over) return
        over = true
        leave()
      }
    }
  }

  private entry(scope: Blame.Scope, instance: InstanceSettings, model: string): Pick<Entry, "breaker" | "notBefore"> {
    return this.entries.get(nameOf(scope, instance, model)) ?? well
  }

  private keep(scope: Blame.Scope, instance: InstanceSettings, model: string): Entry {
    const name = nameOf(scope, instance, model)
    const known = this.entries.get(name) ?? { scope, instance, model, ...well }
    // Names of models come from callers, ill ones too: those that were not heard of for longest are forgotten first.
    this.entries.delete(name)
    this.entries.set(name, known)
    if (this.entries.size > mostScopes) {
      for (const [other, entry] of this.entries) {
        if (entry.scope === "model") {
          this.entries.delete(other)
          break
        }
      }
    }
    return known
  }

  private wait(scope: Blame.Scope, instance: InstanceSettings, model: string, until: number): void {
    const entry = this.keep(scope, instance, model)
    entry.notBefore = Math.max(entry.notBefore, until)
  }

  private change(
    scope: Blame.Scope,
    instance: InstanceSettings,
    model: string,
    at: number,
    breaker: CircuitBreaker.CircuitBreaker
  ): void {
    const entry = this.keep(scope, instance, model)
    const before = CircuitBreaker.circuitOf(entry.breaker)
    entry.breaker = breaker
    const circuit = CircuitBreaker.circuitOf(breaker)
    if (circuit === before) return
    this.publish({
      event_type: scope === "key" && circuit === "open" ? "key_out" : eventOf[circuit],
      at,
      instance: instance.id,
      provider: instance.provider,
      scope,
      model: scope === "model" ? model : undefined,
      consecutive_failures: breaker.consecutiveFailures,
      next_retry_secs: breaker.circuit === "open" ? Math.max(0, Math.round((breaker.retryAt - at) / 1000)) : undefined
    })
  }

  private calls(id: string): RecentCalls {
    const known = this.recent.get(id) ?? new RecentCalls()
    this.recent.set(id, known)
    return known
  }

  private budget(id: string): RetryBudget {
    const known = this.budgets.get(id)
    if (known !== undefined) return known
    const made = new RetryBudget(this.retries.ratio, this.retries.reserve)
    this.budgets.set(id, made)
    return made
  }
}

const nameOf = (scope: Blame.Scope, { id }: InstanceSettings, model: string): string =>
  scope === "model" ? `model ${id} ${model}` : `${scope} ${id}`

const mostScopes = 10_000

const eventOf = { open: "circuit_open", half_open: "circuit_half_open", closed: "circuit_close" } as const

const severity = (breaker: CircuitBreaker.CircuitBreaker): number =>
  ({ closed: 0, half_open: 1, open: 2 })[CircuitBreaker.circuitOf(breaker)]

const limited = (scope: Blame.Scope, until: number): Ailment => ({
  scope,
  reason: "rate_limited",
  until,
  detail: "it asked for fewer requests"
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
