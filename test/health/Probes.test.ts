import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as TestClock from "effect/TestClock"
import { Catalog } from "../../src/catalog/Catalog.js"
import type { HealthSettings, InstanceSettings } from "../../src/config/Settings.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { Circuits } from "../../src/health/Circuits.js"
import { hello } from "../support/calls.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"
import { gatewayOn, json, network, type Wire } from "../support/wires.js"

/** How an instance answers: the question for its models, and a chat. */
interface Peer {
  list: (wire: Wire) => void
  chat: (wire: Wire) => void
}

const fails =
  (status: number, headers: object = {}) =>
  (wire: Wire): void =>
    wire.play(status, { ...json, ...headers }, [Buffer.from('{"error":{"message":"no"}}')])

const lists = (wire: Wire): void => wire.play(200, json, [Buffer.from('{"data":[{"id":"m"}]}')])
const chats = (wire: Wire): void => wire.play(200, json, [hello])
const hangs = (wire: Wire): void => wire.incoming.onConnected()

const well = (): Peer => ({ list: lists, chat: chats })

/** What was asked so far and when, in s: `a list 15`. Asking forgets it. */
type Asked = () => ReadonlyArray<string>

interface Setup {
  readonly peers: Readonly<Record<string, Peer>>
  readonly health?: Partial<HealthSettings>
  readonly fields?: Readonly<Record<string, Partial<InstanceSettings>>>
  readonly chance?: Random.Random
}

/** A gateway that checks these; with the chance of 0.5 the first time at 15 s and then every 30 s. */
const probing = <A, E>(
  { chance = Random.fixed([0.5]), fields = {}, health, peers }: Setup,
  body: (asked: Asked, bodies: ReadonlyArray<unknown>) => Effect.Effect<A, E, Catalog | Circuits | Gateway>
) =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const asked: Array<string> = []
    const bodies: Array<unknown> = []
    const { transport } = network((wire) => {
      const id = new URL(wire.outgoing.origin).hostname.replace(".test", "")
      const what = wire.outgoing.method === "GET" ? "list" : "chat"
      asked.push(`${id} ${what} ${clock.unsafeCurrentTimeMillis() / 1000}`)
      if (wire.outgoing.body !== undefined) bodies.push(JSON.parse(Buffer.from(wire.outgoing.body).toString("utf8")))
      peers[id]?.[what](wire)
    })
    const ids = Object.keys(peers)
    const configured = settings({
      instances: ids.map((id) =>
        instance(id, { provider: "openai-compatible", baseUrl: `http://${id}.test/v1`, ...fields[id] })
      ),
      models: [model("m", ids)],
      health: { ...settings().health, probe: "active", ...health }
    })
    return yield* body(() => asked.splice(0), bodies).pipe(Effect.provide(gatewayOn(transport, configured)))
  }).pipe(Effect.withRandom(chance))

const one = (peer: Peer, fields: Partial<InstanceSettings> = {}): Pick<Setup, "peers" | "fields"> => ({
  peers: { a: peer },
  fields: { a: fields }
})

const chat = Effect.flatMap(Gateway, (gateway) => Effect.either(gateway.complete(request())))

/** Chats that fail on the spot, each of them once. */
const failing = Effect.zipRight(Effect.replicateEffect(Effect.fork(chat), 3), TestClock.adjust(0))

const circuit = Effect.gen(function* () {
  const circuits = yield* Circuits
  const { circuit: found, consecutiveFailures } = circuits.of(
    instance("a"),
    yield* Effect.clockWith((clock) => clock.currentTimeMillis)
  )
  return [found, consecutiveFailures] as const
})

const never: Partial<InstanceSettings> = { retry: { ...instance("a").retry, maxAttempts: 1 } }

describe("active checks", () => {
  it.effect("are made only where they are asked for", () =>
    probing({ ...one(well()), health: { probe: "passive" } }, (asked) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("10 minutes")
        assert.isEmpty(asked())
      })
    )
  )

  it.effect("list the models of each enabled instance again and again", () =>
    probing({ peers: { a: well(), off: well() }, fields: { off: { enabled: false } } }, (asked) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("80 seconds")
        assert.deepStrictEqual(asked(), ["a list 15", "a list 45", "a list 75"])
      })
    )
  )

  it.effect("do not come all at once, nor all at the same distance", () =>
    probing({ peers: { a: well(), b: well() }, chance: Random.make("seed") }, (asked) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("10 minutes")
        const all = asked()
        const times = (id: string) => all.filter((each) => each.startsWith(id)).map((each) => Number(each.slice(7)))
        const distances = (id: string) =>
          times(id)
            .slice(1)
            .map((time, place) => time - (times(id)[place] ?? 0))
        assert.notStrictEqual(times("a")[0], times("b")[0])
        for (const id of ["a", "b"]) {
          assert.isAtMost(times(id)[0] ?? 99, 30)
          assert.isAbove(distances(id).length, 15)
          for (const distance of distances(id)) assert.isTrue(distance >= 26.9 && distance <= 33.1, String(distance))
          assert.isAbove(Math.max(...distances(id)) - Math.min(...distances(id)), 3)
        }
      })
    )
  )

  it.effect("go on when one of them dies", () => {
    const a = well()
    a.list = () => {
      throw new Error("a bug")
    }
    return probing({ peers: { a, b: well() } }, (asked) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("50 seconds")
        assert.sameMembers([...asked()], ["a list 15", "b list 15", "a list 45", "b list 45"])
      })
    )
  })

  it.effect("leave out a vendor that lists no models", () =>
    probing(one(well(), { provider: "perplexity" }), (asked) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("10 minutes")
        assert.isEmpty(asked())
      })
    )
  )

  it.effect("keep users away from an instance that is down, before the first of them meets it", () =>
    probing({ peers: { a: { list: fails(503), chat: fails(503) }, b: well() } }, (asked) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("15 seconds")
        asked()
        yield* chat
        assert.deepStrictEqual(asked(), ["b chat 15"])
      })
    )
  )

  it.effect("tell once that it is down, and once that it is back", () => {
    const a = well()
    return probing(one(a), () =>
      Effect.gen(function* () {
        const events = yield* Circuits.subscribe
        yield* TestClock.adjust("30 seconds")
        a.list = fails(401)
        yield* TestClock.adjust("80 seconds")
        a.list = lists
        yield* TestClock.adjust("80 seconds")
        const told = Chunk.toReadonlyArray(yield* Queue.takeAll(events))
        assert.deepStrictEqual(
          told.map(({ at, event_type }) => [event_type, at / 1000]),
          [
            ["health_check_failed", 45],
            ["key_out", 45],
            ["circuit_half_open", 105],
            ["key_out", 105],
            // A key that is taken again, and that it saw refused, is tried before its time.
            ["health_check_ok", 135],
            ["circuit_half_open", 135],
            ["circuit_close", 165]
          ]
        )
      }).pipe(Effect.scoped)
    )
  })
})

describe("what a check tells the circuits", () => {
  it.effect("is a failure where the instance is down, also when it only hangs", () => {
    const a = well()
    return probing(one(a), () =>
      Effect.gen(function* () {
        a.list = fails(500)
        yield* TestClock.adjust("15 seconds")
        assert.deepStrictEqual(yield* circuit, ["closed", 1])
        a.list = hangs
        yield* TestClock.adjust("35 seconds")
        assert.deepStrictEqual(yield* circuit, ["closed", 2])
      })
    )
  })

  it.effect("is nothing where the answer is a sign of life", () => {
    const a = well()
    return probing(one(a), () =>
      Effect.gen(function* () {
        for (const status of [403, 404, 429]) {
          a.list = fails(status)
          yield* TestClock.adjust("30 seconds")
          assert.deepStrictEqual(yield* circuit, ["closed", 0], String(status))
        }
      })
    )
  })

  it.effect("forgives no failed chat: who lists models need not be able to answer", () =>
    probing(one({ list: lists, chat: fails(500) }, never), () =>
      Effect.gen(function* () {
        yield* Effect.zipRight(chat, chat)
        yield* TestClock.adjust("50 seconds")
        assert.deepStrictEqual(yield* circuit, ["closed", 2])
      })
    )
  )
})

describe("an open circuit", () => {
  it.effect("is tried by a check and not by a user, at its time and not before", () =>
    probing(one({ list: lists, chat: fails(500) }, never), (asked) =>
      Effect.gen(function* () {
        yield* failing
        assert.strictEqual((yield* circuit)[0], "open")
        asked()
        yield* TestClock.adjust("60001 millis")
        assert.deepStrictEqual(asked(), ["a list 15", "a list 45", "a list 60.001"])
        assert.strictEqual((yield* circuit)[0], "half_open")
      })
    )
  )

  it.effect("stays open for longer when the check finds it down, and no user had to find out", () => {
    const a = { list: lists, chat: fails(500) }
    return probing(one(a, never), (asked) =>
      Effect.gen(function* () {
        yield* failing
        a.list = fails(503)
        asked()
        yield* TestClock.adjust("3 minutes")
        assert.deepStrictEqual(
          asked(),
          [15, 45, 60.001, 90.001, 120.001, 150.001].map((at) => `a list ${at}`)
        )
        assert.strictEqual((yield* circuit)[0], "open")
      })
    )
  })

  it.effect("that two checks found well is closed, so that an idle instance is ready", () =>
    probing(one({ list: lists, chat: fails(500) }, never), () =>
      Effect.gen(function* () {
        yield* failing
        yield* TestClock.adjust("95 seconds")
        assert.deepStrictEqual(yield* circuit, ["closed", 0])
      })
    )
  )

  it.effect("is still for the next chat to open again, and then for longer", () =>
    probing(one({ list: lists, chat: fails(500) }, never), () =>
      Effect.gen(function* () {
        yield* failing
        yield* TestClock.adjust("61 seconds")
        yield* chat
        const circuits = yield* Circuits
        assert.strictEqual(circuits.of(instance("a"), 61_000).retryIn, 120_000)
      })
    )
  )

  it.effect("that an operator decreed is nobody's to close", () =>
    probing(one(well()), (asked) =>
      Effect.gen(function* () {
        const circuits = yield* Circuits
        circuits.force(instance("a"), "open", 0)
        yield* TestClock.adjust("10 minutes")
        assert.isNotEmpty(asked())
        assert.strictEqual((yield* circuit)[0], "open")
      })
    )
  )
})

describe("checks with a chat", () => {
  const chatting = { probeWith: "chat" } as const

  it.effect("ask the first model that is configured for one token", () =>
    probing({ ...one(well()), health: chatting }, (asked, bodies) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(asked(), ["a chat 15"])
        assert.deepStrictEqual(bodies, [{ model: "m", messages: [{ role: "user", content: "Hi" }], max_tokens: 1 }])
      })
    )
  )

  it.effect("count as chats do, for better or worse", () => {
    const a = { list: lists, chat: fails(500) }
    return probing({ ...one(a), health: { ...chatting, probeEvery: 10_000 } }, () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* circuit, ["closed", 1])
        a.chat = chats
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* circuit, ["closed", 0])
        a.chat = fails(500)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* circuit)[0], "open")
        a.chat = chats
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* circuit)[0], "half_open")
      })
    )
  })

  it.effect("blame a model that says nothing in the time for a first token", () =>
    probing(
      {
        ...one({ list: lists, chat: hangs }, { timeouts: { ...instance("a").timeouts, firstToken: 9_000 } }),
        health: { ...chatting, probeEvery: 10_000 }
      },
      () =>
        Effect.gen(function* () {
          const circuits = yield* Circuits
          yield* TestClock.adjust("55 seconds")
          assert.isUndefined(circuits.ailment(instance("a"), "other", 55_000))
          assert.strictEqual(circuits.ailment(instance("a"), "m", 55_000)?.scope, "model")
        })
    )
  )

  it.effect("are not made while a 429 is waited for", () =>
    probing({ ...one({ list: lists, chat: fails(429, { "retry-after": "100" }) }), health: chatting }, (asked) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("140 seconds")
        assert.deepStrictEqual(asked(), ["a chat 15", "a chat 135"])
      })
    )
  )

  it.effect("list the models of an instance that no model is configured for", () =>
    probing({ peers: { a: well() }, health: chatting, fields: { a: { id: "other" } } }, (asked) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(asked(), ["a list 15"])
      })
    )
  )
})

describe("active checks of a configuration that changes", () => {
  it.effect("come to whoever is new, leave whoever is gone, and end where there are to be none", () =>
    probing({ peers: { a: well(), b: well() }, fields: { b: { enabled: false } } }, (asked) =>
      Effect.gen(function* () {
        const { configured, setSettings } = yield* Catalog
        const before = configured()
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(asked(), ["a list 15"])
        setSettings({ ...before, instances: before.instances.map((each) => ({ ...each, enabled: each.id === "b" })) })
        yield* TestClock.adjust("70 seconds")
        assert.deepStrictEqual(asked(), ["b list 35", "b list 65"])
        setSettings({ ...before, health: { ...before.health, probe: "passive" } })
        yield* TestClock.adjust("5 minutes")
        assert.isEmpty(asked())
      })
    )
  )

  it.effect("go on in their rhythm for whoever stays as it was", () =>
    probing({ peers: { a: well() } }, (asked) =>
      Effect.gen(function* () {
        const { configured, setSettings } = yield* Catalog
        yield* TestClock.adjust("20 seconds")
        setSettings({ ...configured(), models: [] })
        yield* TestClock.adjust("40 seconds")
        assert.deepStrictEqual(asked(), ["a list 15", "a list 45"])
      })
    )
  )
})
