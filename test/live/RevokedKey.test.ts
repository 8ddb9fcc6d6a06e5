import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { model, routing, settings } from "../support/settings.js"
import { eventually } from "./support/command.js"
import { at, keyOf, serve } from "./support/inside.js"
import { load } from "./support/load.js"
import * as Provider from "./support/provider.js"

const probeEvery = 500

const connections = 8

describe.each(["priority", "round-robin"] as const)("two keys of one vendor, by %s", (strategy) => {
  it.scopedLive("when one of them is revoked under load, the other never notices, and no caller does", () =>
    Effect.gen(function* () {
      const vendor = yield* Provider.make()
      const [a, b] = [at("a", vendor), at("b", vendor)]
      const backoff = { kind: "exponential", initial: probeEvery, max: probeEvery, multiplier: 2, jitter: 0 } as const
      const gateway = yield* serve(
        settings({
          instances: [a, b],
          models: [model("m", ["a", "b"])],
          routing: { ...routing, strategy },
          circuitBreaker: { ...settings().circuitBreaker, backoff }
        })
      )
      let stopped = false
      const loading = yield* Effect.fork(
        load(gateway.url, { model: "m", connections, goesOn: () => !stopped, pause: 2 })
      )
      const callsOf = (id: string): number => vendor.byKey.get(keyOf(id)) ?? 0
      yield* eventually(
        () => "traffic",
        Effect.filterOrFail(
          Effect.sync(() => callsOf("a")),
          (calls) => calls > 50
        )
      )

      const refused = Provider.fails(401)
      let refusals = 0
      vendor.behaviour = (call) => {
        if (call.key !== keyOf("a")) return Provider.answers(call)
        refusals++
        refused(call)
      }
      const [servedBefore, from] = [callsOf("b"), performance.now()]
      yield* Effect.sleep(6 * probeEvery)
      stopped = true
      const answers = yield* Fiber.join(loading)
      // Those that were under way while nobody could know of it, and then one a probe.
      const probes = Math.ceil((performance.now() - from) / probeEvery)
      assert.isAtMost(refusals, connections + probes)
      assert.isAtLeast(refusals, 3, "it is tried again from time to time")
      assert.isAtLeast(callsOf("b") - servedBefore, 100)
      assert.deepStrictEqual(
        answers.filter(({ complete, status }) => status !== 200 || !complete),
        []
      )
      const other = gateway.circuits.of(b, Date.now())
      assert.deepStrictEqual([other.circuit, other.consecutiveFailures, other.errorRate], ["closed", 0, 0])
      yield* gateway.atRest([vendor])
    })
  )
})
