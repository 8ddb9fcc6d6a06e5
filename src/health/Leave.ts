import type { CircuitSettings, InstanceSettings } from "../config/Settings.js"
import type { ProviderError } from "../domain/ProviderError.js"
import * as Blame from "./Blame.js"
import * as CircuitBreaker from "./CircuitBreaker.js"
import type { Permit } from "./Permit.js"
import { scopes as allScopes, type Scopes } from "./Scopes.js"
import type { Tracking } from "./Tracking.js"
import type { Traffic } from "./Traffic.js"

/** Where the outcome of a call is written down. */
export interface Books {
  readonly settings: CircuitSettings
  readonly scopes: Scopes
  readonly traffic: Traffic
  readonly tracking: Tracking
  /** Between 0 and 1; asked for when a circuit opens, which is rare. */
  readonly chance: () => number
}

/** A call that starts now. */
export interface Call {
  readonly instance: InstanceSettings
  readonly model: string
  /** Unix ms. */
  readonly now: () => number
  /** `undefined` for a check, which is none of the calls that an instance is measured by. */
  readonly streamed: boolean | undefined
  /** It is over, in whichever way, and has used so many tokens, where that is known; told once. */
  readonly ended: ((tokens?: number) => void) | undefined
}

/** Leave for a call, whoever decided on it. One is made for every call: so it is one object, and no closure a method. */
export class Leave implements Permit {
  private readonly generations: ReadonlyArray<number>
  private placed = true
  private over = false
  private spokeAt: number
  /** Until the answer began, in ms. */
  private latency: number | undefined = undefined
  private tokens: number | undefined = undefined

  constructor(
    private readonly books: Books,
    private readonly call: Call
  ) {
    const { instance, model, now } = call
    const { scopes } = books
    const begun = now()
    this.spokeAt = begun
    this.generations = scopes.pristine
      ? none
      : allScopes.map((scope) => {
          const { breaker } = scopes.of(scope, instance, model)
          const admitted = CircuitBreaker.admit(breaker, begun)
          if (admitted !== breaker) scopes.change(scope, instance, model, begun, admitted)
          return admitted.generation
        })
  }

  begin(latency: number): void {
    const { instance, model, now, streamed } = this.call
    if (this.over || streamed === undefined) return
    const { traffic } = this.books
    const at = now()
    this.latency = latency
    traffic.calls(instance.id).began(latency)
    traffic.paces.of(instance.id, model, streamed).began(latency, at)
    if (streamed) this.spokeAt = at
    this.makeRoom()
  }

  used(tokens: number): void {
    this.tokens = tokens
  }

  succeed(tokens?: number): void {
    if (this.over) return
    const { settings, tracking, traffic } = this.books
    const { instance, model, now, streamed } = this.call
    if (streamed !== undefined) {
      traffic.calls(instance.id).ended(true, now())
      tracking.ended(instance, model, true, this.latency, now())
      if (tokens !== undefined) traffic.paces.of(instance.id, model, streamed).ended(tokens, now() - this.spokeAt)
    }
    this.each((breaker, _, generation) => CircuitBreaker.succeed(breaker, settings, now(), generation, this.placed))
    this.end()
  }

  fail(error: ProviderError, counts: boolean): void {
    if (this.over) return
    const { chance, scopes, settings, tracking, traffic } = this.books
    const { instance, model, now, streamed } = this.call
    const blame = Blame.of(error)
    if (counts && blame?._tag === "Failure" && streamed !== undefined) traffic.calls(instance.id).ended(false, now())
    if (blame !== undefined && streamed !== undefined) tracking.ended(instance, model, false, this.latency, now())
    // What failed before it spoke has used nothing, as far as anybody knows.
    if (this.latency === undefined) this.tokens ??= 0
    // So that a first failure has somewhere to be kept.
    if (blame !== undefined) scopes.keep(blame.scope, instance, model)
    this.each((breaker, scope, generation) => {
      const released = this.placed ? CircuitBreaker.release(breaker, generation) : breaker
      if (blame?.scope !== scope) return released
      switch (blame._tag) {
        case "Failure":
          // A trial that failed has failed, whatever happened to its request before.
          return counts || breaker.circuit === "half_open"
            ? CircuitBreaker.fail(breaker, settings, now(), generation, chance())
            : released
        case "Trip": {
          // What was asked before the last change may prolong it, and undoes nothing.
          if (generation !== breaker.generation && breaker.circuit !== "open") return breaker
          const until = blame.forMs === undefined ? undefined : now() + blame.forMs
          return CircuitBreaker.trip(breaker, settings, now(), chance(), until)
        }
        case "Wait":
          scopes.wait(scope, instance, model, now() + blame.forMs)
          return released
      }
    })
    this.end()
  }

  late(ms: number): void {
    if (this.over) return
    const { instance, model, now, streamed } = this.call
    if (streamed !== undefined) this.books.traffic.paces.of(instance.id, model, streamed).late(ms, now())
    this.release()
  }

  release(): void {
    if (this.over) return
    this.makeRoom()
    this.end()
  }

  /** For the next trial. */
  private makeRoom(): void {
    if (this.placed) this.each((breaker, _, generation) => CircuitBreaker.release(breaker, generation))
    this.placed = false
  }

  private end(): void {
    this.over = true
    this.call.ended?.(this.tokens)
  }

  private each(
    next: (
      breaker: CircuitBreaker.CircuitBreaker,
      scope: Blame.Scope,
      generation: number
    ) => CircuitBreaker.CircuitBreaker
  ): void {
    const { scopes, settings } = this.books
    // Where shares of failures count, a success is as good to know as a failure.
    if (scopes.pristine && settings.failureRatio === undefined) return
    const { instance, model, now } = this.call
    for (const [place, scope] of allScopes.entries()) {
      const { breaker } = scopes.of(scope, instance, model)
      const changed = next(breaker, scope, this.generations[place] ?? 0)
      if (changed !== breaker) scopes.change(scope, instance, model, now(), changed)
    }
  }
}

/** Of circuits that nobody has ever touched. */
const none: ReadonlyArray<number> = []
