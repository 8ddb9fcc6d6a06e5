import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Replies from "../support/replies.js"
import { chain, doors } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { ask, bodyOf, chat, streaming } from "./asking.js"

for (const door of doors) {
  describe(`${door}: the access log`, () => {
    it.scopedLive("has one line for each request, with what it took and none of its content", () =>
      Effect.gen(function* () {
        const down = Replies.failure(503, { message: "down" })
        const providers = yield* Effect.forEach([down, Replies.answer("secret answer")], (reply) =>
          Upstream.make(reply)
        )
        const gateway = yield* chain(door, providers)
        const path = "/v1/chat/completions"
        const messages = [{ role: "user", content: "secret question" }]
        yield* chat(gateway, { messages })
        yield* chat(gateway, { messages, ...streaming })
        yield* ask(gateway, `${path}?key=secret`, { method: "POST", body: bodyOf({ messages: "secret question" }) })
        yield* ask(gateway, "/v1/models")
        yield* ask(gateway, "/v1/secret-not", { method: "DELETE" })
        yield* ask(gateway, "/readyz")
        const lines = gateway.lines.map(({ id, ms, ...line }) => {
          assert.match(id, /^[0-9a-f-]{36}$/)
          assert.isAbove(ms, 0)
          return line
        })
        const served = {
          method: "POST",
          path,
          status: 200,
          asked: "m",
          instance: "second",
          model: "m",
          attempts: 2,
          fallback: true,
          input_tokens: 9,
          output_tokens: 3,
          cost_usd: "0.000039"
        }
        assert.deepStrictEqual(lines, [
          { ...served, stream: false },
          { ...served, stream: true },
          { method: "POST", path, status: 400, failure: "invalid_type" },
          { method: "GET", path: "/v1/models", status: 200 },
          { method: "DELETE", path: "/v1/secret-not", status: 404, failure: "unknown_url" }
        ])
        assert.notInclude(gateway.log.join("\n"), "secret")
      })
    )

    it.scopedLive("says of a failed request whom it asked and why it failed", () =>
      Effect.gen(function* () {
        const upstream = yield* Upstream.make(Replies.failure(429, { message: "slow down" }))
        const gateway = yield* chain(door, [upstream, Upstream.refusing])
        yield* chat(gateway, streaming)
        const { attempts, failure, fallback, instance, status, stream } = yield* gateway.line
        assert.deepStrictEqual(
          [status, failure, instance, attempts, fallback, stream],
          [503, "fallback_exhausted", "second", 2, true, true]
        )
      })
    )
  })
}
