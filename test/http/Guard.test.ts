import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Running } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { at, bodyOf, knock, type Knock } from "./asking.js"

const adminKey = "admin-5b0d7c9e2f"
const asAdmin = { authorization: `Bearer ${adminKey}` }

/** A gateway that is bound to `host`, with or without an admin key. */
const bound = (door: Door, host: string, key?: string) =>
  Effect.gen(function* () {
    const upstream = yield* Upstream.make(Replies.answer("hello"))
    const server = { ...settings().server, host, adminKey: key === undefined ? undefined : Redacted.make(key) }
    const gateway = yield* chain(door, [upstream], { settings: { server } })
    return { upstream, gateway }
  })

const status = (gateway: Running, path: string, knocking: Knock = {}) =>
  Effect.map(chatAt(gateway, path, knocking), (answer) => answer.status)

/** A chat request to whatever path. */
const chatAt = (gateway: Running, path: string, knocking: Knock) =>
  knock(gateway, path, { ...knocking, body: knocking.method === "GET" ? "" : bodyOf() })

const chatPath = "/v1/chat/completions"
const adminPath = "/admin/providers/first/test"

for (const door of doors) {
  describe(`${door}: who may ask`, () => {
    it.scopedLive("is everybody on this machine, for everything, while the gateway is bound to it without a key", () =>
      Effect.gen(function* () {
        const { gateway } = yield* bound(door, "127.0.0.1")
        assert.strictEqual(yield* status(gateway, chatPath), 200)
        assert.strictEqual(yield* status(gateway, adminPath), 200)
        assert.strictEqual(yield* status(gateway, chatPath, { headers: { authorization: "Bearer whatever" } }), 200)
      })
    )

    it.scopedLive("is only who holds the admin key on admin routes, as soon as there is one", () =>
      Effect.gen(function* () {
        const { gateway } = yield* bound(door, "127.0.0.1", adminKey)
        assert.strictEqual(yield* status(gateway, chatPath), 200)
        const refused = yield* chatAt(gateway, adminPath, {})
        assert.deepStrictEqual(
          [refused.status, at(refused, "error", "type"), at(refused, "error", "code")],
          [401, "authentication_error", "invalid_api_key"]
        )
        assert.strictEqual(refused.headers.get("www-authenticate"), "Bearer")
        for (const authorization of ["Bearer wrong", `Basic ${adminKey}`, adminKey, "Bearer", `Bearer ${adminKey}x`]) {
          assert.strictEqual(yield* status(gateway, adminPath, { headers: { authorization } }), 401)
        }
        assert.strictEqual(yield* status(gateway, adminPath, { headers: asAdmin }), 200)
        assert.strictEqual(yield* status(gateway, adminPath, { headers: { "x-api-key": adminKey } }), 200)
        for (const path of [
          "/admin",
          "/admin/nothing",
          "/ADMIN/providers/first/test",
          "/Admin/providers/first/TEST/",
          "/admin/../admin/providers/first/test",
          "/%61dmin/x"
        ]) {
          assert.include([401, 404], yield* status(gateway, path))
        }
      })
    )

    it.scopedLive("is only who holds a key when other machines can reach the gateway; probes are open", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* bound(door, "0.0.0.0", adminKey)
        for (const path of [chatPath, "/v1/route", adminPath]) assert.strictEqual(yield* status(gateway, path), 401)
        for (const path of ["/v1/models", "/openapi.json", "/docs", "/no/such/route"]) {
          assert.strictEqual(yield* status(gateway, path, { method: "GET" }), 401)
        }
        assert.strictEqual(upstream.received.length, 0)
        for (const path of ["/health", "/livez", "/readyz"]) {
          assert.strictEqual(yield* status(gateway, path, { method: "GET" }), 200)
        }
        assert.strictEqual(yield* status(gateway, chatPath, { headers: asAdmin }), 200)
        assert.strictEqual(yield* status(gateway, chatPath, { headers: { "x-api-key": adminKey } }), 200)
      })
    )

    it.scopedLive("is nobody who shows two different keys", () =>
      Effect.gen(function* () {
        const { gateway } = yield* bound(door, "0.0.0.0", adminKey)
        const answer = yield* chatAt(gateway, chatPath, { headers: { ...asAdmin, "x-api-key": "another" } })
        assert.deepStrictEqual([answer.status, at(answer, "error", "param")], [400, "x-api-key"])
        const same = { ...asAdmin, "x-api-key": adminKey }
        assert.strictEqual(yield* status(gateway, chatPath, { headers: same }), 200)
      })
    )
  })

  describe(`${door}: pages of other sites`, () => {
    it.scopedLive("do not reach a gateway on loopback, neither by DNS rebinding nor from their origin", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* bound(door, "127.0.0.1")
        const { port } = gateway
        for (const headers of [
          { host: "evil.example" },
          { host: `evil.example:${port}` },
          { host: `localhost.evil.example:${port}` },
          { host: `127.0.0.1.evil.example:${port}` },
          { origin: "https://evil.example" },
          { origin: "null" },
          { origin: "http://localhost.evil.example" }
        ]) {
          for (const path of [chatPath, adminPath]) {
            const answer = yield* chatAt(gateway, path, { headers })
            assert.deepStrictEqual(
              [answer.status, at(answer, "error", "type")],
              [403, "permission_error"],
              JSON.stringify(headers)
            )
            assert.isNull(answer.headers.get("access-control-allow-origin"))
          }
        }
        assert.strictEqual(upstream.received.length, 0)
        for (const headers of [
          { host: `localhost:${port}` },
          { host: `[::1]:${port}` },
          { origin: `http://127.0.0.1:${port}` },
          { origin: "http://localhost:5173" }
        ]) {
          assert.strictEqual(yield* status(gateway, chatPath, { headers }), 200, JSON.stringify(headers))
        }
      })
    )

    it.scopedLive("do not reach a gateway elsewhere either; its own pages do", () =>
      Effect.gen(function* () {
        const { gateway } = yield* bound(door, "0.0.0.0", adminKey)
        const from = (origin: string) => ({ headers: { ...asAdmin, host: "llm.internal:8443", origin } })
        assert.strictEqual(yield* status(gateway, chatPath, from("https://evil.example")), 403)
        assert.strictEqual(yield* status(gateway, chatPath, from("https://llm.internal:8443")), 200)
      })
    )
  })
}
