import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat, eventsOf, streaming, type Answer } from "./asking.js"

const down = Replies.failure(503, { message: "down" })

/** A gateway whose first provider is down. */
const failingOver = (door: Door) =>
  Effect.gen(function* () {
    return yield* chain(door, [yield* Upstream.make(down), yield* Upstream.make(Replies.answer("hello there"))])
  })

const ours = (answer: Answer) =>
  Object.fromEntries(
    ["provider", "instance", "model", "attempts", "fallback", "cache", "cost-usd"].map((name) => [
      name,
      answer.headers.get(`x-orelse-${name}`)
    ])
  )

const nobody = { provider: null, instance: null, model: null, attempts: "0", fallback: "false", cache: "bypass" }

for (const door of doors) {
  describe(`${door}: the headers of an answer`, () => {
    it.scopedLive("say who answered, in how many calls, whether anybody failed before, and what it cost", () =>
      Effect.gen(function* () {
        const gateway = yield* failingOver(door)
        const served = { provider: "openai-compatible", instance: "second", model: "m" }
        const fellBack = { ...served, attempts: "2", fallback: "true", cache: "bypass" }
        const buffered = yield* chat(gateway)
        assert.deepStrictEqual(ours(buffered), { ...fellBack, "cost-usd": "0.000039" })
        const streamed = yield* chat(gateway, { stream: true })
        assert.deepStrictEqual(ours(streamed), { ...fellBack, "cost-usd": null })
        const direct = yield* chat(gateway, { model: "second/m" })
        assert.deepStrictEqual(ours(direct), { ...fellBack, attempts: "1", fallback: "false", "cost-usd": "0.000039" })
      })
    )

    it.scopedLive("are on refusals and on the other routes too", () =>
      Effect.gen(function* () {
        const gateway = yield* failingOver(door)
        const answers = [
          yield* chat(gateway, "{"),
          yield* ask(gateway, "/v1/nothing"),
          yield* ask(gateway, "/v1/chat/completions"),
          yield* ask(gateway, "/v1/models/none"),
          yield* ask(gateway, "/v1/models"),
          yield* ask(gateway, "/health")
        ]
        for (const answer of answers) {
          assert.deepStrictEqual(ours(answer), { ...nobody, "cost-usd": null })
          assert.match(answer.headers.get("server-timing") ?? "", /^orelse;dur=\d+\.\d\d$/)
          assert.match(answer.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/)
        }
      })
    )

    it.scopedLive("keep the caller's own request id where it is harmless; else each answer has its own", () =>
      Effect.gen(function* () {
        const gateway = yield* failingOver(door)
        const kept = yield* chat(gateway, {}, { "x-request-id": "trace:42_a.b-c" })
        assert.strictEqual(kept.headers.get("x-request-id"), "trace:42_a.b-c")
        assert.strictEqual((yield* gateway.line).id, "trace:42_a.b-c")
        const harmful = ["a b", "<script>", "é", "x".repeat(129)]
        const ids = yield* Effect.forEach(harmful, (id) =>
          Effect.map(chat(gateway, {}, { "x-request-id": id }), ({ headers }) => headers.get("x-request-id"))
        )
        assert.strictEqual(new Set(ids).size, harmful.length)
        for (const id of ids) assert.match(id ?? "", /^[0-9a-f-]{36}$/)
      })
    )

    it.scopedLive("count as the gateway's own share what no provider took", () =>
      Effect.gen(function* () {
        const latch = yield* Effect.makeLatch()
        const upstream = yield* Upstream.make((asked) => [{ wait: latch.await }, ...Replies.answer("hello")(asked)])
        const gateway = yield* chain(door, [upstream])
        const started = performance.now()
        const asking = yield* Effect.fork(chat(gateway))
        yield* upstream.next
        while (performance.now() - started < 100) yield* ask(gateway, "/livez")
        yield* latch.open
        const answer = yield* asking
        const share = Number(answer.headers.get("server-timing")?.replace("orelse;dur=", ""))
        assert.isBelow(share, performance.now() - started - 50)
      })
    )

    it.scopedLive("spell a model's name in ASCII, whatever the caller called it", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("hello"))
        const gateway = yield* chain(door, [upstream])
        for (const [name, spelled] of [
          ["modèle\r\nx-evil: 1", "mod%C3%A8le%0D%0Ax-evil%3A%201"],
          ["half \ud83d", "half%20%EF%BF%BD"],
          ["x".repeat(256), "x".repeat(256)]
        ] as const) {
          const answer = yield* chat(gateway, { model: name })
          assert.deepStrictEqual([answer.status, answer.headers.get("x-orelse-model")], [200, spelled])
        }
      })
    )
  })

  describe(`${door}: x-orelse-trace`, () => {
    const traced = { "x-orelse-trace": "1" }
    const fields = ["instance", "provider", "model", "outcome", "category", "status", "cost"]
    const expected = [
      ["first", "openai-compatible", "m", "failure", "provider_unavailable", 503, "0"],
      ["second", "openai-compatible", "m", "success", null, 200, "0.000039"]
    ]

    it.scopedLive("adds every attempt to the body, whose own bytes stay", () =>
      Effect.gen(function* () {
        const gateway = yield* failingOver(door)
        const plain = yield* chat(gateway)
        const answer = yield* chat(gateway, {}, traced)
        const attempts = [0, 1].map((index) => fields.map((field) => at(answer, "orelse", "attempts", index, field)))
        assert.deepStrictEqual(attempts, expected)
        assert.isNumber(at(answer, "orelse", "attempts", 0, "ms"))
        assert.isTrue(answer.body.toString().startsWith(plain.body.toString().slice(0, -1)))
        assert.isUndefined(at(plain, "orelse"))
      })
    )

    it.scopedLive("adds a chunk without choices to a stream, before its end mark", () =>
      Effect.gen(function* () {
        const gateway = yield* failingOver(door)
        const events = eventsOf(yield* chat(gateway, streaming, traced))
        assert.strictEqual(events.at(-1), "[DONE]")
        const chunk = JSON.parse(events.at(-2) ?? "")
        const attempts = [0, 1].map((index) => fields.map((field) => chunk.orelse.attempts[index][field]))
        assert.deepStrictEqual(attempts, expected)
        assert.deepStrictEqual([chunk.object, chunk.choices], ["chat.completion.chunk", []])
      })
    )

    it.scopedLive("shows the attempts of a broken stream before its error", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(() => [...Replies.opening("half"), { end: "end" }])
        const events = eventsOf(yield* chat(yield* chain(door, [upstream]), streaming, traced))
        const [trace, error] = events.slice(-2).map((event) => JSON.parse(event))
        assert.strictEqual(trace.orelse.attempts[0].category, "malformed_response")
        assert.strictEqual(error.error.code, "provider_malformed_response")
      })
    )

    it.scopedLive("shows the attempts of a failure that would be shown alone", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [yield* Upstream.make(down)])
        assert.isUndefined(at(yield* chat(gateway), "error", "attempts"))
        assert.strictEqual(at(yield* chat(gateway, {}, traced), "error", "attempts", 0, "status"), 503)
      })
    )
  })
}
