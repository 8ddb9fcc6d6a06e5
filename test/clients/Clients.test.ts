import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { between, says, type Speaker } from "../http/messaging.js"
import * as Replies from "../support/replies.js"
import { chain, type Running } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { asking, collect } from "./Client.js"
import { clients } from "./clients.js"

const down = Replies.failure(503, { message: "down" })

/** A gateway over one good provider, and one whose good provider comes second. */
const ways: ReadonlyArray<readonly [string, ReadonlyArray<Upstream.Reply>]> = [
  ["from the first provider", []],
  ["from the second after the first failed", [down]]
]

const gateway = (...replies: ReadonlyArray<Upstream.Reply>) =>
  Effect.flatMap(
    Effect.forEach(replies, (reply) => Upstream.make(reply)),
    (providers) => chain("standalone", providers)
  )

const textOf = (pieces: AsyncIterable<string>): Effect.Effect<string> =>
  Effect.promise(async () => (await collect(pieces)).join(""))

const never = new AbortController().signal

/** What a promise is rejected with. */
const rejection = (run: () => Promise<unknown>): Effect.Effect<unknown> =>
  Effect.flip(Effect.tryPromise({ try: run, catch: (error) => error })).pipe(
    Effect.orDieWith(() => "nothing was thrown")
  )

const servedBy = ({ lines }: Running) => lines.map(({ instance }) => instance)

for (const client of clients) {
  describe.concurrent(`${client.name}`, () => {
    for (const [way, failing] of ways) {
      const served = failing.length === 0 ? "first" : "second"

      it.scopedLive(`gets an answer ${way}`, () =>
        Effect.gen(function* () {
          const running = yield* gateway(...failing, Replies.answer("hello there"))
          const { text } = yield* Effect.promise(() => client.whole(asking(running.url)))
          assert.strictEqual(text, "hello there")
          assert.deepStrictEqual(servedBy(running), [served])
        })
      )

      it.scopedLive(`gets a stream ${way}`, () =>
        Effect.gen(function* () {
          const running = yield* gateway(...failing, Replies.answer("hello there, you"))
          assert.strictEqual(yield* textOf(client.pieces(running.url, never)), "hello there, you")
          assert.deepStrictEqual(servedBy(running), [served])
        })
      )

      it.scopedLive(`gets a call of a tool ${way}, streaming and not`, () =>
        Effect.gen(function* () {
          const running = yield* gateway(...failing, Replies.toolCall("weather", '{"city":"Hà Nội"}'))
          for (const ask of [client.whole, client.streamed]) {
            const { calls } = yield* Effect.promise(() => ask(asking(running.url, "weather")))
            assert.deepStrictEqual(calls, [{ name: "weather", arguments: { city: "Hà Nội" } }])
          }
        })
      )

      it.scopedLive(`closes the provider's connection when it breaks a stream off ${way}`, () =>
        Effect.gen(function* () {
          const providers = yield* Effect.forEach([...failing, () => Replies.opening("one two")], (reply) =>
            Upstream.make(reply)
          )
          const running = yield* chain("standalone", providers)
          const abort = new AbortController()
          const pieces = client.pieces(running.url, abort.signal)[Symbol.asyncIterator]()
          let said = ""
          while (said === "") said = (yield* Effect.promise(() => pieces.next())).value ?? ""
          assert.strictEqual(said, "one")
          abort.abort()
          const last = providers.at(-1)
          if (last === undefined) return assert.fail("no provider")
          yield* Effect.flatMap(last.next, ({ hungUp }) => hungUp)
          yield* Effect.promise(() => Promise.resolve(pieces.return?.()).catch(() => undefined))
        })
      )
    }

    it.scopedLive("throws an error that it understands when the request is wrong", () =>
      Effect.gen(function* () {
        const wrong = Replies.failure(400, { message: "too hot", type: "invalid_request_error", param: "temperature" })
        const { url } = yield* gateway(wrong, Replies.answer("never"))
        const error = yield* rejection(() => client.whole(asking(url)))
        assert.strictEqual(client.status(error), 400)
        assert.include(String(error), "too hot")
      })
    )

    it.scopedLive("throws an error that it understands when every provider failed, streaming and not", () =>
      Effect.gen(function* () {
        const { url } = yield* gateway(down, down)
        assert.strictEqual(client.status(yield* rejection(() => client.whole(asking(url)))), 503)
        const streamed = yield* rejection(() => collect(client.pieces(url, never)))
        assert.strictEqual(client.status(streamed), 503)
      })
    )

    it.scopedLive("takes a stream for one that broke and that another provider continued, in either dialect", () =>
      Effect.gen(function* () {
        const routing = { ...settings().routing, midStream: "continue" as const }
        const { finish } = yield* Effect.flatMap(gateway(Replies.answer("whole")), ({ url }) =>
          Effect.promise(() => client.streamed(asking(url)))
        )
        const seconds = [
          ["openai-compatible", Replies.answer(" of it")],
          ["anthropic-compatible", says(" of it")]
        ] as const
        for (const [vendor, reply] of seconds) {
          const first = yield* Upstream.make(() => [...Replies.opening("half"), { end: "reset" }])
          const second = yield* Upstream.make(reply)
          const speakers: ReadonlyArray<Speaker> = [
            ["openai-compatible", first],
            [vendor, second]
          ]
          const running = yield* between("standalone", speakers, { routing })
          const heard = yield* Effect.promise(() => client.streamed(asking(running.url)))
          assert.deepStrictEqual(heard, { text: "half of it", calls: [], finish })
          assert.strictEqual(yield* textOf(client.pieces(running.url, never)), "half of it")
        }
      })
    )

    it.scopedLive("throws when a stream breaks after its first output, and never takes it for whole", () =>
      Effect.gen(function* () {
        const { url } = yield* gateway(() => [...Replies.opening("half an"), { end: "close" }], Replies.answer("other"))
        const said: Array<string> = []
        const error = yield* rejection(async () => {
          for await (const piece of client.pieces(url, never)) said.push(piece)
        })
        assert.strictEqual(said.join(""), "half an")
        assert.include(JSON.stringify(error) + String(error), "first")
      })
    )
  })
}
