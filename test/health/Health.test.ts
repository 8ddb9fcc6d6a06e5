import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/TestClock"
import type { InstanceSettings } from "../../src/config/Settings.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { Circuits } from "../../src/health/Circuits.js"
import { Health, type Check } from "../../src/health/Health.js"
import { hello } from "../support/calls.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"
import { gatewayOn, json, network, type Wire } from "../support/wires.js"

/** What each instance answers to the question for its models; others hang. */
type Lists = Record<string, (wire: Wire) => void>

const answers =
  (status: number, body: object | string): ((wire: Wire) => void) =>
  (wire) =>
    wire.play(status, json, [Buffer.from(typeof body === "string" ? body : JSON.stringify(body))])

const listing = (...models: ReadonlyArray<string>) => answers(200, { data: models.map((id) => ({ id })) })

const breaks = (wire: Wire): void =>
  queueMicrotask(() => wire.incoming.onFailure({ message: "the connection was refused" }))

const at = (id: string, fields: Partial<InstanceSettings> = {}): InstanceSettings =>
  instance(id, { provider: "openai-compatible", baseUrl: `http://${id}.test/v1`, ...fields })

/** A gateway whose instances list their models like this, and answer every chat. */
const checking = <A, E>(
  lists: Lists,
  body: (
    instances: ReadonlyArray<InstanceSettings>,
    chats: () => ReadonlyArray<string>
  ) => Effect.Effect<A, E, Circuits | Gateway | Health>,
  fields: Readonly<Record<string, Partial<InstanceSettings>>> = {}
) => {
  const ids = Object.keys(lists)
  const chats: Array<string> = []
  const { transport } = network((wire) => {
    const id = new URL(wire.outgoing.origin).hostname.replace(".test", "")
    if (wire.outgoing.method === "GET") return lists[id]?.(wire)
    chats.push(id)
    wire.play(200, json, [hello])
  })
  const instances = ids.map((id) => at(id, fields[id]))
  const configured = settings({ instances, models: [model("m", ids)] })
  return body(instances, () => chats).pipe(Effect.provide(gatewayOn(transport, configured)))
}

const checked = Effect.gen(function* () {
  const health = yield* Health
  const fiber = yield* Effect.fork(health.checkAll)
  yield* TestClock.adjust("5 seconds")
  return yield* Fiber.join(fiber)
})

const one = (list: (wire: Wire) => void) =>
  checking({ a: list }, () => Effect.map(checked, ([check]) => check ?? assert.fail("nothing was checked")))

const complete = Effect.flatMap(Gateway, (gateway) => gateway.complete(request()))

describe("an instance is alive", () => {
  it.effect("when it lists its models", () =>
    Effect.gen(function* () {
      const { available, models, reason } = yield* one(listing("x", "y"))
      assert.deepStrictEqual([available, reason, models], [true, undefined, ["x", "y"]])
    })
  )

  const signs: Readonly<Record<string, (wire: Wire) => void>> = {
    "has no such list (404)": answers(404, { error: { message: "Not Found" } }),
    "has no such list (404, no JSON)": answers(404, "404 page not found"),
    "does not allow the question (405)": answers(405, ""),
    "does not let its key list models (403)": answers(403, { error: { message: "forbidden" } }),
    "finds it wrong (400)": answers(400, { error: { message: "no" } }),
    "asks for fewer questions (429)": answers(429, { error: { message: "slow down" } }),
    "lists something that is no JSON": answers(200, "<html>")
  }
  for (const [what, list] of Object.entries(signs)) {
    it.effect(`also when it ${what}`, () =>
      Effect.gen(function* () {
        const { available, models, reason } = yield* one(list)
        assert.deepStrictEqual([available, reason, models], [true, undefined, []])
      })
    )
  }
})

describe("an instance is not well", () => {
  const signs: Readonly<Record<string, (wire: Wire) => void>> = {
    "it refuses the key (401)": answers(401, { error: { message: "Incorrect API key provided: sk-secret" } }),
    "it fails (500)": answers(500, { error: { message: "no" } }),
    "it is overloaded (503)": answers(503, { error: { message: "no" } }),
    "nobody listens": breaks,
    "it does not answer in five seconds": (wire) => wire.open(200, json)
  }
  for (const [what, list] of Object.entries(signs)) {
    it.effect(`when ${what}, and the reason holds no key`, () =>
      Effect.gen(function* () {
        const { available, reason } = yield* one(list)
        assert.isFalse(available)
        assert.match(reason ?? "", /^[a-z].{10,}/)
        assert.notInclude(reason ?? "", "sk-")
      })
    )
  }
})

describe("checks", () => {
  const silent = (wire: Wire): void => wire.open(200, json)

  it.effect("of all instances run at once, and leave out the disabled ones", () =>
    checking(
      { a: silent, b: silent, off: silent, c: listing("x") },
      () =>
        Effect.gen(function* () {
          const health = yield* Health
          const fiber = yield* Effect.fork(health.checkAll)
          yield* TestClock.adjust("4999 millis")
          assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
          yield* TestClock.adjust("1 millis")
          const found = (yield* Fiber.join(fiber)).map(({ available, instance: { id } }: Check) => [id, available])
          assert.deepStrictEqual(found, [
            ["a", false],
            ["b", false],
            ["c", true]
          ])
        }),
      { off: { enabled: false } }
    )
  )

  it.effect("are remembered for a minute, and what they discovered for longer", () =>
    checking({ a: listing("x") }, ([a = assert.fail("no instance")]) =>
      Effect.gen(function* () {
        const health = yield* Health
        assert.isUndefined(health.latest(a, 0))
        const check = yield* health.check(a)
        assert.strictEqual(check.checkedAt, 0)
        assert.strictEqual(health.latest(a, 59_999), check)
        assert.isUndefined(health.latest(a, 60_000))
        assert.deepStrictEqual(health.discovered(), [{ model: "x", instance: a }])
      })
    )
  )

  it.effect("of a later time replace the earlier ones", () => {
    const lists: Lists = { a: breaks }
    return checking(lists, ([a = assert.fail("no instance")]) =>
      Effect.gen(function* () {
        const health = yield* Health
        assert.isFalse((yield* health.check(a)).available)
        lists["a"] = listing("x")
        yield* TestClock.adjust("10 seconds")
        yield* health.check(a)
        assert.deepInclude(health.latest(a, 10_000), { available: true, checkedAt: 10_000 })
      })
    )
  })
})

describe("what checks find", () => {
  it.effect("is told when it changes, and not each time", () => {
    const lists: Lists = { a: listing() }
    return checking(lists, () =>
      Effect.gen(function* () {
        const events = yield* Circuits.subscribe
        const told = Effect.map(Queue.takeAll(events), Chunk.toReadonlyArray)
        yield* checked
        assert.isEmpty(yield* told)
        lists["a"] = answers(503, { error: { message: "no" } })
        yield* checked
        yield* checked
        const change = { instance: "a", provider: "openai-compatible", model: undefined, consecutive_failures: 0 }
        assert.deepStrictEqual(yield* told, [
          {
            ...change,
            at: 5_000,
            event_type: "health_check_failed",
            scope: "instance",
            next_retry_secs: 60,
            reason: "the provider could not serve the request (503)"
          }
        ])
        lists["a"] = listing()
        yield* checked
        yield* checked
        assert.deepStrictEqual(yield* told, [
          { ...change, at: 15_000, event_type: "health_check_ok", scope: "instance", next_retry_secs: undefined }
        ])
      }).pipe(Effect.scoped)
    )
  })

  it.effect("is told of an instance that was never well, and of whose key it is", () =>
    checking({ a: answers(401, { error: { message: "no" } }) }, () =>
      Effect.gen(function* () {
        const events = yield* Circuits.subscribe
        yield* checked
        assert.deepInclude(yield* Queue.take(events), { event_type: "health_check_failed", scope: "key" })
      }).pipe(Effect.scoped)
    )
  )

  it.effect("does not take from a caller's list the models that a check once saw", () => {
    const lists: Lists = { a: listing("x") }
    return checking(lists, ([a = assert.fail("no instance")]) =>
      Effect.gen(function* () {
        const health = yield* Health
        yield* checked
        lists["a"] = breaks
        yield* checked
        assert.deepStrictEqual(health.discovered(), [{ model: "x", instance: a }])
      })
    )
  })
})

describe("an instance whose check failed", () => {
  it.effect("is left out while somebody is well, for a minute, and then asked again", () =>
    checking({ a: breaks, b: listing() }, (_, chats) =>
      Effect.gen(function* () {
        yield* checked
        const left = yield* complete
        assert.deepStrictEqual([left.instance, left.fallback, left.attempts.length], ["b", true, 1])
        yield* TestClock.adjust("54999 millis")
        assert.strictEqual((yield* complete).instance, "b")
        yield* TestClock.adjust("1 millis")
        const again = yield* complete
        assert.deepStrictEqual([again.instance, again.fallback, chats()], ["a", false, ["b", "b", "a"]])
      })
    )
  )

  it.effect("is asked all the same when nobody is well", () =>
    checking({ a: breaks, b: breaks }, (_, chats) =>
      Effect.gen(function* () {
        yield* checked
        assert.deepStrictEqual([(yield* complete).fallback, chats()], [false, ["a"]])
      })
    )
  )

  it.effect("says nothing about another instance of the same vendor", () =>
    checking({ a: listing(), b: breaks }, () =>
      Effect.gen(function* () {
        yield* checked
        const { fallback, instance: served } = yield* complete
        assert.deepStrictEqual([served, fallback], ["a", false])
      })
    )
  )

  it.effect("is asked where an operator keeps its circuit closed", () =>
    checking({ a: breaks, b: listing() }, ([a = assert.fail("no instance")]) =>
      Effect.gen(function* () {
        const circuits = yield* Circuits
        yield* checked
        circuits.force(a, "closed", 0)
        assert.strictEqual((yield* complete).instance, "a")
        circuits.force(a, "auto", 0)
        assert.strictEqual((yield* complete).instance, "b")
      })
    )
  )

  it.effect("is well again at its next good check", () => {
    const lists: Lists = { a: breaks, b: listing() }
    return checking(lists, () =>
      Effect.gen(function* () {
        yield* checked
        lists["a"] = listing()
        yield* checked
        assert.strictEqual((yield* complete).instance, "a")
      })
    )
  })
})
