import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Replies from "../support/replies.js"
import { chain, doors, keyOf } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { bodyOf, chat, eventsOf, open, streaming } from "./asking.js"

/** What parsing and printing again would spoil: big integers, white space, escapes, the order and repetition of keys. */
const delicate = `{ "vendor_field": {"deep": [1e400, 9007199254740993, -0.0, 1.10]},
  "seed": 12345678901234567890,\t"logit_bias": {"9": 1, "10": -1},
  "messages": [{"role": "user", "content": "\\u00e9\\ud83d\\ude00 \\/ é", "name": "a", "name": "b"}],
  "model": "m"`

const closes = ({ headers, status }: { readonly headers: Readonly<Record<string, string>>; readonly status: number }) =>
  Replies.head(status, { ...headers, connection: "close" })

for (const door of doors) {
  describe(`${door}: what a provider is sent`, () => {
    it.scopedLive("is the caller's body, byte for byte", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("hello"))
        const gateway = yield* chain(door, [upstream])
        for (const body of [`${delicate}}`, `${delicate}, "stream":true, "stream_options": {"include_usage":true}}`]) {
          yield* chat(gateway, body)
          assert.strictEqual(upstream.received.at(-1)?.body.toString("utf8"), body)
        }
      })
    )

    it.scopedLive("is asked for the usage of a stream; nothing else of the body changes", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("hello"))
        yield* chat(yield* chain(door, [upstream]), `${delicate}, "stream": true}`)
        const [received] = upstream.received
        const sent = `${delicate}, "stream": true,"stream_options":{"include_usage":true}}`
        assert.strictEqual(received?.body.toString("utf8"), sent)
      })
    )

    it.scopedLive("does not hold what is meant for the gateway", () =>
      Effect.gen(function* () {
        const first = yield* Upstream.make(Replies.failure(503, { message: "down" }))
        const second = yield* Upstream.make(Replies.answer("hello"))
        const fallback = { providers: [{ provider: "second", model_name: "other", max_tokens: 7, temperature: 0.5 }] }
        const extensions = { fallback, models: ["m"], provider: { order: ["a"] }, stream_options: null }
        yield* chat(yield* chain(door, [first, second]), extensions)
        assert.strictEqual(first.received[0]?.body.toString("utf8"), bodyOf())
        assert.strictEqual(
          second.received[0]?.body.toString("utf8"),
          bodyOf({ max_tokens: 7, temperature: 0.5 }).replace('"m"', '"other"')
        )
      })
    )

    it.scopedLive("is the gateway's key for it, and none of the caller's headers", () =>
      Effect.gen(function* () {
        const first = yield* Upstream.make(Replies.failure(503, { message: "down" }))
        const second = yield* Upstream.make(Replies.answer("hello"))
        const gateway = yield* chain(door, [first, second])
        yield* chat(
          gateway,
          {},
          { authorization: "Bearer mine", "x-api-key": "mine", cookie: "a=b", "x-orelse-trace": "1" }
        )
        for (const [position, upstream] of [first, second].entries()) {
          const { host: _, ...headers } = upstream.received[0]?.headers ?? {}
          assert.deepStrictEqual(headers, {
            connection: "keep-alive",
            authorization: `Bearer ${keyOf(position)}`,
            "user-agent": "orelse",
            "accept-encoding": "identity",
            "content-type": "application/json",
            accept: "application/json",
            "content-length": String(bodyOf().length)
          })
          assert.strictEqual(upstream.received[0]?.path, "/v1/chat/completions")
        }
      })
    )
  })

  describe(`${door}: the connection to a provider`, () => {
    it.scopedLive("is kept after whole answers, streams and errors, and used again", () =>
      Effect.gen(function* () {
        const hello = Replies.answer("hello")
        const upstream = yield* Upstream.make(hello, hello, Replies.failure(503, { message: "down" }), hello)
        const gateway = yield* chain(door, [upstream])
        for (const request of [{}, streaming, {}, {}]) yield* chat(gateway, request)
        assert.deepStrictEqual(
          [upstream.received.length, new Set(upstream.received.map(({ from }) => from)).size],
          [4, 1]
        )
      })
    )

    it.scopedLive("is a new one where the provider closes each", () =>
      Effect.gen(function* () {
        const closing: Upstream.Reply = (asked) =>
          Replies.answer("hello")(asked).map((step) => ("head" in step ? closes(step.head) : step))
        const upstream = yield* Upstream.make(closing)
        const gateway = yield* chain(door, [upstream])
        for (const request of [{}, {}, streaming, streaming])
          assert.strictEqual((yield* chat(gateway, request)).status, 200)
        assert.strictEqual(new Set(upstream.received.map(({ from }) => from)).size, 4)
      })
    )
  })

  describe(`${door}: what a caller is sent`, () => {
    it.scopedLive("is a stream that nothing in between may collect", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.answer("hello"))
        const { headers } = yield* chat(yield* chain(door, [upstream]), streaming)
        assert.deepStrictEqual(
          ["content-type", "cache-control", "x-accel-buffering"].map((name) => headers.get(name)),
          ["text/event-stream; charset=utf-8", "no-cache", "no"]
        )
      })
    )

    it.scopedLive("comes piece by piece, as the provider says it", () =>
      Effect.gen(function* () {
        const more = yield* Effect.makeLatch()
        const upstream = yield* Upstream.make(Replies.answerThen("word", more.await))
        const reading = yield* open(yield* chain(door, [upstream]))
        let said = ""
        while (!said.includes("word")) said += yield* reading.piece
        yield* more.open
        assert.strictEqual(said + (yield* reading.rest), upstream.received[0]?.sent().toString("utf8"))
      })
    )

    it.scopedLive("is the provider's answer, byte for byte", () =>
      Effect.gen(function* () {
        const body = ` {"id": "x", "n": 12345678901234567890, "choices": [{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"\\u00e9"}}]}\n`
        const upstream = yield* Upstream.make(() => Replies.json(200, body))
        const answer = yield* chat(yield* chain(door, [upstream]))
        assert.strictEqual(answer.body.toString("utf8"), body)
        assert.strictEqual(answer.headers.get("content-length"), String(body.length))
      })
    )

    it.scopedLive("is every frame of a stream as it came: comments, line ends, unknown fields and events", () =>
      Effect.gen(function* () {
        const frames = [
          ': ping\r\n\r\ndata:{"choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":null}],"n":12345678901234567890}\r\n\r\n',
          ': another\n\nevent: note\nid: 7\ndata: {"choices":[],"vendor":{"x":1}}\n\n',
          'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
          'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'
        ]
        const upstream = yield* Upstream.make(() => [
          Replies.head(200, Replies.eventStream),
          ...frames.map((data) => ({ data })),
          { data: "data: [DONE]\n\n" },
          { end: "end" }
        ])
        const answer = yield* chat(yield* chain(door, [upstream]), streaming)
        const committed = frames.join("").replace(": ping\r\n\r\n", "")
        assert.strictEqual(answer.body.toString("utf8"), `${committed}data: [DONE]\n\n`)
      })
    )

    it.scopedLive("does not hold frames that are no JSON, of which clients die", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make((asked) => {
          const [head, preamble, ...rest] = Replies.answer("hello")(asked)
          const noise = { data: "data: <html>\n\n" }
          return [head, noise, preamble, noise, ...rest].filter((step) => step !== undefined)
        })
        const answer = yield* chat(yield* chain(door, [upstream]), streaming)
        const clean = upstream.received[0]?.sent().toString("utf8").replaceAll("data: <html>\n\n", "")
        assert.strictEqual(answer.body.toString("utf8"), clean)
      })
    )

    it.scopedLive("ends with one end mark, also where the provider forgot its own", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(() => [
          ...Replies.opening("hello"),
          Replies.frame({}, "stop"),
          { end: "end" }
        ])
        const answer = yield* chat(yield* chain(door, [upstream]), streaming)
        assert.deepStrictEqual(
          eventsOf(answer).map((event) => event === "[DONE]"),
          [false, false, false, true]
        )
      })
    )
  })

  describe(`${door}: the usage of a stream`, () => {
    for (const [asked, request] of [
      [true, streaming],
      [false, { stream: true }],
      [false, { stream: true, stream_options: { include_usage: false } }]
    ] as const) {
      it.scopedLive(`is ${asked ? "shown to" : "hidden from"} a caller who says ${JSON.stringify(request)}`, () =>
        Effect.gen(function* () {
          const upstream = yield* Upstream.make(Replies.answer("hello there"))
          const gateway = yield* chain(door, [upstream])
          const answer = yield* chat(gateway, request)
          const { cost_usd, input_tokens, output_tokens } = yield* gateway.line
          assert.strictEqual(answer.body.includes('"usage"'), asked)
          assert.strictEqual(upstream.received[0]?.usage, true)
          assert.deepStrictEqual([input_tokens, output_tokens, cost_usd], [9, 3, "0.000039"])
        })
      )
    }
  })
}
