import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hasCurl, run, shell } from "./support/command.js"
import { chat, get, serve } from "./support/gateway.js"

const key = "an-admin-key-8c2f5e71"
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe("a gateway that others can reach", () => {
  it.live("is refused without an admin key, wherever its address comes from", () =>
    Effect.gen(function* () {
      const files = { "orelse.yaml": "server: { host: 0.0.0.0 }\n" }
      for (const [args, env, path] of [
        [["start"], { HOST: "0.0.0.0" }, "HOST"],
        [["start", "--host", "::"], {}, "--host"],
        [["start", "--config", "orelse.yaml"], {}, "server.host"]
      ] as const) {
        const { code, stderr } = yield* run(args, { env, files })
        assert.strictEqual(code, 1)
        assert.include(stderr, `${path}: others than this machine could reach the gateway`)
        assert.include(stderr, "ORELSE_ADMIN_KEY must be set")
      }
    })
  )

  it.scopedLive("answers who shows the key, and everybody about its health", () =>
    Effect.gen(function* () {
      const { url } = yield* serve({ env: { HOST: "0.0.0.0", ORELSE_ADMIN_KEY: key } })
      const statuses = yield* Effect.forEach([{}, bearer("guessed"), bearer(key), { "x-api-key": key }], (headers) =>
        Effect.all([
          Effect.map(chat(url, {}, headers), ({ status }) => status),
          Effect.map(get(`${url}/v1/models`, headers), ({ status }) => status)
        ])
      )
      assert.deepStrictEqual(statuses, [
        [401, 401],
        [401, 401],
        [200, 200],
        [200, 200]
      ])
      for (const path of ["/health", "/livez", "/readyz"]) assert.strictEqual((yield* get(url + path)).status, 200)
    })
  )

  it.scopedLive.skipIf(!hasCurl)("prints a curl that takes the key from the environment", () =>
    Effect.gen(function* () {
      const env = { HOST: "0.0.0.0", ORELSE_ADMIN_KEY: key }
      const { says } = yield* serve({ env })
      const line = (yield* says(/try: curl .*/)).replace("try: ", "")
      assert.notInclude(line, key)
      assert.include(yield* shell(line, { env }), "This is a simulated answer")
    })
  )
})

describe("a gateway on loopback", () => {
  it.scopedLive("keeps only its admin routes behind the admin key", () =>
    Effect.gen(function* () {
      const { url } = yield* serve({ env: { ORELSE_ADMIN_KEY: key } })
      const test = `${url}/admin/providers/simulated-backup/test`
      const admin = (headers: Readonly<Record<string, string>>) =>
        Effect.promise(() => fetch(test, { method: "POST", headers }).then(({ status }) => status))
      assert.deepStrictEqual([yield* admin({}), yield* admin(bearer(key))], [401, 200])
      assert.strictEqual((yield* chat(url)).status, 200)
    })
  )
})
