import type { CircuitSettings, InstanceSettings } from "../config/Settings.js"
import * as Blame from "./Blame.js"
import * as CircuitBreaker from "./CircuitBreaker.js"
import type { Permit } from "./Permit.js"
import { scopes as allScopes, type Scopes } from "./Scopes.js"
import type { Traffic } from "./Traffic.js"

/** Where the outcome of a call is written down. */
export interface Books {
  readonly settings: CircuitSettings
  readonly scopes: Scopes
  readonly traffic: Traffic
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
}

/** Leave for a call, whoever decided on it. */
export const make = (
  { chance, scopes, settings, traffic }: Books,
  { instance, model, now, streamed }: Call
): Permit => {
  const begun = now()
  const generations = scopes.pristine
    ? none
    : allScopes.map((scope) => {
        const { breaker } = scopes.of(scope, instance, model)
        const admitted = CircuitBreaker.admit(breaker, begun)
        if (admitted !== breaker) scopes.change(scope, instance, model, begun, admitted)
        return admitted.generation
      })
  const each = (
    next: (
      breaker: CircuitBreaker.CircuitBreaker,
      scope: Blame.Scope,
      generation: number
    ) => CircuitBreaker.CircuitBreaker
  ): void => {
    // Where shares of failures count, a success is as good to know as a failure.
    if (scopes.pristine && settings.failureRatio === undefined) return
    for (const [place, scope] of allScopes.entries()) {
      const { breaker } = scopes.of(scope, instance, model)
      const changed = next(breaker, scope, generations[place] ?? 0)
      if (changed !== breaker) scopes.change(scope, instance, model, now(), changed)
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
      traffic.calls(instance.id).began(latency)
      const at = now()
      traffic.paces.of(instance.id, model, streamed).began(latency, at)
      if (streamed) spokeAt = at
      leave()
    },
    succeed: (tokens) => {
      if (over) return
      over = true
      if (streamed !== undefined) {
        traffic.calls(instance.id).ended(true)
        if (tokens !== undefined) traffic.paces.of(instance.id, model, streamed).ended(tokens, now() - spokeAt)
      }
      each((breaker, _, generation) => CircuitBreaker.succeed(breaker, settings, now(), generation, placed))
    },
    fail: (error, counts) => {
      if (over) return
      over = true
      const blame = Blame.of(error)
      if (counts && blame?._tag === "Failure" && streamed !== undefined) traffic.calls(instance.id).ended(false)
      // So that a first failure has somewhere to be kept.
      if (blame !== undefined) scopes.keep(blame.scope, instance, model)
      each((breaker, scope, generation) => {
        const released = placed ? CircuitBreaker.release(breaker, generation) : breaker
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
    },
    late: (ms) => {
      if (over) return
      over = true
      if (streamed !== undefined) traffic.paces.of(instance.id, model, streamed).late(ms, now())
      leave()
    },
    release: () => {
      if (over) return
      over = true
      leave()
    }
  }
}

/** Of circuits that nobody has ever touched. */
const none: ReadonlyArray<number> = []
