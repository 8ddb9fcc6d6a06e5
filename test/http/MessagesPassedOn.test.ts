import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Json from "../../src/protocol/Json.js"
import { eventsIn, wrong } from "../protocol/anthropic/order.js"
import * as Replies from "../support/replies.js"
import { doors, keyOf } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { at, chat, eventsOf, streaming } from "./asking.js"
import { before, between, says, send } from "./messaging.js"

const down = Replies.failure(503, { message: "down" })
const traced = { "x-orelse-trace": "1" }

for (const door of doors) {
  describe(`${door}: what goes to a provider of Anthropic's dialect`, () => {
    const asking = { "anthropic-beta": "a-2026-01-01,b-2026-02-02", "anthropic-version": "2026-10-21" }

    it.scopedLive("is the caller's own bytes and answer, and the gateway's key", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(says("hello"))
        const gateway = yield* between(door, [["anthropic-compatible", upstream]])
        const body = `{ "model":"m", "max_tokens": 9, "n": [1e400, 12345678901234567890],\t"messages": [] }`
        const answer = yield* send(gateway, body, { "x-api-key": "the caller's" })
        const [received] = upstream.received
        assert.deepStrictEqual([received?.path, received?.body.toString()], ["/v1/messages", body])
        assert.deepStrictEqual(received?.sent().toString(), answer.body.toString())
        assert.strictEqual(received?.headers["x-api-key"], keyOf(0))
        assert.isUndefined(received?.headers.authorization)
        const streamed = yield* send(gateway, { stream: true })
        assert.strictEqual(upstream.received[1]?.sent().toString(), streamed.body.toString())
      })
    )

    it.scopedLive("is the caller's version and betas, and a version where it names none", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(says("hello"))
        const gateway = yield* between(door, [["anthropic-compatible", upstream]])
        yield* send(gateway, {}, asking)
        yield* send(gateway)
        const sent = upstream.received.map(({ headers }) => [headers["anthropic-beta"], headers["anthropic-version"]])
        assert.deepStrictEqual(sent, [
          ["a-2026-01-01,b-2026-02-02", "2026-10-21"],
          [undefined, "2023-06-01"]
        ])
      })
    )

    it.scopedLive("never goes to another: no version, no betas", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* before(door, Replies.answer("hello"))
        yield* send(gateway, {}, asking)
        yield* chat(gateway, {}, asking)
        for (const { headers } of upstream.received) {
          assert.deepStrictEqual(
            Object.keys(headers).filter((name) => name.startsWith("anthropic")),
            []
          )
        }
      })
    )

    it.scopedLive("is what a caller of OpenAI's dialect asks, and comes back in that", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(says("hello"))
        const gateway = yield* between(door, [["anthropic-compatible", upstream]])
        const whole = yield* chat(gateway, { max_tokens: 9 }, asking)
        assert.deepStrictEqual(
          [at(whole, "object"), at(whole, "choices", 0, "message", "content"), at(whole, "usage", "total_tokens")],
          ["chat.completion", "hello", 12]
        )
        const events = eventsOf(yield* chat(gateway, streaming))
        assert.strictEqual(events.at(-1), "[DONE]")
        assert.include(events.join(), '"content":"hello"')
        const sent = upstream.received.map(({ headers }) => [headers["anthropic-beta"], headers["anthropic-version"]])
        assert.deepStrictEqual(
          sent,
          Array.from(sent, () => [undefined, "2023-06-01"])
        )
      })
    )
  })

  describe(`${door}: x-orelse-trace on /v1/messages`, () => {
    const outcomes = [
      ["first", "provider_unavailable"],
      ["second", null]
    ]

    it.scopedLive("adds every attempt to the message, and to a stream in a ping before its end", () =>
      Effect.gen(function* () {
        for (const [provider, reply] of [
          ["openai-compatible", Replies.answer("hello")],
          ["anthropic-compatible", says("hello")]
        ] as const) {
          const gateway = yield* between(door, [
            ["openai-compatible", yield* Upstream.make(down)],
            [provider, yield* Upstream.make(reply)]
          ])
          const whole = yield* send(gateway, {}, traced)
          const attempts = Json.records(at(whole, "orelse", "attempts"))
          assert.deepStrictEqual(
            attempts.map(({ category, instance }) => [instance, category]),
            outcomes
          )
          const events = eventsIn((yield* send(gateway, { stream: true }, traced)).body)
          assert.deepStrictEqual(wrong(events), [])
          const shown = Json.records(Json.record(events.at(-2)?.["orelse"])["attempts"])
          assert.strictEqual(events.at(-2)?.["type"], "ping")
          assert.deepStrictEqual(
            shown.map(({ category, instance }) => [instance, category]),
            outcomes
          )
        }
      })
    )
  })
}
