import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { answer, answerThen, silence } from "../support/replies.js"
import * as Upstream from "../support/upstream.js"
import { chat, get, isDraining, serve, stream } from "./support/gateway.js"

/** A gateway whose only provider is this one. */
const servedBy = (upstream: Upstream.Upstream) =>
  serve({ env: { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: upstream.url } })

describe("a gateway that is told to stop", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it.scopedLive(`by ${signal} finishes the stream in flight, takes nothing new, and ends with 0`, () =>
      Effect.gen(function* () {
        const more = yield* Effect.makeLatch()
        const upstream = yield* Upstream.make(answerThen("Slow but whole.", more.await))
        const gateway = yield* servedBy(upstream)
        const { first, whole } = yield* stream(gateway.url)
        assert.include(first, "data: ")

        yield* gateway.signal(signal)
        yield* isDraining(gateway.url)
        assert.deepStrictEqual(
          [(yield* get(`${gateway.url}/livez`)).status, (yield* chat(gateway.url)).status],
          [200, 503]
        )

        yield* more.open
        const text = yield* whole
        assert.match(text, /Slow[^]* but[^]* whole\.[^]*"finish_reason":"stop"[^]*data: \[DONE\]\n\n$/)
        const { code, ms, signal: killedBy } = yield* gateway.ended
        assert.deepStrictEqual([code, killedBy], [0, null])
        assert.isBelow(ms, 10_000)
      })
    )
  }

  it.scopedLive("waits for a whole answer too", () =>
    Effect.gen(function* () {
      const more = yield* Effect.makeLatch()
      const upstream = yield* Upstream.make((asked) => [{ wait: more.await }, ...answer("Late.")(asked)])
      const gateway = yield* servedBy(upstream)
      const asked = yield* Effect.fork(chat(gateway.url))
      yield* upstream.next
      yield* gateway.signal("SIGTERM")
      yield* isDraining(gateway.url)
      yield* more.open
      assert.strictEqual((yield* Fiber.join(asked)).status, 200)
      assert.strictEqual((yield* gateway.ended).code, 0)
    })
  )

  it.scopedLive("dies when it is told again", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(silence)
      const gateway = yield* servedBy(upstream)
      yield* Effect.fork(chat(gateway.url))
      yield* upstream.next
      yield* gateway.signal("SIGTERM")
      yield* isDraining(gateway.url)
      // A repetition that comes too soon may be the same wish, passed on by npm.
      const again = Effect.repeat(gateway.signal("SIGTERM"), Schedule.spaced("200 millis"))
      const { ms, signal } = yield* Effect.raceFirst(gateway.ended, Effect.zipRight(again, Effect.never))
      assert.strictEqual(signal, "SIGTERM")
      assert.isBelow(ms, 2000)
    })
  )

  it.scopedLive("ends soon when nobody is served, whatever connections are kept open", () =>
    Effect.gen(function* () {
      const gateway = yield* serve()
      assert.strictEqual((yield* chat(gateway.url)).status, 200)
      yield* gateway.signal("SIGTERM")
      const { code, ms } = yield* gateway.ended
      assert.strictEqual(code, 0)
      assert.isBelow(ms, 2000)
    })
  )
})
