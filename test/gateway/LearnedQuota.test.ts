import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { Gateway } from "../../src/gateway/Gateway.js"
import { hello } from "../support/calls.js"
import { done, says, stop } from "../support/chunks.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"
import { eventStream, gatewayOn, json, network, type Wire } from "../support/wires.js"

interface Peer {
  /** What its answers say of its limits. */
  headers: Readonly<Record<string, string>>
  status: number
  /** Its answers wait for this. */
  held: boolean
}

const peer = (headers: Peer["headers"] = {}, status = 200): Peer => ({ headers, status, held: false })

const usedUp = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12s" }

/** A gateway whose model `m` is asked of these in turn, and who was called. */
const between = <A, E>(
  peers: Readonly<Record<string, Peer>>,
  body: (called: () => string, release: () => void) => Effect.Effect<A, E, Gateway>
): Effect.Effect<A, E> => {
  const called: Array<string> = []
  const held: Array<() => void> = []
  const { transport } = network((wire: Wire) => {
    const id = new URL(wire.outgoing.origin).hostname.replace(".test", "")
    called.push(id)
    const { headers, held: waits, status } = peers[id] ?? peer()
    const streams = wire.outgoing.headers["accept"] === "text/event-stream"
    const answer = () =>
      status !== 200
        ? wire.play(status, { ...json, ...headers }, [Buffer.from('{"error":{"message":"no"}}')])
        : streams
          ? wire.play(status, { ...eventStream, ...headers }, [says("hello"), stop, done])
          : wire.play(status, { ...json, ...headers }, [hello])
    if (waits) held.push(answer)
    else answer()
  })
  const ids = Object.keys(peers)
  const configured = settings({
    instances: ids.map((id) => instance(id, { provider: "openai-compatible", baseUrl: `http://${id}.test/v1` })),
    models: [model("m", ids)]
  })
  return body(
    () => called.splice(0).join(""),
    () => held.splice(0).forEach((answer) => answer())
  ).pipe(Effect.provide(gatewayOn(transport, configured)))
}

const ask = (fields: object = {}) =>
  Effect.flatMap(Gateway, (gateway) =>
    Effect.map(gateway.complete(request({ ...fields })), (reply) => [reply.instance, reply.fallback])
  )

const streamed = Effect.flatMap(Gateway, (gateway) => Stream.runDrain(gateway.stream(request({ stream: true }))))

describe("an instance whose quota is used up", () => {
  it.effect("is left out before it says 429, until its reset", () =>
    between({ a: peer(usedUp), b: peer() }, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* ask(), ["a", false])
        assert.deepStrictEqual(yield* ask(), ["b", true])
        yield* TestClock.adjust("11999 millis")
        assert.deepStrictEqual(yield* ask(), ["b", true])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* ask(), ["a", false])
      })
    )
  )

  it.effect("is found out by the head of a stream too", () =>
    between({ a: peer(usedUp), b: peer() }, (called) =>
      Effect.gen(function* () {
        yield* streamed
        yield* streamed
        assert.strictEqual(called(), "ab")
      })
    )
  )

  it.effect("is found out by a failure too", () =>
    between({ a: peer(usedUp, 400), b: peer() }, (called) =>
      Effect.gen(function* () {
        yield* Effect.either(ask())
        yield* Effect.either(streamed)
        assert.strictEqual(called(), "ab")
      })
    )
  )

  it.effect("is asked all the same when nobody else is there", () =>
    between({ a: peer(usedUp) }, () =>
      Effect.gen(function* () {
        yield* ask()
        assert.deepStrictEqual(yield* ask(), ["a", false])
      })
    )
  )

  it.effect("and so is everybody, in their order, when all quotas are", () =>
    between({ a: peer(usedUp), b: peer(usedUp) }, (called) =>
      Effect.gen(function* () {
        yield* ask()
        yield* ask()
        yield* ask()
        assert.strictEqual(called(), "aba")
      })
    )
  )

  it.effect("is asked again as soon as its 429 says, although its quota is full only later", () => {
    const a = peer({ ...usedUp, "x-ratelimit-reset-requests": "6m0s", "retry-after": "2" }, 429)
    return between({ a, b: peer() }, (called) =>
      Effect.gen(function* () {
        const first = yield* Effect.fork(ask())
        yield* TestClock.adjust("7 seconds")
        yield* Fiber.join(first)
        a.status = 200
        called()
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* ask(), ["a", false])
      })
    )
  })
})

describe("a quota that is nearly used up", () => {
  it.effect("is not overrun by requests that come while the answers to others are still out", () => {
    const a = peer({ "x-ratelimit-remaining-requests": "2", "x-ratelimit-reset-requests": "30s" })
    return between({ a, b: peer() }, (called, release) =>
      Effect.gen(function* () {
        yield* ask()
        a.held = true
        const asked = yield* Effect.replicateEffect(Effect.fork(ask()), 5)
        yield* TestClock.adjust(0)
        release()
        yield* Effect.forEach(asked, Fiber.join)
        assert.strictEqual(called(), "aaabbb")
      })
    )
  })

  it.effect("still serves a small request when it has too little for a large one", () => {
    const a = peer({ "x-ratelimit-remaining-tokens": "1000", "x-ratelimit-reset-tokens": "30s" })
    return between({ a, b: peer() }, () =>
      Effect.gen(function* () {
        yield* ask()
        assert.deepStrictEqual(yield* ask({ max_tokens: 4_000 }), ["b", true])
        assert.deepStrictEqual(yield* ask({ max_tokens: 100 }), ["a", false])
      })
    )
  })
})
