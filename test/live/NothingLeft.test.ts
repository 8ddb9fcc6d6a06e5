import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { model, routing, settings } from "../support/settings.js"
import { eventually } from "./support/command.js"
import { at, serve } from "./support/inside.js"
import { load, times, type Load } from "./support/load.js"
import * as Provider from "./support/provider.js"

/** Bytes that are still reachable in this process, the gateway's among them. */
const heap = Effect.sync(() => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  if (typeof collect === "function") collect()
  return process.memoryUsage().heapUsed
})

/** Everything that can become of a call. */
const fates: ReadonlyArray<readonly [Provider.Behaviour | "refused", Partial<Load>]> = [
  [Provider.answers, {}],
  [Provider.answers, { stream: true }],
  ["refused", {}],
  [Provider.fails(500), {}],
  [Provider.fails(503), { stream: true }],
  [Provider.fails(429, { "retry-after-ms": "5" }), {}],
  [Provider.fails(400), {}],
  [Provider.fails(401), { stream: true }],
  [Provider.overloadedInStream, { stream: true }],
  [Provider.endsEarly, { stream: true }],
  [Provider.breaksOff, { stream: true }],
  [Provider.hangs, { stream: true }],
  // The caller hangs up: before an answer, while it waits for a place, or between two calls.
  [Provider.hangs, { patience: 30 }],
  [Provider.hangs, { patience: 30, stream: true }],
  [Provider.answersAfter(30), { patience: 40 }],
  [Provider.answersAfter(30), { patience: 40, stream: true }]
]

/** For each fate. */
const requests = 100

describe("when all is over", () => {
  it.scopedLive("no call, no place and no memory is held, whatever became of the calls", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* Provider.make(), yield* Provider.make(Provider.answersAfter(5))]
      const timeouts = { connect: 5_000, firstToken: 100, idle: 60_000, total: 60_000 }
      const primary = at("first", first, { maxConcurrency: 6, timeouts })
      const backup = at("second", second, { maxConcurrency: 6, timeouts })
      const gateway = yield* serve(
        settings({
          instances: [primary, backup],
          models: [model("m", ["first", "second"])],
          routing: { ...routing, hedge: { enabled: true, after: 8 } },
          // A window without memory: no circuit opens by failures, so the first one is asked each time.
          circuitBreaker: { ...settings().circuitBreaker, failureThreshold: 1_000, window: 1 }
        })
      )
      const round = Effect.forEach(fates, ([behaviour, more]) =>
        Effect.gen(function* () {
          if (behaviour === "refused") yield* first.close
          else first.behaviour = behaviour
          yield* load(gateway.url, { model: "m", connections: 16, goesOn: times(requests), ...more })
          if (behaviour === "refused") yield* first.open
          yield* gateway.atRest([first, second])
          gateway.circuits.force(primary, "auto", Date.now())
        })
      )
      yield* round
      const before = yield* heap
      yield* Effect.replicateEffect(round, 2)
      const grown = (yield* heap) - before
      // What the machinery itself takes is a third of that; each of these requests is more than a kilobyte while it lasts.
      assert.isBelow(grown, 1024 * requests * fates.length * 2)
    })
  )

  it.scopedLive("no place among the trials is held, whatever became of them", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* Provider.make(Provider.fails(500)), yield* Provider.make()]
      const [primary, backup] = [at("first", first), at("second", second)]
      const openFor = 100
      const backoff = { kind: "linear", initial: openFor, max: openFor, multiplier: 1, jitter: 0 } as const
      const gateway = yield* serve(
        settings({
          instances: [primary, backup],
          models: [model("m", ["first", "second"])],
          circuitBreaker: { ...settings().circuitBreaker, halfOpenMax: 3, successThreshold: 1_000, backoff }
        })
      )
      const ask = (more: Partial<Load>) =>
        load(gateway.url, { model: "m", connections: 4, goesOn: times(40), pause: 5, ...more })
      yield* ask({})
      assert.strictEqual(gateway.circuits.of(primary, Date.now()).circuit, "open")
      for (const [behaviour, more] of fates) {
        if (behaviour === "refused") yield* first.close
        else first.behaviour = behaviour
        yield* Effect.sleep(openFor)
        const before = first.calls
        yield* ask({ patience: 200, ...more })
        if (behaviour === "refused") yield* first.open
        else assert.isAbove(first.calls, before, "it was tried")
        yield* gateway.atRest([first, second])
        yield* eventually(
          () => `3 places, of which there are ${gateway.places(primary)}`,
          Effect.suspend(() => (gateway.places(primary) === 3 ? Effect.void : Effect.fail("taken")))
        )
        gateway.circuits.force(primary, "auto", Date.now())
        first.behaviour = Provider.fails(500)
        yield* ask({})
      }
    })
  )
})
