import type { CircuitSettings, InstanceSettings } from "../config/Settings.js"
import * as PlainText from "../domain/PlainText.js"
import * as Blame from "./Blame.js"
import * as CircuitBreaker from "./CircuitBreaker.js"
import * as CircuitState from "./CircuitState.js"
import type { HealthEvent } from "./Permit.js"

/** One scope's state. Its instance need not be known here yet. */
interface Entry {
  readonly scope: Blame.Scope
  readonly instance: string
  readonly model: string
  breaker: CircuitBreaker.CircuitBreaker
  /** Unix ms; before it a 429 asked not to come again. */
  notBefore: number
  /** What others are told, or have told. */
  state: CircuitState.CircuitState
  /** Which change here it was that made it so; 0: none, it was told from elsewhere. */
  mark: number
}

type Shown = Pick<Entry, "breaker" | "notBefore">

const well: Shown = { breaker: CircuitBreaker.closed, notBefore: 0 }

export const scopes: ReadonlyArray<Blame.Scope> = ["key", "instance", "model"]

/** The circuit of each scope. */
export class Scopes {
  /** Only of scopes that were ever ill, or that somebody else has told of. */
  private readonly entries = new Map<string, Entry>()
  private untouched = true
  private marks = 0

  constructor(private readonly publish: (event: HealthEvent) => void) {}

  /** Nobody was ever ill. */
  get pristine(): boolean {
    return this.untouched
  }

  of(scope: Blame.Scope, instance: InstanceSettings, model: string): Shown {
    return this.entries.get(Blame.nameOf(scope, instance.id, model)) ?? well
  }

  keep(scope: Blame.Scope, instance: InstanceSettings, model: string): void {
    this.entry(scope, instance.id, model)
    this.untouched = false
  }

  wait(scope: Blame.Scope, instance: InstanceSettings, model: string, until: number): void {
    const entry = this.entry(scope, instance.id, model)
    entry.notBefore = Math.max(entry.notBefore, until)
    this.untouched = false
  }

  /** `decreed`: it is an operator who changes it. */
  change(
    scope: Blame.Scope,
    instance: InstanceSettings,
    model: string,
    at: number,
    breaker: CircuitBreaker.CircuitBreaker,
    decreed = false
  ): void {
    const entry = this.entry(scope, instance.id, model)
    this.untouched = false
    const before = CircuitBreaker.circuitOf(entry.breaker)
    entry.breaker = breaker
    const state = CircuitState.next(entry.state, breaker, at, decreed)
    if (state !== entry.state) {
      entry.state = state
      entry.mark = ++this.marks
    }
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
      next_retry_secs: breaker.circuit === "open" ? secondsUntil(breaker.retryAt, at) : undefined
    })
  }

  /** Nobody waits any more for what an instance once asked. */
  forgive({ id }: Pick<InstanceSettings, "id">): void {
    for (const entry of this.entries.values()) if (entry.instance === id) entry.notBefore = 0
  }

  /** The models of an instance that were ever ill. */
  modelsOf({ id }: InstanceSettings): ReadonlyArray<Pick<Entry, "breaker" | "model">> {
    return [...this.entries.values()].filter(({ instance, scope }) => scope === "model" && instance === id)
  }

  /** All that was ever told, here or from elsewhere; but not of models whose names no database takes. */
  states(): ReadonlyArray<CircuitState.CircuitState> {
    return this.told(() => true)
  }

  /** What has changed here after a mark, and the mark to ask with the next time; the first one is 0. */
  changedSince(mark: number): { readonly mark: number; readonly states: ReadonlyArray<CircuitState.CircuitState> } {
    const { marks } = this
    return { mark: marks, states: marks === mark ? [] : this.told((entry) => entry.mark > mark) }
  }

  /** Takes what is later than what is known here; gives the states that have turned a circuit or a decree. No event tells of it. */
  adopt(
    states: ReadonlyArray<CircuitState.CircuitState>,
    settings: CircuitSettings,
    now: number
  ): ReadonlyArray<CircuitState.CircuitState> {
    return states.filter((told) => {
      const entry = this.entry(told.scope, told.instance, told.model)
      const { breaker, state: before } = entry
      const state = CircuitState.later(before, told)
      if (state === before) return false
      entry.state = state
      // What is known only here, too, is still to be told.
      entry.mark = state === told ? 0 : ++this.marks
      if (state.forced !== breaker.forced || CircuitState.findsOtherwise(before, state)) {
        entry.breaker = CircuitBreaker.adopt(breaker, settings, now, state)
      }
      if (entry.breaker.forced !== breaker.forced && told.scope === "instance") this.forgive({ id: told.instance })
      // Circuits that are as new change nothing for anybody, and need not be looked up on every call.
      if (entry.breaker.circuit !== "closed" || entry.breaker.forced !== "auto" || entry.breaker.failedAt.length > 0) {
        this.untouched = false
      }
      return (
        entry.breaker.forced !== breaker.forced ||
        CircuitBreaker.circuitOf(entry.breaker) !== CircuitBreaker.circuitOf(breaker)
      )
    })
  }

  private told(which: (entry: Entry) => boolean): ReadonlyArray<CircuitState.CircuitState> {
    const found: Array<CircuitState.CircuitState> = []
    for (const entry of this.entries.values()) {
      const { state } = entry
      if (Number.isFinite(state.changedAt) && which(entry) && PlainText.isPlain(state.model)) found.push(state)
    }
    return found
  }

  private entry(scope: Blame.Scope, instance: string, model: string): Entry {
    const name = Blame.nameOf(scope, instance, model)
    const state = { instance, scope, model: scope === "model" ? model : "" }
    const known = this.entries.get(name) ?? { ...state, ...well, state: CircuitState.asNew(state), mark: 0 }
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
}

/** Whole seconds from now; both are Unix ms. */
export const secondsUntil = (at: number, now: number): number => Math.max(0, Math.round((at - now) / 1000))

const mostScopes = 10_000

const eventOf = { open: "circuit_open", half_open: "circuit_half_open", closed: "circuit_close" } as const
