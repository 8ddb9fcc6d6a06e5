import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { EventRow } from "../../src/store/EventLog.js"
import { RequestRow } from "../../src/store/RequestLog.js"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Overrides, type Running } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, bodyOf, chat, open, streaming, type Answer } from "./asking.js"

/** The first is down, the second answers. */
const served = (door: Door, overrides: Overrides = {}) =>
  Effect.gen(function* () {
    const down = yield* Upstream.make(Replies.failure(503, { message: "down" }))
    const second = yield* Upstream.make(Replies.answer("secret answer"))
    return yield* chain(door, [down, second], overrides)
  })

const idOf = ({ headers }: Answer): string => headers.get("x-request-id") ?? assert.fail("it has no id")

/** What is kept of an answered request. */
const kept = (gateway: Running, answer: Answer) => ask(gateway, `/admin/requests/${idOf(answer)}`)

const row = (answer: Answer): RequestRow => Schema.decodeUnknownSync(RequestRow)(at(answer))

const events = (gateway: Running, query = "") =>
  Effect.map(ask(gateway, `/admin/events${query}`), (answer) =>
    Schema.decodeUnknownSync(Schema.Array(EventRow))(at(answer, "events"))
  )

const path = "/v1/chat/completions"

for (const door of doors) {
  describe(`${door}: GET /admin/requests/{id}`, () => {
    it.scopedLive(
      "finds a request by the id of its answer: who was called and what came of it, never what was said",
      () =>
        Effect.gen(function* () {
          const gateway = yield* served(door)
          const before = Date.now()
          for (const fields of [{}, streaming]) {
            const answer = yield* chat(gateway, { messages: [{ role: "user", content: "secret question" }], ...fields })
            const found = yield* kept(gateway, answer)
            assert.strictEqual(found.status, 200)
            assert.notInclude(found.body.toString("utf8"), "secret")
            const { attempts, ms, timestamp, ...rest } = row(found)
            assert.deepStrictEqual(rest, {
              id: idOf(answer),
              tenant: "default",
              user: null,
              path,
              status: 200,
              model: "m",
              instance: "second",
              provider: "openai-compatible",
              provider_model_id: "m",
              stream: fields === streaming,
              fallback: true,
              failure: null,
              input_tokens: 9,
              output_tokens: 3,
              cost_usd: "0.000039"
            })
            assert.isAbove(ms, 0)
            assert.closeTo(Date.parse(timestamp), before, 10_000)
            const outcomes = attempts.map((attempt) => [
              attempt.instance,
              attempt.outcome,
              attempt.category,
              attempt.cost
            ])
            assert.deepStrictEqual(outcomes, [
              ["first", "failure", "provider_unavailable", "0"],
              ["second", "success", null, "0.000039"]
            ])
            assert.closeTo(Date.parse(attempts[0]?.started_at ?? ""), before, 10_000)
          }
        })
    )

    it.scopedLive("finds what failed, too, and what a caller left or wrote wrongly", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.failure(429, { message: "slow down" }))
        const gateway = yield* chain(door, [upstream, Upstream.refusing])
        const exhausted = row(yield* kept(gateway, yield* chat(gateway)))
        assert.deepStrictEqual(
          [exhausted.status, exhausted.failure, exhausted.attempts.length, exhausted.cost_usd],
          [503, "fallback_exhausted", 2, null]
        )
        const wrong = row(yield* kept(gateway, yield* chat(gateway, { messages: 1 })))
        assert.deepStrictEqual(
          [wrong.status, wrong.failure, wrong.model, wrong.attempts],
          [400, "invalid_type", null, []]
        )
        const messages = yield* ask(gateway, "/v1/messages", { method: "POST", body: bodyOf({ max_tokens: 9 }) })
        assert.strictEqual(row(yield* kept(gateway, messages)).path, "/v1/messages")
      })
    )

    it.scopedLive("finds a stream that its caller has left", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(() => Replies.opening("one two"))
        const gateway = yield* chain(door, [upstream])
        const reading = yield* open(gateway)
        yield* reading.piece
        yield* reading.leave
        const { id } = yield* gateway.line
        const left = row(yield* ask(gateway, `/admin/requests/${id}`))
        assert.deepStrictEqual([left.status, left.failure, left.attempts[0]?.outcome], [499, "cancelled", "cancelled"])
      })
    )

    it.scopedLive("says so where there is none: none with this id, and none but those that ask a provider", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        const none = yield* ask(gateway, "/admin/requests/never")
        assert.deepStrictEqual([none.status, at(none, "error", "code")], [404, "request_not_found"])
        assert.match(String(at(none, "error", "message")), /no request 'never' is known/)
        for (const other of ["/v1/models", "/admin/providers", "/health"]) {
          const answer = yield* ask(gateway, other)
          assert.strictEqual((yield* kept(gateway, answer)).status, 404, other)
        }
      })
    )

    it.scopedLive("keeps nothing of strangers", () =>
      Effect.gen(function* () {
        const adminKey = Redacted.make("admin-2c7f4e9a")
        const server = { ...settings().server, host: "0.0.0.0", adminKey }
        const gateway = yield* served(door, { settings: { server } })
        const key = { authorization: "Bearer admin-2c7f4e9a" }
        const refused = yield* chat(gateway)
        assert.strictEqual(refused.status, 401)
        const found = yield* ask(gateway, `/admin/requests/${idOf(refused)}`, { headers: key })
        assert.strictEqual(found.status, 404)
        const own = yield* chat(gateway, {}, key)
        assert.strictEqual((yield* ask(gateway, `/admin/requests/${idOf(own)}`)).status, 401)
        assert.strictEqual((yield* ask(gateway, `/admin/requests/${idOf(own)}`, { headers: key })).status, 200)
      })
    )

    it.scopedLive("keeps two requests apart whose callers gave them the same id", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        const id = { "x-request-id": "mine" }
        const first = yield* chat(gateway, {}, id)
        const other = yield* chat(gateway, { messages: 1 }, id)
        assert.deepStrictEqual([idOf(first), idOf(other) === "mine"], ["mine", false])
        assert.strictEqual(row(yield* kept(gateway, first)).status, 200)
        assert.strictEqual(row(yield* kept(gateway, other)).status, 400)
      })
    )

    it.scopedLive("keeps of the names that callers make up what a database takes", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        const found = row(yield* kept(gateway, yield* chat(gateway, { model: "half \ud800 nul \u0000" })))
        const name = "half \ufffd nul \ufffd"
        assert.deepStrictEqual(
          [found.model, found.provider_model_id, found.attempts.map(({ model }) => model)],
          [name, name, [name, name]]
        )
      })
    )
  })

  describe(`${door}: GET /admin/events`, () => {
    it.scopedLive("tells of failovers and circuits, the latest first, and each failover of its request", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        const ids = []
        for (const _ of [1, 2, 3]) ids.push(idOf(yield* chat(gateway)))
        const all = yield* events(gateway)
        assert.deepStrictEqual(
          all.map(({ event_type, request_id }) => [event_type, request_id]),
          [
            ["failover", ids[2]],
            ["circuit_open", null],
            ["failover", ids[1]],
            ["failover", ids[0]]
          ]
        )
        assert.deepInclude(all.at(-1), {
          instance: "first",
          to_instance: "second",
          model: "m",
          reason: "provider_unavailable",
          consecutive_failures: 1
        })
        assert.deepStrictEqual(yield* events(gateway, "?type=failover&instance=first&limit=1"), all.slice(0, 1))
        assert.deepStrictEqual(yield* events(gateway, "?instance=second"), [])
        assert.deepStrictEqual(yield* events(gateway, "?since=2999-01-01T00:00:00Z"), [])
        assert.strictEqual((yield* events(gateway, "?since=2000-01-01")).length, 4)
      })
    )

    it.scopedLive("says what is wrong with a question", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        for (const [query, param] of [
          ["limit=0", "limit"],
          ["limit=1001", "limit"],
          ["limit=all", "limit"],
          ["since=yesterday", "since"]
        ] as const) {
          const answer = yield* ask(gateway, `/admin/events?${query}`)
          assert.deepStrictEqual([answer.status, at(answer, "error", "param")], [400, param], query)
          assert.include(String(at(answer, "error", "message")), `'${param}' must be`)
        }
      })
    )
  })
}
