import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as ProviderError from "../../src/domain/ProviderError.js"
import { Circuits } from "../../src/health/Circuits.js"
import { Health } from "../../src/health/Health.js"
import * as SharedHealth from "../../src/health/SharedHealth.js"
import * as StoredEvents from "../../src/health/StoredEvents.js"
import * as Timers from "../../src/provider/Timers.js"
import { EventLog } from "../../src/store/EventLog.js"
import { Journal } from "../../src/store/Journal.js"
import { Replay } from "../../src/store/Replay.js"
import { migrated, switched } from "../support/database.js"
import { fixed } from "../support/liveSettings.js"
import { instance, settings } from "../support/settings.js"

const [a, b] = [instance("a"), instance("b")]

const down = ProviderError.make("provider_unavailable", {
  provider: "simulated",
  instance: "a",
  model: "m",
  message: "down",
  status: 503
})

const unchecked = Layer.succeed(Health, {
  check: () => Effect.die("nobody checks here"),
  checkAll: Effect.succeed([]),
  discovered: () => [],
  latest: () => undefined
})

/** One run of a gateway at the database, until it is ended. */
const run = (state = { away: false }) =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (made) => Scope.close(made, Exit.void))
    const context = yield* Layer.buildWithScope(
      Layer.merge(SharedHealth.layer, StoredEvents.layer).pipe(
        Layer.provideMerge(Layer.mergeAll(Circuits.layer, unchecked, Replay.layer(SharedHealth.appliers))),
        Layer.provideMerge(Journal.memory(10_000)),
        Layer.provide(switched(() => state.away)),
        Layer.provide(fixed(settings({ instances: [a, b] })))
      ),
      scope
    )
    const circuits = Context.get(context, Circuits)
    const { now } = Timers.ofClock(yield* Effect.clock)
    const leave = (at = a, model = "m") =>
      circuits.admitLast(at, model, now, { streamed: false, extra: false }) ?? assert.fail("it is not admitted")
    return {
      state,
      circuits,
      events: Context.get(context, EventLog),
      of: (at = a) => circuits.of(at, now()),
      open: () => {
        for (let time = 0; time < 3; time++) leave().fail(down, true)
      },
      answer: (latency: number) => {
        const permit = leave()
        permit.begin(latency)
        permit.succeed(5)
      },
      pace: () => circuits.pace(a, "m", false),
      force: (forced: "open" | "closed" | "auto") => circuits.force(a, forced, now()),
      end: Scope.close(scope, Exit.void)
    }
  })

/** Until all that was asked is answered; no time passes. */
const settled = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (let turn = 0; turn < 25; turn++) yield* sql`SELECT 1`
})

const seconds = (count: number) => Effect.repeatN(Effect.zipRight(TestClock.adjust("1 second"), settled), count - 1)

const tidy = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`TRUNCATE providers, circuit_states, failover_events, model_health_history, journals CASCADE`
)

const all = { limit: 10, since: undefined, instance: undefined, type: undefined }

layer(migrated, { timeout: "60 seconds" })("health that is shared", (it) => {
  it.scoped("tells other replicas of a circuit that opened, and of an operator's decree, within two seconds", () =>
    Effect.gen(function* () {
      yield* tidy
      const [one, other] = [yield* run(), yield* run()]
      yield* settled
      one.open()
      yield* seconds(2)
      assert.deepStrictEqual([other.of().circuit, other.of(b).circuit], ["open", "closed"])
      other.force("closed")
      yield* seconds(2)
      assert.deepStrictEqual([one.of().circuit, one.of().forced], ["closed", "closed"])
      // Whoever hears of it tells no second event.
      const told = yield* one.events.find(all)
      assert.deepStrictEqual(
        told.map(({ event_type }) => event_type),
        ["circuit_close", "circuit_open"]
      )
    })
  )

  it.scoped("is known by the next run, aged: an open circuit waits only for what is left", () =>
    Effect.gen(function* () {
      yield* tidy
      const first = yield* run()
      yield* settled
      first.answer(250)
      yield* seconds(1)
      const at = yield* Clock.currentTimeMillis
      first.open()
      // At its end it tells what nobody has asked for yet.
      yield* first.end
      yield* TestClock.adjust("40 seconds")
      const second = yield* run()
      yield* settled
      assert.deepStrictEqual([second.of().circuit, second.of().retryIn], ["open", 20_000])
      assert.strictEqual(second.pace()?.latency(at), 250)
      yield* second.end
      yield* TestClock.adjust("1 hour")
      const third = yield* run()
      yield* settled
      assert.strictEqual(third.of().retryIn, 0)
    })
  )

  it.scoped("counts calls in the tables, those of several replicas together, and of each once", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const [one, other] = [yield* run(), yield* run()]
      yield* settled
      one.answer(100)
      other.answer(300)
      one.open()
      yield* seconds(7)
      const counted = sql`SELECT provider, model, success_count, error_count FROM model_health_tracking`
      assert.deepStrictEqual(yield* counted, [{ provider: "a", model: "m", success_count: "2", error_count: "3" }])
      other.answer(100)
      yield* one.end
      yield* other.end
      assert.deepStrictEqual(yield* counted, [{ provider: "a", model: "m", success_count: "3", error_count: "3" }])
      assert.deepStrictEqual(yield* sql`SELECT slug, vendor FROM providers`, [{ slug: "a", vendor: "simulated" }])
    })
  )

  it.scoped("samples each minute how the models were that were called", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const one = yield* run()
      yield* settled
      one.answer(100)
      yield* TestClock.adjust("1 minute")
      yield* seconds(2)
      yield* TestClock.adjust("1 minute")
      yield* seconds(2)
      const found = sql`SELECT provider, model, health_status, response_time_ms FROM model_health_history`
      assert.deepStrictEqual(yield* found, [
        { provider: "a", model: "m", health_status: "healthy", response_time_ms: 100 }
      ])
    })
  )

  it.scoped("goes on without the database, at the start and later, and tells everything when it is back", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const [one, other] = [yield* run({ away: true }), yield* run()]
      yield* settled
      one.open()
      yield* seconds(10)
      assert.deepStrictEqual([one.of().circuit, other.of().circuit], ["open", "closed"])
      // Of itself it knows all the same.
      assert.strictEqual((yield* one.events.find(all)).length, 1)
      one.state.away = false
      yield* seconds(7)
      assert.strictEqual(other.of().circuit, "open")
      one.state.away = true
      one.force("closed")
      yield* seconds(5)
      assert.strictEqual(other.of().forced, "auto")
      one.state.away = false
      yield* seconds(7)
      assert.strictEqual(other.of().forced, "closed")
      const kept = sql`SELECT event_type, instance FROM failover_events ORDER BY id`
      assert.deepStrictEqual(yield* kept, [
        { event_type: "circuit_open", instance: "a" },
        { event_type: "circuit_close", instance: "a" }
      ])
    })
  )
})
