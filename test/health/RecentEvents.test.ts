import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ProviderError from "../../src/domain/ProviderError.js"
import { Circuits } from "../../src/health/Circuits.js"
import * as RecentEvents from "../../src/health/RecentEvents.js"
import { EventLog, type EventQuery } from "../../src/store/EventLog.js"
import { fixed } from "../support/liveSettings.js"
import { instance, settings } from "../support/settings.js"

const [a, b] = [instance("a"), instance("b")]

const layer = RecentEvents.layer.pipe(Layer.provideMerge(Circuits.layer), Layer.provide(fixed(settings())))

const find = (query: Partial<EventQuery> = {}) =>
  Effect.flatMap(EventLog, (log) =>
    log.find({ limit: 100, since: undefined, instance: undefined, type: undefined, ...query })
  )

describe("events in memory", () => {
  it.effect("are the rows of a table, the latest first", () =>
    Effect.gen(function* () {
      const circuits = yield* Circuits
      circuits.force(a, "open", 1_000)
      const error = ProviderError.make("network", { provider: "simulated", instance: "a", model: "m", message: "no" })
      circuits.failover({ from: a, model: "m\u0000", to: b, error, request: "r-1" }, 2_000)
      const row = { id: 1, provider: "simulated", instance: "a", scope: "instance", next_retry_secs: null }
      assert.deepStrictEqual(yield* find(), [
        {
          ...row,
          id: 2,
          timestamp: "1970-01-01T00:00:02.000Z",
          event_type: "failover",
          model: "m\ufffd",
          consecutive_failures: 0,
          to_instance: "b",
          request_id: "r-1",
          reason: "network"
        },
        {
          ...row,
          timestamp: "1970-01-01T00:00:01.000Z",
          event_type: "circuit_open",
          model: null,
          consecutive_failures: 0,
          to_instance: null,
          request_id: null,
          reason: null
        }
      ])
    }).pipe(Effect.provide(layer))
  )

  it("say why a check failed, in no more words than are kept", () => {
    const check = {
      at: 5,
      instance: "a",
      provider: "openai",
      scope: "key",
      model: undefined,
      consecutive_failures: 0
    } as const
    const { reason, scope } = RecentEvents.rowOf({
      ...check,
      event_type: "health_check_failed",
      next_retry_secs: 60,
      reason: "no ".repeat(1_000)
    })
    assert.deepStrictEqual([scope, reason?.length], ["key", 1_000])
    const good = RecentEvents.rowOf({ ...check, event_type: "health_check_ok", next_retry_secs: undefined })
    assert.isNull(good.reason)
  })

  it.effect("are found by instance, type and time, so many of them", () =>
    Effect.gen(function* () {
      const circuits = yield* Circuits
      for (const [at, each] of [a, b, a].entries()) circuits.force(each, at === 2 ? "closed" : "open", at * 1_000)
      const ids = (query: Partial<EventQuery>) => Effect.map(find(query), (rows) => rows.map(({ id }) => id))
      assert.deepStrictEqual(yield* ids({ limit: 2 }), [3, 2])
      assert.deepStrictEqual(yield* ids({ instance: "a" }), [3, 1])
      assert.deepStrictEqual(yield* ids({ type: "circuit_open", limit: 1 }), [2])
      assert.deepStrictEqual(yield* ids({ since: 1_000 }), [3, 2])
      assert.deepStrictEqual(yield* ids({ instance: "nobody" }), [])
    }).pipe(Effect.provide(layer))
  )

  it.effect("are the latest thousand", () =>
    Effect.gen(function* () {
      const circuits = yield* Circuits
      for (let at = 1; at <= 1_500; at++) circuits.force(a, at % 2 === 1 ? "open" : "closed", at)
      const rows = yield* find({ limit: 1_000_000 })
      assert.deepStrictEqual([rows.length, rows[0]?.id, rows.at(-1)?.id], [1_000, 1_500, 501])
    }).pipe(Effect.provide(layer))
  )
})
