import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chain, doors, type Running } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { ask, at } from "./asking.js"

const sync = (gateway: Running, body?: string) =>
  ask(gateway, "/admin/models/sync", { method: "POST", ...(body === undefined ? {} : { body }) })

for (const door of doors) {
  describe(`${door}: POST /admin/models/sync`, () => {
    it.scopedLive("asks all instances without a body, logs a line for each, and the catalogue has the models", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [yield* Upstream.make(), Upstream.refusing])
        const before = yield* ask(gateway, "/admin/catalogue")
        assert.deepStrictEqual(at(before), { rows: [], more: false })
        const synced = yield* sync(gateway)
        assert.strictEqual(synced.status, 200)
        assert.strictEqual(at(synced, "kept"), "memory")
        assert.deepStrictEqual(
          [0, 1].map((n) => [at(synced, "instances", n, "instance"), at(synced, "instances", n, "added")]),
          [
            ["first", 1],
            ["second", 0]
          ]
        )
        assert.match(String(at(synced, "instances", 1, "failed")), /refused/)
        assert.match(gateway.log.join("\n"), /models of first: 1 model \(1 new/)
        assert.match(gateway.log.join("\n"), /models of second: failed: the connection was refused/)
        const after = yield* ask(gateway, "/admin/catalogue?model=m&instance=first")
        assert.deepStrictEqual([at(after, "rows", 0, "model"), at(after, "rows", 1)], ["m", undefined])
        assert.deepStrictEqual(at(yield* ask(gateway, "/admin/catalogue?instance=second"), "rows"), [])
      })
    )

    it.scopedLive("asks whom it is told to, and shows how names came about", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [yield* Upstream.make(), yield* Upstream.make()])
        const synced = yield* sync(gateway, JSON.stringify({ providers: ["second"], explain: true }))
        assert.deepStrictEqual(
          [at(synced, "instances", 0, "instance"), at(synced, "instances", 1)],
          ["second", undefined]
        )
        assert.strictEqual(at(synced, "instances", 0, "names", 0, "explanation"), "m: its own name")
      })
    )

    it.scopedLive("says what is wrong with a wish", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [Upstream.refusing])
        for (const body of ["{", "[]", '{"providers":[]}', '{"providers":"first"}', '{"explain":1}']) {
          const refused = yield* sync(gateway, body)
          assert.deepStrictEqual([refused.status, at(refused, "error", "param")], [400, "providers"], body)
        }
        const unknown = yield* sync(gateway, '{"providers":["nope"]}')
        assert.deepStrictEqual([unknown.status, at(unknown, "error", "code")], [404, "instance_not_found"])
        assert.strictEqual((yield* ask(gateway, "/admin/catalogue?limit=0")).status, 400)
      })
    )
  })

  describe(`${door}: GET /admin/failover/providers/{model}`, () => {
    it.scopedLive("tells who serves a model, in the order of its plan, and who would not be asked", () =>
      Effect.gen(function* () {
        const gateway = yield* chain(door, [yield* Upstream.make(), yield* Upstream.make()])
        const circuit = { method: "PUT", body: JSON.stringify({ state: "open" }) }
        yield* ask(gateway, "/admin/providers/first/circuit", circuit)
        const found = yield* ask(gateway, "/admin/failover/providers/m")
        assert.deepStrictEqual(
          [0, 1].map((n) => ["priority", "instance", "left_out"].map((field) => at(found, "providers", n, field))),
          [
            [1, "second", null],
            [null, "first", "an operator opened its circuit"]
          ]
        )
        assert.deepStrictEqual([at(found, "available"), at(found, "provider_model_id")], [true, "m"])
        const explained = yield* ask(gateway, "/admin/failover/model/m")
        assert.strictEqual(at(explained, "failover_order", 0, "instance"), at(found, "providers", 0, "instance"))
        const one = yield* ask(gateway, "/admin/failover/providers/m?provider=first&active=false")
        assert.deepStrictEqual([at(one, "providers", 0, "instance"), at(one, "providers", 1)], ["first", undefined])
        const nobody = yield* ask(gateway, "/admin/failover/providers/%40cf%2Fb?provider=nobody")
        assert.deepStrictEqual(at(nobody), {
          model: "@cf/b",
          provider: "nobody",
          available: false,
          provider_model_id: null,
          providers: []
        })
        const wrong = yield* ask(gateway, "/admin/failover/providers/m?active=perhaps")
        assert.deepStrictEqual([wrong.status, at(wrong, "error", "param")], [400, "active"])
      })
    )
  })
}
