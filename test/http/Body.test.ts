import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect } from "node:net"
import { Readable } from "node:stream"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Running } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, bodyOf, chat } from "./asking.js"

const limit = 64 * 1024
/** More than the buffers of two sockets hold: a gateway that does not read it on resets or hangs. */
const huge = Buffer.alloc(24 * 1024 * 1024, 0x20)

const limited = (door: Door) =>
  Effect.gen(function* () {
    const upstream = yield* Upstream.make(Replies.answer("hello"))
    const { server } = settings()
    const gateway = yield* chain(door, [upstream], { settings: { server: { ...server, bodyLimit: limit } } })
    return { gateway, upstream }
  })

/** Sends everything, reads everything; fails on a reset. */
const overSocket = (gateway: Running, head: string, body: Buffer): Effect.Effect<string> =>
  Effect.promise(async () => {
    const socket = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true })
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n${head}\r\n\r\n`)
    socket.write(body)
    const parts: Array<Buffer> = []
    for await (const part of socket) parts.push(part)
    socket.end()
    return Buffer.concat(parts).toString("latin1")
  })

for (const door of doors) {
  describe(`${door}: a body over the limit`, () => {
    it.scopedLive("is refused with 413 in OpenAI's shape, by its content-length", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* limited(door)
        const answer = yield* chat(gateway, huge.toString("latin1"))
        assert.strictEqual(answer.status, 413)
        assert.deepStrictEqual(at(answer, "error"), {
          message: "the request body is larger than 65536 bytes",
          type: "invalid_request_error",
          param: null,
          code: "request_too_large"
        })
        assert.strictEqual(answer.headers.get("connection"), "close")
        assert.strictEqual(upstream.received.length, 0)
      })
    )

    it.scopedLive("is refused with 413 when it comes in chunks of unknown length", () =>
      Effect.gen(function* () {
        const { gateway } = yield* limited(door)
        const answer = yield* ask(gateway, "/v1/chat/completions", {
          method: "POST",
          body: Readable.from([huge.subarray(0, 50_000), huge]),
          duplex: "half"
        })
        assert.deepStrictEqual([answer.status, at(answer, "error", "code")], [413, "request_too_large"])
        assert.strictEqual(answer.headers.get("connection"), "close")
      })
    )

    it.scopedLive("is read to its end, and then the connection is closed without a reset", () =>
      Effect.gen(function* () {
        const { gateway } = yield* limited(door)
        const size = huge.length.toString(16)
        const chunked = Buffer.concat([Buffer.from(`${size}\r\n`), huge, Buffer.from("\r\n0\r\n\r\n")])
        const answers = [
          yield* overSocket(gateway, `content-length: ${huge.length}`, huge),
          yield* overSocket(gateway, "transfer-encoding: chunked", chunked)
        ]
        for (const answer of answers) {
          assert.match(answer, /^HTTP\/1\.1 413 /)
          assert.strictEqual(answer.match(/HTTP\/1\.1/g)?.length, 1)
        }
      })
    )

    it.scopedLive("is one byte over it; a body of just the limit is served", () =>
      Effect.gen(function* () {
        const { gateway } = yield* limited(door)
        const fits = bodyOf().padEnd(limit, " ")
        assert.strictEqual((yield* chat(gateway, fits)).status, 200)
        assert.strictEqual((yield* chat(gateway, `${fits} `)).status, 413)
        assert.deepStrictEqual(
          gateway.lines.map(({ status }) => status),
          [200, 413]
        )
      })
    )
  })

  const malformed: ReadonlyArray<readonly [string, string | Buffer, RegExp]> = [
    ["a word that is no JSON", '{"model":"m",\n  "messages": [hunter2]}', /line 2, column 16/],
    ["an end in the middle", '{"model":"hunter2"', /line 1, column 19/],
    ["a trailing comma", '{\n"model":"hunter2",\n}', /line 3, column 1/],
    ["a comment", '{"model": // hunter2\n "m"}', /line 1, column 11/],
    ["nothing", "", /empty/],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]), /UTF-8/],
    ["brackets nested thousands deep", "[".repeat(60_000), /nested|not JSON/]
  ]

  describe(`${door}: a body that is not JSON`, () => {
    for (const [what, body, where] of malformed) {
      it.scopedLive(`is refused with 400 and its place, and not repeated: ${what}`, () =>
        Effect.gen(function* () {
          const { gateway, upstream } = yield* limited(door)
          for (const path of ["/v1/chat/completions", "/v1/route"]) {
            const answer = yield* ask(gateway, path, { method: "POST", body })
            assert.deepStrictEqual([answer.status, at(answer, "error", "code")], [400, "invalid_json"])
            assert.match(String(at(answer, "error", "message")), where)
            assert.notInclude(answer.body.toString(), "hunter2")
          }
          assert.strictEqual(upstream.received.length, 0)
        })
      )
    }

    it.scopedLive("but compressed, is refused with 415", () =>
      Effect.gen(function* () {
        const { gateway } = yield* limited(door)
        const answer = yield* chat(gateway, bodyOf(), { "content-encoding": "gzip" })
        assert.deepStrictEqual([answer.status, at(answer, "error", "code")], [415, "unsupported_content_encoding"])
      })
    )
  })

  const wrong: ReadonlyArray<readonly [string, string | null, string]> = [
    ["[]", null, "invalid_type"],
    ["null", null, "invalid_type"],
    ['"hunter2"', null, "invalid_type"],
    ["{}", "messages", "missing_required_parameter"],
    ['{"messages":[]}', "model", "missing_required_parameter"],
    [bodyOf({ model: 7 }), "model", "invalid_type"],
    [bodyOf({ model: "" }), "model", "missing_required_parameter"],
    [bodyOf({ messages: "hunter2" }), "messages", "invalid_type"],
    [bodyOf({ messages: ["hunter2"] }), "messages[0]", "invalid_type"],
    [bodyOf({ messages: [{ role: "user" }, { role: ["hunter2"] }] }), "messages[1].role", "invalid_type"],
    [bodyOf({ messages: [{ content: "hunter2" }] }), "messages[0].role", "missing_required_parameter"],
    [bodyOf({ stream: "hunter2" }), "stream", "invalid_type"],
    [bodyOf({ temperature: "hunter2" }), "temperature", "invalid_type"],
    [bodyOf({ models: ["m", 3] }), "models[1]", "invalid_type"],
    [bodyOf({ fallback: { max_retries_per_provider: -1 } }), "fallback.max_retries_per_provider", "invalid_type"],
    [
      bodyOf({ fallback: { providers: [{ provider: "first", model_name: "m", catch_errors: ["all", "hunter2"] }] } }),
      "fallback.providers[0].catch_errors[1]",
      "invalid_type"
    ],
    [
      bodyOf({ fallback: { providers: [{ provider: "hunter3", model_name: "m" }] } }),
      "fallback.providers[0].provider",
      "invalid_type"
    ],
    [
      bodyOf({ fallback: { providers: [{ provider: "first", model_name: "m", base_url: "http://evil.example/v1" }] } }),
      "fallback.providers[0].base_url",
      "invalid_type"
    ]
  ]

  describe(`${door}: JSON that is no chat request`, () => {
    it.scopedLive("is refused with 400 and the field to change, without the value that was found", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* limited(door)
        for (const [body, param, code] of wrong) {
          const answer = yield* chat(gateway, body)
          assert.deepStrictEqual(
            [answer.status, at(answer, "error", "param"), at(answer, "error", "code")],
            [400, param, code],
            body
          )
          assert.strictEqual(at(answer, "error", "type"), "invalid_request_error")
          assert.notInclude(answer.body.toString(), "hunter2")
        }
        assert.strictEqual(upstream.received.length, 0)
      })
    )
  })
}
