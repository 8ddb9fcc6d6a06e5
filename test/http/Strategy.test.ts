import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Settings } from "../../src/config/Settings.js"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Running } from "../support/server.js"
import { routing } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat } from "./asking.js"

const served = (door: Door, more: Partial<Settings["routing"]> = {}) =>
  Effect.gen(function* () {
    const first = yield* Upstream.make(Replies.answer("of the first"))
    const second = yield* Upstream.make(Replies.answer("of the second"))
    return yield* chain(door, [first, second], { settings: { routing: { ...routing, ...more } } })
  })

const put = (gateway: Running, body: string) => ask(gateway, "/admin/routing/strategy", { method: "PUT", body })

const servedBy = (
  gateway: Running,
  fields: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {}
) => Effect.map(chat(gateway, fields, headers), (answer) => answer.headers.get("x-orelse-instance"))

for (const door of doors) {
  describe(`${door}: /admin/routing/strategy`, () => {
    it.scopedLive("shows how requests are spread, and changes it from the next one on", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        assert.deepStrictEqual(at(yield* ask(gateway, "/admin/routing/strategy")), {
          strategy: "priority",
          weights: {}
        })
        assert.deepStrictEqual([yield* servedBy(gateway), yield* servedBy(gateway)], ["first", "first"])
        assert.deepStrictEqual(at(yield* put(gateway, '{"strategy":"round-robin"}')), {
          strategy: "round-robin",
          weights: {}
        })
        assert.deepStrictEqual([yield* servedBy(gateway), yield* servedBy(gateway)], ["first", "second"])
        assert.match(gateway.log.join("\n"), /an operator set the routing strategy to round-robin/)
        const weights = { first: 0, second: 1 }
        yield* put(gateway, JSON.stringify({ strategy: "weighted", weights }))
        assert.deepStrictEqual([yield* servedBy(gateway), yield* servedBy(gateway)], ["second", "second"])
        assert.deepStrictEqual(at(yield* ask(gateway, "/admin/routing/strategy")), { strategy: "weighted", weights })
        const explained = yield* ask(gateway, "/admin/failover/model/m")
        assert.strictEqual(at(explained, "failover_order", 0, "instance"), "second")
      })
    )

    it.scopedLive("says what is wrong with a change, and then makes none", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        for (const body of ["", "{}", '{"strategy":"fastest"}', '{"strategy":"weighted","weights":{"first":-1}}']) {
          const answer = yield* put(gateway, body)
          assert.deepStrictEqual([answer.status, at(answer, "error", "param")], [400, "strategy"], body)
          assert.include(String(at(answer, "error", "message")), "round-robin")
        }
        const none = yield* put(gateway, '{"strategy":"weighted","weights":{"third":1}}')
        assert.deepStrictEqual([none.status, at(none, "error", "code")], [404, "instance_not_found"])
        assert.strictEqual(at(yield* ask(gateway, "/admin/routing/strategy"), "strategy"), "priority")
      })
    )
  })

  describe(`${door}: what the caller says of providers`, () => {
    it.scopedLive("is followed: OpenRouter's `provider` object", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        assert.strictEqual(yield* servedBy(gateway, { provider: { order: ["second"] } }), "second")
        assert.strictEqual(yield* servedBy(gateway, { provider: { ignore: ["first"] } }), "second")
        const refused = yield* chat(gateway, { provider: { only: ["first"], ignore: ["first"] } })
        assert.deepStrictEqual(
          [refused.status, at(refused, "error", "code"), at(refused, "error", "param")],
          [400, "no_allowed_provider", "provider"]
        )
      })
    )

    it.scopedLive("is refused with the member that is wrong", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        const cases = [
          [{ order: "first" }, "provider.order"],
          [{ sort: "fastest" }, "provider.sort"],
          [{ max_price: { prompt: -1 } }, "provider.max_price.prompt"],
          [{ allow_fallbacks: "no" }, "provider.allow_fallbacks"]
        ] as const
        for (const [provider, param] of cases) {
          const refused = yield* chat(gateway, { provider })
          assert.deepStrictEqual([refused.status, at(refused, "error", "param")], [400, param])
        }
      })
    )

    it.scopedLive("is named in x-orelse-dropped where only OpenRouter could do it", () =>
      Effect.gen(function* () {
        const gateway = yield* served(door)
        const answer = yield* chat(gateway, { provider: { data_collection: "deny", zdr: true } })
        assert.strictEqual(answer.headers.get("x-orelse-dropped"), "provider.data_collection,provider.zdr")
      })
    )
  })

  describe(`${door}: a session`, () => {
    it.scopedLive("is named by the header that the operator chose", () =>
      Effect.gen(function* () {
        const sticky = { header: "x-conversation", by: ["header"], ttl: 60_000 } as const
        const gateway = yield* served(door, { strategy: "round-robin", sticky })
        const own = { "X-Conversation": "42" }
        const found = []
        for (let turn = 0; turn < 3; turn++) found.push(yield* servedBy(gateway, {}, own), yield* servedBy(gateway))
        assert.deepStrictEqual(found, ["first", "second", "first", "first", "first", "second"])
      })
    )
  })
}
