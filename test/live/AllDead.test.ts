import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { CircuitSettings } from "../../src/config/Settings.js"
import { model, routing, settings } from "../support/settings.js"
import { at, retry, serve } from "./support/inside.js"
import { load, quantile, times } from "./support/load.js"
import * as Provider from "./support/provider.js"

const connections = 16

/** A gateway whose providers all fail at once. Where one refuses connections, its calls are told by the attempts alone. */
const allDead = (k: number, circuitBreaker: Partial<CircuitSettings>) =>
  Effect.gen(function* () {
    const behaviours = [Provider.fails(500), Provider.fails(503), Provider.fails(500)]
    const providers = yield* Effect.forEach(behaviours.slice(0, k), (each) => Provider.make(each))
    const instances = providers.map((provider, position) => at(`dead-${position}`, provider))
    // The last one is not even there. Its port was its own, so nobody else answers on it.
    yield* providers.at(-1)?.close ?? Effect.void
    const ids = instances.map(({ id }) => id)
    const gateway = yield* serve(
      settings({
        instances,
        models: [model("m", ids)],
        routing: { ...routing, maxAttempts: 20 },
        circuitBreaker: { ...settings().circuitBreaker, ...circuitBreaker }
      })
    )
    return { gateway, providers, instances }
  })

describe.each([2, 3])("when all of %i providers are dead", (k) => {
  const requests = 2_000
  /** The reserve of each provider's retry budget, and what time pays in. */
  const reserve = (sinceMs: number): number => k * (10 + (sinceMs / 1000) * 0.1)

  it.scopedLive("and no circuit opens, retries add a tenth to the calls and the reserve, not more", () =>
    Effect.gen(function* () {
      const { gateway, instances, providers } = yield* allDead(k, { failureThreshold: 1_000_000 })
      const began = performance.now()
      const answers = yield* load(gateway.url, { model: "m", connections, goesOn: times(requests) })
      const calls = answers.reduce((sum, { attempts }) => sum + attempts, 0)
      assert.isAtMost(calls, 1.1 * k * requests + reserve(performance.now() - began))
      // Each request asks everybody once, and the retries that the budget has are made.
      assert.isAtLeast(calls, k * requests + 10)
      for (const provider of providers.slice(0, -1)) {
        assert.isAtLeast(provider.calls, requests)
        assert.isAtMost(provider.calls, 1.1 * requests + reserve(performance.now() - began) / k)
      }
      assert.deepStrictEqual(
        answers.filter(({ status }) => status !== 503),
        []
      )
      for (const instance of instances) assert.strictEqual(gateway.circuits.of(instance, 0).circuit, "closed")
      yield* gateway.atRest(providers)
    })
  )

  it.scopedLive("and their circuits are open, only a trickle goes on, and callers soon hear when to come back", () =>
    Effect.gen(function* () {
      const { gateway, instances, providers } = yield* allDead(k, {})
      const began = performance.now()
      const opening = yield* load(gateway.url, { model: "m", connections: 1, goesOn: times(3) })
      const made = opening.reduce((sum, { attempts }) => sum + attempts, 0)
      assert.isAtMost(made, 3 * k * retry.maxAttempts)
      for (const instance of instances) assert.strictEqual(gateway.circuits.of(instance, 0).circuit, "open")

      const answers = yield* load(gateway.url, { model: "m", connections, goesOn: times(requests) })
      const trickle = answers.reduce((sum, { attempts }) => sum + attempts, 0)
      const nobody = answers.filter(({ attempts }) => attempts === 0)
      // What the retries before have left of the reserves, and what time pays in.
      const retries = made - 3 * k
      assert.isAtMost(retries + trickle, reserve(performance.now() - began))
      assert.isAtMost(trickle, 0.01 * k * requests)
      assert.deepStrictEqual(
        nobody.filter(({ retryAfter, status }) => status !== 503 || !(retryAfter !== undefined && retryAfter <= 60)),
        []
      )
      assert.strictEqual(nobody.length, requests - trickle)
      assert.isBelow(
        quantile(
          nobody.map(({ ms }) => ms),
          0.99
        ),
        1_000
      )
      yield* gateway.atRest(providers)
    })
  )
})
