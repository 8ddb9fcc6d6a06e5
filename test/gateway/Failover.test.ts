import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { local } from "../../src/domain/Caller.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { Circuits } from "../../src/health/Circuits.js"
import type { HealthEvent } from "../../src/health/Permit.js"
import * as Call from "../../src/provider/Call.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import * as Timers from "../../src/provider/Timers.js"
import { AttemptLog } from "../../src/routing/AttemptLog.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, routing, settings } from "../support/settings.js"
import { scripted, reading } from "../support/streaming.js"

const ok = Simulated.answer("it works")

type Script = Readonly<Record<string, Simulated.SimulatedReply>>

/** What is told while a request is served by these providers, in turn; each of them is asked once. */
const told = (script: Script, times = 1) => {
  const ids = Object.keys(script)
  const instances = ids.map((id) => instance(id, { retry: { ...instance(id).retry, maxAttempts: 1 } }))
  const configured = settings({ instances, models: [model("m", ids)], routing })
  return Effect.gen(function* () {
    const circuits = yield* Circuits
    const simulator = yield* Simulator
    for (const [id, reply] of Object.entries(script)) yield* simulator.script(id, reply)
    const events: Array<HealthEvent> = []
    circuits.listen((event) => events.push(event))
    const service = yield* Gateway
    const timers = Timers.ofClock(yield* Effect.clock)
    for (let time = 1; time <= times; time++) {
      const log = new AttemptLog(timers.now, `request-${time}`)
      const fiber = yield* Effect.fork(Effect.either(Call.run(service.startComplete(timers, request(), local, log))))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
    }
    return events
  }).pipe(Effect.provide(gateway(configured)))
}

const briefly = (events: ReadonlyArray<HealthEvent>) =>
  events.map((event) =>
    event.event_type === "failover"
      ? `${event.request_id}: ${event.instance} -> ${event.to_instance} (${event.reason})`
      : `${event.event_type} ${event.instance}`
  )

describe("a failover", () => {
  it.effect("is told with who failed and why, who is asked next, and for which request", () =>
    Effect.gen(function* () {
      const [event] = yield* told({ a: Simulated.serverError, b: ok })
      assert.deepStrictEqual(event, {
        event_type: "failover",
        at: 100,
        instance: "a",
        provider: "simulated",
        scope: "instance",
        model: "m",
        consecutive_failures: 1,
        next_retry_secs: undefined,
        to_instance: "b",
        request_id: "request-1",
        reason: "provider_unavailable"
      })
    })
  )

  it.effect("is told for each step of a chain, and not of who is left out from the start", () =>
    Effect.gen(function* () {
      const events = yield* told({ a: Simulated.serverError, b: Simulated.garbled, c: ok }, 4)
      assert.deepStrictEqual(briefly(events), [
        "request-1: a -> b (provider_unavailable)",
        "request-1: b -> c (malformed_response)",
        "request-2: a -> b (provider_unavailable)",
        "request-2: b -> c (malformed_response)",
        "circuit_open a",
        "request-3: a -> b (provider_unavailable)",
        "circuit_open b",
        "request-3: b -> c (malformed_response)"
      ])
      const last = events.findLast(({ event_type }) => event_type === "failover")
      assert.deepStrictEqual([last?.consecutive_failures, last?.next_retry_secs, last?.scope], [3, 60, "model"])
    })
  )

  it.effect("is told of nobody where nobody is next, or all is well", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* told({ a: Simulated.serverError }), [])
      assert.deepStrictEqual(yield* told({ a: ok, b: ok }), [])
    })
  )

  it.effect("is told of a stream that somebody else goes on with, and not where its own provider does", () => {
    const onward = { settings: { routing: { ...routing, midStream: "continue" as const } } }
    const moves = (scripts: Readonly<Record<string, ReadonlyArray<Simulated.SimulatedReply>>>) =>
      scripted(
        { scripts, ...onward },
        Effect.gen(function* () {
          const circuits = yield* Circuits
          const events: Array<HealthEvent> = []
          circuits.listen((event) => events.push(event))
          yield* reading()
          yield* TestClock.adjust("2 minutes")
          return briefly(events)
        })
      )
    return Effect.gen(function* () {
      const broken = Simulated.brokenOff("one two")
      const [more] = [Simulated.answer(" three four")]
      assert.deepStrictEqual(yield* moves({ a: [broken], b: [more] }), ["undefined: a -> b (network)"])
      assert.deepStrictEqual(yield* moves({ a: [broken, more] }), [])
    })
  })
})

describe("a listener", () => {
  it.effect("hears everything on the spot, also far more than a queue would hold, until it has enough", () =>
    Effect.gen(function* () {
      const circuits = yield* Circuits
      const heard: Array<string> = []
      const leave = circuits.listen(({ event_type }) => heard.push(event_type))
      const a = instance("a")
      for (let time = 1; time <= 3_000; time++) {
        circuits.force(a, time % 2 === 1 ? "open" : "closed", time)
        assert.strictEqual(heard.length, time)
      }
      leave()
      circuits.force(a, "open", 9_999)
      assert.strictEqual(heard.length, 3_000)
    }).pipe(Effect.provide(gateway(settings())))
  )

  it.effect("that fails keeps nobody else from hearing, and no request from its answer", () =>
    Effect.gen(function* () {
      const circuits = yield* Circuits
      const heard: Array<string> = []
      circuits.listen(() => {
        throw new Error("the disk is full")
      })
      circuits.listen(({ event_type }) => heard.push(event_type))
      circuits.force(instance("a"), "open", 0)
      assert.deepStrictEqual(heard, ["circuit_open"])
    }).pipe(Effect.provide(gateway(settings())))
  )
})
