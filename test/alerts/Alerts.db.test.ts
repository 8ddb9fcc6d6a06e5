import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { Alerts } from "../../src/alerts/Alerts.js"
import * as AlertTables from "../../src/alerts/AlertTables.js"
import type { AlertSettings } from "../../src/config/Settings.js"
import { Journal } from "../../src/store/Journal.js"
import { Replay } from "../../src/store/Replay.js"
import { migrated, switched } from "../support/database.js"
import { fixed } from "../support/liveSettings.js"
import { alertSettings, circuitOpen, exhausted, logging, secret, webhook, webhooks, type Webhooks } from "./running.js"

const url = `https://hooks.slack.com/services/${secret}`

/** One run of a gateway at the database, until it is ended. */
const run = (to: Webhooks, log: Array<string> = [], overrides: Partial<AlertSettings> = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    const state = { away: false }
    const configured = alertSettings({ webhooks: [webhook(url, { format: "json" })], ...overrides })
    const context = yield* Layer.buildWithScope(
      Layer.merge(Alerts.layerStored, Replay.layer(AlertTables.appliers)).pipe(
        Layer.provide(Journal.memory(1_000)),
        Layer.provide(switched(() => state.away)),
        Layer.provide(Layer.merge(to.layer, fixed(configured))),
        Layer.provide(logging(log))
      ),
      scope
    )
    return { state, alerts: Context.get(context, Alerts), end: Scope.close(scope, Exit.void) }
  })

/** Until all that was asked is answered; no time passes. */
const settled = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (let turn = 0; turn < 15; turn++) yield* sql`SELECT 1`
})

const seconds = (count: number) => Effect.repeatN(Effect.zipRight(TestClock.adjust("1 second"), settled), count - 1)

const tidy = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`TRUNCATE alerts, journals CASCADE`)

const idsOf = ({ posts }: Webhooks) => posts.map(({ headers }) => headers["idempotency-key"])

layer(migrated, { timeout: "60 seconds" })("alerts in the database", (it) => {
  it.scoped("are told once by all replicas together, and each is delivered by one of them", () =>
    Effect.gen(function* () {
      yield* tidy
      const to = webhooks()
      const [one, other] = [yield* run(to), yield* run(to)]
      for (const instance of ["a", "b", "c", "d", "e"]) {
        one.alerts.tell(circuitOpen(instance))
        other.alerts.tell(circuitOpen(instance))
      }
      other.alerts.tell(exhausted("m"))
      yield* seconds(5)
      assert.strictEqual(to.posts.length, 6)
      assert.strictEqual(new Set(idsOf(to)).size, 6)
      yield* seconds(60)
      one.alerts.tell(circuitOpen("a"))
      other.alerts.tell(exhausted("m"))
      yield* seconds(5)
      assert.strictEqual(to.posts.length, 6)
      const found = yield* one.alerts.latest(100)
      assert.deepStrictEqual([found.alerts.length, found.undelivered], [6, 0])
      assert.deepInclude(found.alerts[0]?.deliveries[0], { state: "delivered", attempts: 1, problem: null })
      assert.deepStrictEqual(yield* other.alerts.latest(100), found)
    })
  )

  it.scoped("are told anew when one replica finds well what another one told of", () =>
    Effect.gen(function* () {
      yield* tidy
      const to = webhooks()
      const [one, other] = [yield* run(to), yield* run(to)]
      one.alerts.tell(circuitOpen("a"))
      yield* seconds(2)
      other.alerts.over("circuit_open", ["a"])
      yield* seconds(60)
      one.alerts.tell(circuitOpen("a"))
      yield* seconds(2)
      assert.strictEqual(to.posts.length, 2)
    })
  )

  it.scoped("are told again when it is time to repeat them, and a restart makes it no sooner", () =>
    Effect.gen(function* () {
      yield* tidy
      const to = webhooks()
      const repeatAfter = 120_000
      const first = yield* run(to, [], { repeatAfter })
      first.alerts.tell(circuitOpen("a"))
      yield* seconds(2)
      yield* first.end
      const second = yield* run(to, [], { repeatAfter })
      second.alerts.tell(circuitOpen("a"))
      yield* seconds(2)
      assert.strictEqual(to.posts.length, 1)
      yield* seconds(118)
      second.alerts.tell(circuitOpen("a"))
      yield* seconds(2)
      assert.strictEqual(to.posts.length, 2)
    })
  )

  it.scoped("outlive a gateway that told them and could not deliver them", () =>
    Effect.gen(function* () {
      yield* tidy
      const to = webhooks()
      to.answer = "refused"
      const first = yield* run(to)
      first.alerts.tell(circuitOpen("a"))
      yield* seconds(3)
      assert.strictEqual((yield* first.alerts.latest(1)).undelivered, 1)
      yield* first.end
      to.answer = { status: 200 }
      yield* run(to)
      yield* seconds(8)
      assert.strictEqual(to.posts.length, 2)
      assert.strictEqual(new Set(idsOf(to)).size, 1)
    })
  )

  it.scoped("are delivered by another replica where one died with them in its hands, and not before", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const to = webhooks()
      to.answer = undefined
      const first = yield* run(to)
      first.alerts.tell(circuitOpen("a"))
      yield* seconds(3)
      yield* first.end
      to.answer = { status: 200 }
      yield* run(to)
      // As long as it may still be under way: the timeout and what the database takes.
      yield* seconds(30)
      assert.strictEqual(to.posts.length, 1)
      yield* seconds(15)
      assert.strictEqual(to.posts.length, 2)
      assert.deepStrictEqual(yield* sql`SELECT attempts, delivered_at IS NOT NULL AS done FROM alert_deliveries`, [
        { attempts: 2, done: true }
      ])
    })
  )

  it.scoped("wait for all of a webhook as long as its 429 says", () =>
    Effect.gen(function* () {
      yield* tidy
      const to = webhooks()
      to.answer = { status: 429, headers: { "retry-after": "30" } }
      const one = yield* run(to)
      for (const instance of ["a", "b", "c"]) one.alerts.tell(circuitOpen(instance))
      yield* seconds(25)
      assert.strictEqual(to.posts.length, 1)
      to.answer = { status: 200 }
      yield* seconds(10)
      assert.strictEqual(to.posts.length, 4)
    })
  )

  it.scoped("are given up after a day, and the log says so", () =>
    Effect.gen(function* () {
      yield* tidy
      const to = webhooks()
      const log: Array<string> = []
      to.answer = { status: 410, body: "channel_is_archived" }
      const one = yield* run(to, log)
      one.alerts.tell(circuitOpen("a"))
      yield* seconds(3)
      const sql = yield* SqlClient.SqlClient
      // As if it were told long ago.
      yield* sql`UPDATE alerts SET body = jsonb_set(body, '{at}', '"1969-12-30T00:00:00.000Z"')`
      yield* seconds(20)
      const found = yield* one.alerts.latest(1)
      assert.strictEqual(found.undelivered, 0)
      assert.deepInclude(found.alerts[0]?.deliveries[0], {
        state: "failed",
        problem: "it answers with status 410 (channel_is_archived)"
      })
      assert.isTrue(log.some((line) => line.includes("it is given up")))
    })
  )

  it.scoped("go out while the database is away, also the one that says so, and are not told twice", () =>
    Effect.gen(function* () {
      yield* tidy
      const to = webhooks()
      const one = yield* run(to)
      one.state.away = true
      one.alerts.tell(circuitOpen("a"))
      one.alerts.tell({ kind: "store_trouble", store: "database", trouble: "down" })
      yield* seconds(2)
      assert.strictEqual(to.posts.length, 2)
      assert.strictEqual((yield* one.alerts.latest(5)).alerts.length, 2)
      one.state.away = false
      yield* seconds(70)
      one.alerts.tell(circuitOpen("a"))
      yield* seconds(3)
      assert.strictEqual(to.posts.length, 2)
    })
  )

  it.scoped("keep neither the address of a webhook nor the words of a caller", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const to = webhooks()
      const log: Array<string> = []
      to.answer = { status: 500, body: `who knows ${secret}` }
      const one = yield* run(to, log)
      one.alerts.tell(exhausted("sk-proj-Zx8Kq2Vn7Lm4Tp9Rw3Yb6Dc1"))
      yield* seconds(3)
      const kept =
        yield* sql`SELECT row_to_json(a) AS a, row_to_json(d) AS d FROM alerts a JOIN alert_deliveries d ON a.id = d.alert_id`
      assert.strictEqual(kept.length, 1)
      for (const text of [JSON.stringify(kept), ...log, JSON.stringify(yield* one.alerts.latest(5))]) {
        assert.notInclude(text, "aVeryLongAndVerySecretToken")
        assert.notInclude(text, "services/")
        assert.notInclude(text, "Zx8Kq2Vn7Lm4")
      }
      assert.isAbove(log.length, 0)
    })
  )

  it.scoped("are gone after 30 days, and given up where no gateway has their webhook any more", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const tell = (days: number, instance: string) => {
        const id = crypto.randomUUID()
        const at = 40 * day - days * day
        const told = { id, kind: "circuit_open", at: new Date(at).toISOString(), text: "", details: {} }
        const record: AlertTables.AlertRecord = { told, subject: instance, at, repeatAt: at, targets: ["gone#1"] }
        return AlertTables.appliers.get("alert")?.(JSON.stringify([record])) ?? assert.fail("nobody applies it")
      }
      yield* tell(31, "a")
      yield* tell(29, "b")
      yield* TestClock.adjust(40 * day)
      const one = yield* run(webhooks(), [], { webhooks: [] })
      yield* TestClock.adjust("1 hour")
      yield* settled
      assert.deepStrictEqual(yield* sql`SELECT subject FROM alerts`, [{ subject: "b" }])
      const [left] = (yield* one.alerts.latest(5)).alerts
      assert.deepInclude(left?.deliveries[0], { state: "failed", problem: "no gateway has this webhook any more" })
    })
  )
})

const day = 24 * 3_600_000
