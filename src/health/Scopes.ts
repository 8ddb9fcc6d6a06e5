import type { InstanceSettings } from "../config/Settings.js"
import * as Blame from "./Blame.js"
import * as CircuitBreaker from "./CircuitBreaker.js"
import type { HealthEvent } from "./Permit.js"

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

export const scopes: ReadonlyArray<Blame.Scope> = ["key", "instance", "model"]

/** The circuit of each scope. */
export class Scopes {
  /** Only of scopes that were ever ill. */
  private readonly entries = new Map<string, Entry>()

  constructor(private readonly publish: (event: HealthEvent) => void) {}

  /** Nobody was ever ill. */
  get pristine(): boolean {
    return this.entries.size === 0
  }

  of(scope: Blame.Scope, instance: InstanceSettings, model: string): Pick<Entry, "breaker" | "notBefore"> {
    return this.entries.get(Blame.nameOf(scope, instance.id, model)) ?? well
  }

  keep(scope: Blame.Scope, instance: InstanceSettings, model: string): Entry {
    const name = Blame.nameOf(scope, instance.id, model)
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

  wait(scope: Blame.Scope, instance: InstanceSettings, model: string, until: number): void {
    const entry = this.keep(scope, instance, model)
    entry.notBefore = Math.max(entry.notBefore, until)
  }

  change(
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
    // An operator's decree about an instance is one event, and says nothing of its key.
    if (circuit === before || (scope === "key" && breaker.forced !== "auto")) return
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

  /** Nobody waits any more for what an instance once asked. */
  forgive({ id }: InstanceSettings): void {
    for (const entry of this.entries.values()) if (entry.instance.id === id) entry.notBefore = 0
  }

  /** The models of an instance that were ever ill. */
  modelsOf({ id }: InstanceSettings): ReadonlyArray<Pick<Entry, "breaker" | "model">> {
    return [...this.entries.values()].filter(({ instance, scope }) => scope === "model" && instance.id === id)
  }
}

const mostScopes = 10_000

const eventOf = { open: "circuit_open", half_open: "circuit_half_open", closed: "circuit_close" } as const
