import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { connect } from "node:net"
import * as Replies from "../support/replies.js"
import { chain, doors, type Running } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { ask, bodyOf, chat, open, streaming } from "./asking.js"

const down = Replies.failure(503, { message: "down" })

/** Half of a buffered answer. */
const half: Upstream.Reply = () => [
  Replies.head(200, { "content-type": "application/json" }),
  { data: '{"choices":[{"index":0,' }
]

const silences: ReadonlyArray<readonly [string, object, Upstream.Reply]> = [
  ["a buffered answer that has not begun", {}, Replies.silence],
  ["a buffered answer of which half is there", {}, half],
  ["a stream that has not begun", streaming, Replies.silence],
  ["a stream that has begun and said nothing", streaming, () => [Replies.head(200, {}), Replies.preamble]]
]

for (const door of doors) {
  describe(`${door}: a client that hangs up`, () => {
    for (const [what, request, reply] of silences) {
      it.scopedLive(`closes the provider's socket at once: ${what}`, () =>
        Effect.gen(function* () {
          const upstream = yield* Upstream.make(reply)
          const gateway = yield* chain(door, [upstream])
          const asking = yield* Effect.fork(chat(gateway, { ...request }))
          const { hungUp } = yield* upstream.next
          yield* Fiber.interrupt(asking)
          yield* hungUp
          const { attempts, failure, instance, status } = yield* gateway.line
          assert.deepStrictEqual([status, failure, instance, attempts], [499, "cancelled", "first", 1])
          assert.deepStrictEqual([gateway.lines.length, gateway.log], [1, []])
        })
      )
    }

    it.scopedLive("closes the provider's socket at once: a stream that it has read half of", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(() => Replies.opening("one two"))
        const gateway = yield* chain(door, [upstream])
        const reading = yield* open(gateway)
        const { hungUp } = yield* upstream.next
        assert.include(yield* reading.piece, "one")
        yield* reading.leave
        yield* hungUp
        const { attempts, failure, instance, status } = yield* gateway.line
        assert.deepStrictEqual([status, failure, instance, attempts], [499, "cancelled", "first", 1])
      })
    )

    it.scopedLive("after a failover closes the second provider's socket, and nobody else is asked", () =>
      Effect.gen(function* () {
        const providers = yield* Effect.forEach([down, Replies.silence, Replies.answer("never asked")], (reply) =>
          Upstream.make(reply)
        )
        const gateway = yield* chain(door, providers)
        const asking = yield* Effect.fork(chat(gateway))
        const { hungUp } = yield* (providers[1] ?? Upstream.refusing).next
        yield* Fiber.interrupt(asking)
        yield* hungUp
        yield* gateway.line
        assert.deepStrictEqual(
          providers.map(({ received }) => received.length),
          [1, 1, 0]
        )
      })
    )

    it.scopedLive("in the middle of its own request leaves nothing behind, and the next one is served", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("hello"))
        const gateway = yield* chain(door, [upstream])
        const socket = connect(gateway.port, "127.0.0.1")
        socket.write("POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{")
        yield* ask(gateway, "/livez")
        socket.resetAndDestroy()
        assert.strictEqual((yield* chat(gateway)).status, 200)
        assert.strictEqual(upstream.received.length, 1)
      })
    )
  })

  describe(`${door}: a client that does not read`, () => {
    const frame = Buffer.from(`data: {"choices":[{"index":0,"delta":{"content":"${"x".repeat(65_536)}"}}]}\n\n`)
    /** Several times what the buffers of four sockets may hold. */
    const total = 96 * 1024 * 1024

    it.scopedLive("holds the provider back, and then gets everything", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(() => [
          Replies.head(200, Replies.eventStream),
          { flood: frame, bytes: total },
          Replies.frame({}, "stop"),
          { data: "data: [DONE]\n\n" },
          { end: "end" }
        ])
        const gateway = yield* chain(door, [upstream])
        const socket = connect(gateway.port, "127.0.0.1")
        const body = bodyOf(streaming)
        const head = `POST /v1/chat/completions HTTP/1.0\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}`
        socket.write(`${head}\r\n\r\n${body}`)
        const { written } = yield* upstream.next
        assert.isBelow(yield* standstill(gateway, written), total / 2)
        const { end, size } = yield* Effect.promise(() => drain(socket))
        assert.isAtLeast(size, total)
        assert.match(end, /"finish_reason":"stop"[^]*data: \[DONE\]\n\n$/)
      })
    )
  })
}

/** The count at which a provider has come to rest: it stays the same while the gateway does other work. */
const standstill = (gateway: Running, written: () => number): Effect.Effect<number> =>
  Effect.gen(function* () {
    let before = -1
    while (before !== written()) {
      before = written()
      for (let round = 0; round < 20; round++) yield* ask(gateway, "/livez")
    }
    return before
  })

const drain = async (socket: AsyncIterable<Buffer>): Promise<{ readonly size: number; readonly end: string }> => {
  let size = 0
  let end = ""
  for await (const piece of socket) {
    size += piece.length
    end = (end + piece.toString("latin1")).slice(-500)
  }
  return { size, end }
}
