import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Replies from "../support/replies.js"
import { chain, doors, type Running } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { at, chat, type Answer } from "./asking.js"
import { send } from "./messaging.js"

const spent = Replies.failure(402, { message: "no credit" }, { "retry-after": "600" })

for (const door of doors) {
  describe(`${door}: when nobody is available`, () => {
    /** The quota of the only provider is spent, and so are the calls that are made in spite of it. */
    const exhausted = Effect.gen(function* () {
      const upstream = yield* Upstream.make(spent)
      const gateway = yield* chain(door, [upstream])
      for (let request = 0; request < 11; request++) yield* chat(gateway)
      assert.strictEqual(upstream.received.length, 11)
      return { gateway, upstream }
    })

    const shapes: ReadonlyArray<
      readonly [string, (gateway: Running, stream: boolean) => Effect.Effect<Answer>, string, string | undefined]
    > = [
      ["OpenAI's", (gateway, stream) => chat(gateway, { stream }), "service_unavailable", undefined],
      ["Anthropic's", (gateway, stream) => send(gateway, { stream }), "overloaded_error", "error"]
    ]
    for (const [whose, ask, type, outer] of shapes) {
      it.scopedLive(`it is 503 with the time to wait in ${whose} shape, and nobody is called`, () =>
        Effect.gen(function* () {
          const { gateway, upstream } = yield* exhausted
          for (const stream of [false, true]) {
            const answer = yield* ask(gateway, stream)
            assert.deepStrictEqual(
              [answer.status, at(answer, "type"), at(answer, "error", "type"), at(answer, "error", "code")],
              [503, outer, type, "no_provider_available"]
            )
            assert.deepStrictEqual(at(answer, "error", "attempts"), [])
            const wait = Number(answer.headers.get("retry-after"))
            assert.isAtLeast(wait, 590)
            assert.isAtMost(wait, 600)
            assert.isNull(answer.headers.get("x-should-retry"))
          }
          assert.strictEqual(upstream.received.length, 11)
        })
      )
    }
  })

  describe(`${door}: a provider that is down`, () => {
    it.scopedLive("is not called from the fourth request on, and each answer says that it is another's", () =>
      Effect.gen(function* () {
        const first = yield* Upstream.make(Replies.failure(503, { message: "down" }))
        const second = yield* Upstream.make(Replies.answer("it works"))
        const gateway = yield* chain(door, [first, second])
        for (let request = 1; request <= 6; request++) {
          const { headers, status } = yield* chat(gateway)
          const told = ["instance", "fallback", "attempts"].map((name) => headers.get(`x-orelse-${name}`))
          assert.deepStrictEqual([status, ...told], [200, "second", "true", request <= 3 ? "2" : "1"])
        }
        assert.deepStrictEqual([first.received.length, second.received.length], [3, 6])
      })
    )
  })
}
