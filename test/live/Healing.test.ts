import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { model, settings } from "../support/settings.js"
import { eventually } from "./support/command.js"
import { at, serve } from "./support/inside.js"
import { load } from "./support/load.js"
import * as Provider from "./support/provider.js"

/** In ms, each time that the circuit is open. */
const openFor = 500

const connections = 8

const backoff = { kind: "exponential", initial: openFor, max: openFor, multiplier: 2, jitter: 0 } as const

/** How a provider dies, and what else it takes to be well again but to answer. */
const illnesses = [
  {
    name: "answered 500",
    falls: (provider: Provider.Provider) => Effect.sync(() => void (provider.behaviour = Provider.fails(500))),
    heals: () => Effect.void
  },
  {
    name: "refused connections",
    falls: (provider: Provider.Provider) => provider.close,
    heals: (provider: Provider.Provider) => provider.open
  }
]

for (const { falls, heals, name } of illnesses) {
  describe(`a provider that ${name} and is well again`, () => {
    for (const halfOpenMax of [1, 2]) {
      it.scopedLive(`has all traffic back soon, tried by at most ${halfOpenMax} at a time until then`, () =>
        Effect.gen(function* () {
          const answers = Provider.answersAfter(20)
          const [first, second] = [yield* Provider.make(answers), yield* Provider.make()]
          const [primary, backup] = [at("first", first), at("second", second)]
          const gateway = yield* serve(
            settings({
              instances: [primary, backup],
              models: [model("m", ["first", "second"])],
              circuitBreaker: { ...settings().circuitBreaker, successThreshold: 3, halfOpenMax, backoff }
            })
          )
          const circuit = () => gateway.circuits.of(primary, Date.now()).circuit
          const until = (what: string, holds: () => boolean) =>
            eventually(
              () => what,
              Effect.suspend(() => (holds() ? Effect.void : Effect.fail("not yet")))
            )
          let stopped = false
          const loading = yield* Effect.fork(
            load(gateway.url, { model: "m", connections, goesOn: () => !stopped, pause: 5 })
          )
          yield* until("traffic", () => first.answered > 50)

          yield* falls(first)
          yield* until(
            "an open circuit, and the end of the calls before",
            () => circuit() === "open" && first.underWay === 0
          )
          const [callsBefore, from] = [first.calls, performance.now()]
          first.mostAtOnce = 0
          yield* Effect.sleep(2.5 * openFor)
          assert.isAtMost(first.mostAtOnce, halfOpenMax)
          // Each time that it opens it may be tried once, by as many as may try it at a time.
          const openings = Math.ceil((performance.now() - from) / openFor)
          assert.isAtMost(first.calls - callsBefore, openings * halfOpenMax)

          let trials = 0
          first.behaviour = (call) => {
            if (circuit() !== "closed") trials = Math.max(trials, first.underWay)
            answers(call)
          }
          yield* heals(first)
          const healedAt = performance.now()
          yield* until("a closed circuit", () => circuit() === "closed")
          yield* Effect.sleep(500)
          stopped = true
          const answered = yield* Fiber.join(loading)
          const elsewhere = answered.filter(({ at: begun, instance }) => instance !== "first" && begun > healedAt)
          assert.isBelow(Math.max(...elsewhere.map(({ at: begun }) => begun - healedAt)), openFor + 2_000)
          assert.strictEqual(trials, halfOpenMax)
          assert.isAbove(
            first.mostAtOnce,
            halfOpenMax,
            "the load needs more than the trials, or it would prove nothing"
          )
          assert.deepStrictEqual(
            answered.filter(({ complete, status }) => status !== 200 || !complete),
            []
          )
          yield* gateway.atRest([first, second])
        })
      )
    }
  })
}
