import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Replies from "../support/replies.js"
import { chain, doors, keyOf } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { at, chat, streaming } from "./asking.js"

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth)

/** Error objects that are no strings and numbers where a vendor has some. */
const odd = [
  { error: { status: { toString: 1 } } },
  { error: { code: { toString: null }, message: ["x"], type: 5 } },
  { error: { message: { message: {} } } }
]

for (const door of doors) {
  describe.concurrent(`${door}: what a caller sends`, () => {
    it.scopedLive("may be nested beyond any depth: it is refused with its field, and the gateway goes on", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [yield* Upstream.make(Replies.answer("hello"))])
        const deep = nested(50_000)
        const refused = yield* chat(gateway, `{"model":${deep},"messages":[]}`)
        assert.deepStrictEqual([refused.status, at(refused, "error", "param")], [400, "model"])
        const asked = yield* chat(gateway, `{"model":"m","messages":[],"metadata":${deep}}`)
        assert.strictEqual(asked.status, 200)
      })
    )

    it.scopedLive("may name too many models, or one too long: it is refused with its field", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [yield* Upstream.make(Replies.answer("hello"))])
        const models = Array.from({ length: 33 }, (_, each) => `m-${each}`)
        for (const [fields, param] of [
          [{ models }, "models"],
          [{ model: "x".repeat(257) }, "model"]
        ] as const) {
          const refused = yield* chat(gateway, fields)
          assert.deepStrictEqual([refused.status, at(refused, "error", "param")], [400, param])
        }
      })
    )
  })

  describe.concurrent(`${door}: what a provider sends`, () => {
    for (const [how, request] of [
      ["streaming", streaming],
      ["not streaming", {}]
    ] as const) {
      it.scopedLive(`may be an error of any form, ${how}: the next one answers`, () =>
        Effect.gen(function* () {
          for (const error of odd) {
            const first = yield* Upstream.make(() => Replies.json(200, error))
            const gateway = yield* chain(door, [first, yield* Upstream.make(Replies.answer("hello"))])
            const answer = yield* chat(gateway, request)
            assert.deepStrictEqual([answer.status, answer.headers.get("x-orelse-instance")], [200, "second"])
          }
        })
      )
    }

    it.scopedLive("may repeat the key that it was shown, cut off or not: no caller sees it", () =>
      Effect.gen(function* () {
        const key = keyOf(0).replace(/^sk-/, "plain words ")
        for (const before of ["", "x ".repeat(240)]) {
          const message = `${before}${key} ${"y ".repeat(300)}`
          const wrong = Replies.failure(400, { message, code: key, type: "invalid_request_error" })
          const gateway = yield* chain(door, [yield* Upstream.make(wrong)], { first: { apiKey: Redacted.make(key) } })
          const answer = yield* chat(gateway)
          assert.strictEqual(answer.status, 400)
          assert.notInclude(answer.body.toString("utf8"), key.slice(0, 16))
        }
      })
    )
  })
}
