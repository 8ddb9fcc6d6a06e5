import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Replies from "../support/replies.js"
import { chain, doors, type Overrides, type Running } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat, open } from "./asking.js"

/** The standalone gateway in a scope of its own, which the test closes. */
const closable = (upstream: Upstream.Upstream, overrides: Overrides = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const gateway = yield* Scope.extend(chain("standalone", [upstream], overrides), scope)
    yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
    return { gateway, close: Scope.close(scope, Exit.void) }
  })

/** Asks until the gateway says that it takes no more. */
const unready = (gateway: Running): Effect.Effect<void> =>
  Effect.repeat(ask(gateway, "/readyz"), { until: ({ status }) => status === 503 })

describe("a gateway that is told to stop", () => {
  it.scopedLive("finishes the stream in flight, refuses new requests meanwhile, and is gone then", () =>
    Effect.gen(function* () {
      const more = yield* Effect.makeLatch()
      const upstream = yield* Upstream.make(Replies.answerThen("begun", more.await))
      const { close, gateway } = yield* closable(upstream)
      const reading = yield* open(gateway)
      const first = yield* reading.piece
      const closing = yield* Effect.fork(close)
      yield* unready(gateway)
      const refused = yield* chat(gateway)
      assert.deepStrictEqual(
        [refused.status, at(refused, "error", "type"), at(refused, "error", "code")],
        [503, "service_unavailable", "shutting_down"]
      )
      assert.deepStrictEqual([refused.headers.get("connection"), refused.headers.get("retry-after")], ["close", "1"])
      assert.strictEqual((yield* ask(gateway, "/livez")).status, 200)
      yield* more.open
      const whole = `${first}${yield* reading.rest}`
      assert.strictEqual(whole, upstream.received[0]?.sent().toString("utf8"))
      yield* Fiber.join(closing)
      const gone = yield* Effect.exit(ask(gateway, "/livez"))
      assert.isTrue(Exit.isFailure(gone))
      assert.deepStrictEqual(
        gateway.lines.map(({ status }) => status),
        [503, 200]
      )
    })
  )

  it.scopedLive("finishes a buffered answer in flight", () =>
    Effect.gen(function* () {
      const more = yield* Effect.makeLatch()
      const upstream = yield* Upstream.make((asked) => [{ wait: more.await }, ...Replies.answer("late")(asked)])
      const { close, gateway } = yield* closable(upstream)
      const asking = yield* Effect.fork(chat(gateway))
      yield* upstream.next
      const closing = yield* Effect.fork(close)
      yield* unready(gateway)
      yield* more.open
      const answer = yield* Fiber.join(asking)
      assert.deepStrictEqual([answer.status, at(answer, "choices", 0, "message", "content")], [200, "late"])
      yield* Fiber.join(closing)
    })
  )

  it.scopedLive("waits no longer than its drain time; then the client is told so, and the provider hung up on", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(() => Replies.opening("endless"))
      const server = { ...settings().server, drain: 50 }
      const { close, gateway } = yield* closable(upstream, { settings: { server } })
      const reading = yield* open(gateway)
      const { hungUp } = yield* upstream.next
      yield* close
      yield* hungUp
      const rest = yield* reading.rest
      assert.include(rest, "shutting_down")
      assert.notInclude(rest, "[DONE]")
    })
  )

  it.scopedLive("tells a caller whose answer did not come in its drain time", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(Replies.silence)
      const server = { ...settings().server, drain: 50 }
      const { close, gateway } = yield* closable(upstream, { settings: { server } })
      const asking = yield* Effect.fork(chat(gateway))
      const { hungUp } = yield* upstream.next
      yield* close
      yield* hungUp
      const answer = yield* Fiber.join(asking)
      assert.deepStrictEqual([answer.status, at(answer, "error", "code")], [503, "shutting_down"])
    })
  )

  it.scopedLive("is gone at once when nothing is in flight, also with idle connections", () =>
    Effect.gen(function* () {
      const { close, gateway } = yield* closable(yield* Upstream.make(Replies.answer("hello")))
      yield* chat(gateway)
      yield* close
      assert.isTrue(Exit.isFailure(yield* Effect.exit(ask(gateway, "/livez"))))
    })
  )
})

for (const door of doors) {
  describe(`${door}: a gateway that drains`, () => {
    it.scopedLive("says so on /readyz and to every request but the probes", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("never asked"))
        const gateway = yield* chain(door, [upstream])
        yield* gateway.readiness.drain
        assert.deepStrictEqual(at(yield* ask(gateway, "/readyz")), { status: "draining" })
        for (const answer of [yield* chat(gateway), yield* ask(gateway, "/v1/models"), yield* ask(gateway, "/docs")]) {
          assert.deepStrictEqual([answer.status, at(answer, "error", "code")], [503, "shutting_down"])
        }
        assert.strictEqual((yield* ask(gateway, "/health")).status, 200)
        assert.strictEqual(upstream.received.length, 0)
      })
    )
  })
}
