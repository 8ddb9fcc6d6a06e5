import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/TestClock"
import { Alerts } from "../../src/alerts/Alerts.js"
import { mostOfAKind } from "../../src/alerts/Repeats.js"
import { LiveSettings } from "../../src/config/LiveSettings.js"
import type { Settings } from "../../src/config/Settings.js"
import {
  alertSettings,
  circuitOpen,
  exhausted,
  inMemory,
  secret,
  settled,
  slackUrl,
  spent,
  webhook,
  webhooks
} from "./running.js"

const pass = (time: Parameters<typeof TestClock.adjust>[0]) => Effect.zipRight(TestClock.adjust(time), settled)

describe("an alert", () => {
  it.scoped("is told once in a while about the same, and at once about another", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to)
      for (const instance of ["a", "a", "b"]) alerts.tell(circuitOpen(instance))
      alerts.tell(circuitOpen("a", "m"))
      yield* settled
      assert.strictEqual(to.posts.length, 3)
      yield* pass("59 minutes")
      alerts.tell(circuitOpen("a"))
      yield* settled
      assert.strictEqual(to.posts.length, 3)
      yield* pass("1 minute")
      alerts.tell(circuitOpen("a"))
      yield* settled
      assert.strictEqual(to.posts.length, 4)
    })
  )

  it.scoped("is told anew when what it was about was well in between", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to)
      alerts.tell(circuitOpen("a"))
      alerts.tell(circuitOpen("b"))
      alerts.over("circuit_open", ["a"])
      alerts.tell(circuitOpen("a"))
      alerts.tell(circuitOpen("b"))
      yield* settled
      assert.strictEqual(to.posts.length, 3)
    })
  )

  it.scoped("goes to the webhooks that want its kind", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to, {
        webhooks: [webhook(slackUrl, { events: ["key_out"] }), webhook("https://b.example/hook")]
      })
      alerts.tell(circuitOpen("a"))
      alerts.tell({ kind: "key_out", instance: "a", retryIn: undefined })
      yield* settled
      assert.deepStrictEqual(to.posts.map(({ url }) => url).toSorted(), [
        "https://b.example/hook",
        "https://b.example/hook",
        slackUrl
      ])
    })
  )

  it.scoped("is tried again, later each time, with the same id, until it is taken", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const log: Array<string> = []
      const alerts = yield* inMemory(to, {}, log)
      to.answer = { status: 503 }
      alerts.tell(circuitOpen("a"))
      yield* settled
      const times: Array<number> = []
      for (let second = 0; second < 120; second++) {
        const before = to.posts.length
        yield* pass("1 second")
        if (to.posts.length > before) times.push(second)
      }
      const pauses = times.slice(1).map((time, at) => time - (times[at] ?? 0))
      assert.isAtLeast(pauses.length, 2)
      assert.deepStrictEqual(
        pauses,
        pauses.toSorted((a, b) => a - b)
      )
      assert.strictEqual(new Set(to.posts.map(({ headers }) => headers["idempotency-key"])).size, 1)
      assert.strictEqual(log.length, 1)
      to.answer = { status: 200 }
      yield* pass("5 minutes")
      const tried = to.posts.length
      yield* pass("2 days")
      assert.strictEqual(to.posts.length, tried)
      const [told] = (yield* alerts.latest(1)).alerts
      assert.deepInclude(told?.deliveries[0], { state: "delivered", attempts: tried })
    })
  )

  it.scoped("waits as long as a 429 says, and so do the others at that webhook", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to)
      to.answer = { status: 429, headers: { "retry-after": "300" } }
      alerts.tell(circuitOpen("a"))
      alerts.tell(circuitOpen("b"))
      yield* settled
      yield* pass("299 seconds")
      assert.strictEqual(to.posts.length, 1)
      to.answer = { status: 200 }
      yield* pass("2 seconds")
      assert.strictEqual(to.posts.length, 3)
    })
  )

  it.scoped("that a webhook does not like holds back no other one", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to)
      to.answer = { status: 400, body: "invalid_payload" }
      alerts.tell(circuitOpen("a"))
      alerts.tell(circuitOpen("b"))
      yield* settled
      assert.strictEqual(to.posts.length, 2)
      const [told] = (yield* alerts.latest(1)).alerts
      assert.strictEqual(told?.deliveries[0]?.problem, "it answers with status 400 (invalid_payload)")
    })
  )

  it.scoped("is given up after a day, and the log says so", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const log: Array<string> = []
      const alerts = yield* inMemory(to, {}, log)
      to.answer = "refused"
      alerts.tell(circuitOpen("a"))
      yield* settled
      for (let hour = 0; hour < 25 * 6; hour++) yield* pass("10 minutes")
      const found = yield* alerts.latest(1)
      assert.strictEqual(found.undelivered, 0)
      assert.deepInclude(found.alerts[0]?.deliveries[0], { state: "failed", problem: "the connection was refused" })
      assert.match(log.at(-1) ?? "", /level=ERROR.*hooks.slack.com#\w+ did not take an alert.*it is given up/)
      const tried = to.posts.length
      yield* pass("1 day")
      assert.strictEqual(to.posts.length, tried)
    })
  )

  it.scoped("is given another try where a webhook says nothing within the timeout", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to)
      to.answer = undefined
      alerts.tell(circuitOpen("a"))
      yield* settled
      yield* pass("10 seconds")
      const [told] = (yield* alerts.latest(1)).alerts
      assert.strictEqual(told?.deliveries[0]?.problem, "it did not answer within 10000 ms")
    })
  )

  it.scoped("comes at once to a webhook that answers, however slow others are", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to, { webhooks: [webhook(slackUrl), webhook("https://pager.example/hook")] })
      to.silent.add("https://hooks.slack.com")
      const paged = () => to.posts.filter(({ url }) => url.startsWith("https://pager")).length
      for (const [at, name] of ["a", "b", "c"].entries()) {
        alerts.tell(circuitOpen(name))
        yield* pass("1 second")
        assert.strictEqual(paged(), at + 1)
      }
      to.silent.clear()
      yield* pass("1 minute")
      const { alerts: told, undelivered } = yield* alerts.latest(10)
      assert.deepStrictEqual([told.length, undelivered], [3, 0])
    })
  )

  it.scoped("does not follow a redirect", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to)
      to.answer = { status: 307, headers: { location: "http://169.254.169.254/" } }
      alerts.tell(circuitOpen("a"))
      yield* settled
      assert.deepStrictEqual(
        to.posts.map(({ url }) => url),
        [slackUrl]
      )
    })
  )

  it.scoped("is one of 50 at most of its kind, whatever names callers make up", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const log: Array<string> = []
      const alerts = yield* inMemory(to, {}, log)
      for (let made = 0; made < 10_000; made++) alerts.tell(exhausted(`made-up-${made}`))
      alerts.tell(circuitOpen("a"))
      yield* settled
      assert.strictEqual(to.posts.length, mostOfAKind + 1)
      assert.strictEqual(log.filter((line) => line.includes("others are not told now")).length, 1)
      yield* pass("1 hour")
      alerts.tell(exhausted("of the next hour"))
      yield* settled
      assert.strictEqual(to.posts.length, mostOfAKind + 2)
    })
  )

  it.scoped("of what an operator has named is not kept back for names that callers make up", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to)
      for (let user = 0; user < 100; user++) {
        for (const percent of [50, 80, 100]) alerts.tell(spent(`user:made-up-${user}`, percent))
        alerts.tell(circuitOpen("any", `made-up-${user}`))
      }
      yield* settled
      assert.strictEqual(to.posts.length, 2 * mostOfAKind)
      alerts.tell(spent("global", 100))
      alerts.tell(circuitOpen("any"))
      // Of these there are no more than operators have named.
      for (let at = 0; at < mostOfAKind; at++) alerts.tell({ kind: "key_out", instance: `${at}`, retryIn: undefined })
      alerts.tell({ kind: "key_out", instance: "one more", retryIn: undefined })
      yield* settled
      assert.strictEqual(to.posts.length, 2 * mostOfAKind + 2 + mostOfAKind + 1)
    })
  )

  it.scoped("takes a bounded place in memory while a webhook is down for days", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const log: Array<string> = []
      const alerts = yield* inMemory(to, {}, log)
      to.answer = "refused"
      for (let hour = 0; hour < 21; hour++) {
        for (let made = 0; made < mostOfAKind; made++) alerts.tell(exhausted(`made-up-${hour}-${made}`))
        yield* pass("1 hour")
      }
      const found = yield* alerts.latest(100_000)
      assert.strictEqual(found.alerts.length, 1_000)
      assert.isAtMost(found.undelivered, 1_000)
      assert.isTrue(log.some((line) => line.includes("the oldest is dropped")))
    })
  )

  it.scoped("is known without any webhook, and posted to nobody", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to, { webhooks: [] })
      alerts.tell(circuitOpen("a"))
      yield* pass("1 minute")
      const { alerts: told, undelivered } = yield* alerts.latest(10)
      assert.deepStrictEqual([told.length, told[0]?.deliveries, undelivered, to.posts.length], [1, [], 0, 0])
    })
  )

  it.scoped("goes to webhooks that were configured while the gateway runs", () =>
    Effect.gen(function* () {
      const to = webhooks()
      let current = alertSettings({ webhooks: [] })
      const changes = yield* Queue.unbounded<{ readonly settings: Settings }>()
      const live = Layer.succeed(LiveSettings, { current: () => current, subscribe: Effect.succeed(changes) })
      const context = yield* Layer.build(Layer.provide(Alerts.layerMemory, Layer.merge(to.layer, live)))
      const alerts = Context.get(context, Alerts)
      alerts.tell(circuitOpen("a"))
      yield* settled
      current = alertSettings()
      yield* Queue.offer(changes, { settings: current })
      yield* settled
      alerts.tell(circuitOpen("b"))
      yield* settled
      assert.deepStrictEqual(
        to.posts.map(({ body }) => body.includes("`b`")),
        [true]
      )
      current = alertSettings({ webhooks: [] })
      alerts.tell(circuitOpen("c"))
      yield* settled
      assert.strictEqual(to.posts.length, 1)
      yield* Queue.offer(changes, { settings: current })
      yield* settled
      current = alertSettings()
      yield* Queue.offer(changes, { settings: current })
      yield* settled
      alerts.tell(circuitOpen("d"))
      yield* settled
      assert.strictEqual(to.posts.length, 2)
    })
  )

  it.scoped("never fails whoever tells it", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const alerts = yield* inMemory(webhooks(), {}, log)
      alerts.tell({
        ...circuitOpen("a"),
        get instance(): string {
          throw new Error("no name")
        }
      })
      yield* settled
      assert.isTrue(log.some((line) => line.includes("an alert could not be told")))
    })
  )
})

describe("a test of the webhooks", () => {
  it.scoped("says how each of them took it, whatever it wants otherwise, and never its address", () =>
    Effect.gen(function* () {
      const to = webhooks()
      const alerts = yield* inMemory(to, { webhooks: [webhook(slackUrl, { events: ["key_out"] })] })
      const [taken] = yield* alerts.test
      assert.deepInclude(taken, { ok: true, status: 200, message: undefined })
      to.answer = { status: 404, body: "no_service" }
      const [refused] = yield* alerts.test
      assert.deepInclude(refused, { ok: false, status: 404, message: "it answers with status 404 (no_service)" })
      assert.match(refused?.webhook ?? "", /^hooks\.slack\.com#[0-9a-f]{12}$/)
      assert.notInclude(JSON.stringify(refused), secret)
      assert.deepStrictEqual((yield* alerts.latest(1)).alerts, [])
    })
  )
})
