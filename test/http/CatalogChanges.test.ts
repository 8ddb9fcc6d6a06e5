import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Running } from "../support/server.js"
import { model, settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat, type Answer } from "./asking.js"

const served = (door: Door, overrides: Partial<Parameters<typeof settings>[0]> = {}) =>
  Effect.gen(function* () {
    const first = yield* Upstream.make(Replies.answer("of the first"))
    const second = yield* Upstream.make(Replies.answer("of the second"))
    const models = [{ ...model("m", ["first"]), aliases: ["vendor/m:free"] }]
    const gateway = yield* chain(door, [first, second], { settings: { models, ...overrides } })
    return { gateway, first, second }
  })

const send = (gateway: Running, method: string, path: string, fields: object | string) =>
  ask(gateway, path, { method, body: typeof fields === "string" ? fields : JSON.stringify(fields) })

const servedBy = (gateway: Running, name = "m") =>
  Effect.map(
    chat(gateway, { model: name }),
    (answer) => answer.headers.get("x-orelse-instance") ?? at(answer, "error", "code")
  )

const refusal = (answer: Answer) => [answer.status, at(answer, "error", "code"), at(answer, "error", "param")]

const third = (upstream: Upstream.Upstream) => ({
  id: "third",
  provider: "openai-compatible",
  baseUrl: upstream.url,
  apiKey: "sk-third-4c1d9a7e",
  models: ["n"]
})

for (const door of doors) {
  describe(`${door}: POST /admin/providers`, () => {
    it.scopedLive("adds an instance, which serves from the next request on; its key is never shown", () =>
      Effect.gen(function* () {
        const { gateway, second } = yield* served(door)
        const added = yield* send(gateway, "POST", "/admin/providers", third(second))
        assert.strictEqual(added.status, 201)
        assert.deepStrictEqual(
          ["id", "provider", "enabled", "has_key", "source", "apiKey"].map((field) => at(added, field)),
          ["third", "openai-compatible", true, true, "api", undefined]
        )
        assert.strictEqual(yield* servedBy(gateway, "third/n"), "third")
        assert.strictEqual(second.received.at(-1)?.headers["authorization"], "Bearer sk-third-4c1d9a7e")
        const shown = yield* ask(gateway, "/admin/providers")
        assert.deepStrictEqual([at(shown, "overall", "total"), at(shown, "instances", 2, "instance")], [3, "third"])
        for (const text of [added.body.toString(), shown.body.toString(), gateway.log.join()]) {
          assert.notInclude(text, "sk-third")
        }
        assert.match(gateway.log.join("\n"), /an operator added the instance third/)
      })
    )

    it.scopedLive("says everything that is wrong, and then adds nothing", () =>
      Effect.gen(function* () {
        const { gateway, second } = yield* served(door, { server: { ...settings().server, bodyLimit: 2_000 } })
        const wrong = yield* send(gateway, "POST", "/admin/providers", {
          id: "third",
          provider: "openai-compatible",
          apiKey: "sk-pasted-5d7e9f1b",
          weight: -1,
          wait: "sk-pasted-5d7e9f1b"
        })
        assert.deepStrictEqual(refusal(wrong), [400, "invalid_config", "wait"])
        const message = String(at(wrong, "error", "message"))
        assert.include(message, "baseUrl: is required for provider openai-compatible")
        assert.include(message, "weight: must be a number from 0 to 1000000")
        assert.notInclude(message, "sk-pasted")
        const cases = [
          ["", [400, "invalid_json", null]],
          ["[]", [400, "invalid_json", null]],
          ["{}", [400, "invalid_config", "id"]],
          [{ id: "a b", provider: "ollama" }, [400, "invalid_config", "id"]],
          [{ id: 3, provider: "ollama" }, [400, "invalid_config", "id"]],
          [{ id: "x", provider: "ollama", apiKey: 3 }, [400, "invalid_config", "apiKey"]],
          [{ ...third(second), id: "first" }, [409, "already_exists", "id"]],
          [{ ...third(second), more: "x".repeat(2_000) }, [413, "request_too_large", null]]
        ] as const
        for (const [fields, expected] of cases) {
          const answer = yield* send(gateway, "POST", "/admin/providers", fields)
          assert.deepStrictEqual(refusal(answer), [...expected], JSON.stringify(fields).slice(0, 80))
        }
        assert.strictEqual(at(yield* ask(gateway, "/admin/providers"), "overall", "total"), 2)
      })
    )
  })

  describe(`${door}: PATCH /admin/providers/{instance}`, () => {
    it.scopedLive("takes an instance of the configuration out of service and puts it back, as it was", () =>
      Effect.gen(function* () {
        const { first, gateway } = yield* served(door, { models: [model("m", ["first", "second"])] })
        const off = yield* send(gateway, "PATCH", "/admin/providers/first", { enabled: false })
        assert.deepStrictEqual([off.status, at(off, "enabled"), at(off, "source")], [200, false, "config"])
        assert.strictEqual(yield* servedBy(gateway), "second")
        assert.strictEqual(yield* servedBy(gateway, "first/m"), "second")
        const shown = yield* ask(gateway, "/admin/providers")
        assert.deepStrictEqual([at(shown, "disabled"), at(shown, "overall", "total")], [["first"], 1])
        assert.deepStrictEqual(at(yield* ask(gateway, "/health"), "instances", "healthy"), 1)
        yield* send(gateway, "PATCH", "/admin/providers/first", { enabled: true })
        assert.strictEqual(yield* servedBy(gateway), "first")
        assert.match(first.received.at(-1)?.headers["authorization"] ?? "", /^Bearer sk-first/)
      })
    )

    it.scopedLive("changes the fields that are sent, again and again", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        yield* send(gateway, "PATCH", "/admin/providers/first", { weight: 3, timeouts: { total: "9s" } })
        const changed = yield* send(gateway, "PATCH", "/admin/providers/first", {
          priority: 4,
          timeouts: { idle: "2s" }
        })
        assert.deepStrictEqual(
          [
            at(changed, "weight"),
            at(changed, "priority"),
            at(changed, "timeouts", "total"),
            at(changed, "timeouts", "idle")
          ],
          [3, 4, "9000ms", "2000ms"]
        )
      })
    )

    it.scopedLive("is refused for what is not there and for what would not be good", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const none = yield* send(gateway, "PATCH", "/admin/providers/fourth", { enabled: false })
        assert.deepStrictEqual(refusal(none), [404, "instance_not_found", "instance"])
        const renamed = yield* send(gateway, "PATCH", "/admin/providers/first", { id: "other" })
        assert.deepStrictEqual(refusal(renamed), [400, "invalid_config", "id"])
        const gone = yield* send(gateway, "PATCH", "/admin/providers/first", { baseUrl: null })
        assert.deepStrictEqual(refusal(gone), [400, "invalid_config", "baseUrl"])
        assert.strictEqual(yield* servedBy(gateway), "first")
      })
    )
  })

  describe(`${door}: /admin/models`, () => {
    it.scopedLive("adds a model, changes its chain, and takes it back", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const added = yield* send(gateway, "POST", "/admin/models", {
          id: "team/best",
          aliases: ["best"],
          targets: [{ instance: "second", model: "m-2" }]
        })
        assert.deepStrictEqual([added.status, at(added, "enabled"), at(added, "source")], [201, true, "api"])
        assert.strictEqual(yield* servedBy(gateway, "team/best"), "second")
        const path = "/admin/models/team%2Fbest"
        yield* send(gateway, "PATCH", path, { targets: [{ instance: "first", model: "m-1" }] })
        assert.strictEqual(yield* servedBy(gateway, "best"), "first")
        const listed = yield* ask(gateway, "/admin/models")
        assert.deepStrictEqual(
          [0, 1].map((place) => ["id", "source", "enabled"].map((field) => at(listed, "models", place, field))),
          [
            ["m", "config", true],
            ["team/best", "api", true]
          ]
        )
        assert.deepStrictEqual(at(listed, "models", 1, "targets"), [{ instance: "first", model: "m-1" }])
        const removed = yield* ask(gateway, "/admin/models/team/best", { method: "DELETE" })
        assert.deepStrictEqual([removed.status, at(removed)], [200, { id: "team/best", deleted: true }])
        assert.strictEqual(at(yield* ask(gateway, "/admin/models"), "models", 1), undefined)
        const again = yield* ask(gateway, "/admin/models/team/best", { method: "DELETE" })
        assert.deepStrictEqual(refusal(again), [404, "model_not_found", "model"])
      })
    )

    it.scopedLive(
      "takes a model out of service: it is 404 under all its names and listed nowhere, until it is back",
      () =>
        Effect.gen(function* () {
          const { gateway } = yield* served(door)
          const off = yield* send(gateway, "PATCH", "/admin/models/m", { enabled: false })
          assert.deepStrictEqual([at(off, "enabled"), at(off, "source")], [false, "config"])
          for (const name of ["m", "vendor/m:free"]) {
            const answer = yield* chat(gateway, { model: name })
            assert.deepStrictEqual(refusal(answer), [404, "model_not_found", "model"])
          }
          assert.deepStrictEqual(at(yield* ask(gateway, "/v1/models"), "data"), [])
          yield* send(gateway, "PATCH", "/admin/models/m", { enabled: true })
          assert.strictEqual(yield* servedBy(gateway, "vendor/m:free"), "first")
        })
    )

    it.scopedLive("takes also a model out of service that is known by its name alone", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        assert.strictEqual(yield* servedBy(gateway, "gpt-x"), "first")
        yield* send(gateway, "PATCH", "/admin/models/gpt-x", { enabled: false })
        assert.strictEqual(yield* servedBy(gateway, "gpt-x"), "model_not_found")
        const on = yield* send(gateway, "PATCH", "/admin/models/gpt-x", { enabled: true })
        assert.deepStrictEqual(at(on), { id: "gpt-x", enabled: true, source: "config" })
        assert.strictEqual(yield* servedBy(gateway, "gpt-x"), "first")
        assert.strictEqual(at(yield* ask(gateway, "/admin/models"), "models", 1), undefined)
      })
    )

    it.scopedLive("says what is wrong, what is taken, and what only the file can take out", () =>
      Effect.gen(function* () {
        const { gateway } = yield* served(door)
        const targets = [{ instance: "first", model: "x" }]
        const cases = [
          ["POST", "/admin/models", { id: "n" }, [400, "invalid_config", "targets"]],
          [
            "POST",
            "/admin/models",
            { id: "n", targets: [{ instance: "z", model: "x" }] },
            [400, "invalid_config", "targets[0].instance"]
          ],
          ["POST", "/admin/models", { id: "n", aliases: ["m"], targets }, [400, "invalid_config", "aliases[0]"]],
          ["POST", "/admin/models", { id: "m", targets }, [409, "already_exists", "id"]],
          ["PATCH", "/admin/models/m", { targets: [] }, [400, "invalid_config", "targets[0]"]],
          ["DELETE", "/admin/models/m", {}, [409, "configured", "id"]]
        ] as const
        for (const [method, path, fields, expected] of cases) {
          assert.deepStrictEqual(
            refusal(yield* send(gateway, method, path, fields)),
            [...expected],
            JSON.stringify(fields)
          )
        }
        const kept = yield* ask(gateway, "/admin/models/m", { method: "DELETE" })
        assert.include(String(at(kept, "error", "message")), 'PATCH {"enabled": false} takes it out of service')
        assert.strictEqual(yield* servedBy(gateway), "first")
      })
    )
  })

  describe(`${door}: the routes that change the catalogue`, () => {
    it.scopedLive("answer only who holds the admin key, once there is one", () =>
      Effect.gen(function* () {
        const server = { ...settings().server, adminKey: Redacted.make("admin-8d1e5c7b") }
        const { gateway } = yield* served(door, { server })
        for (const [method, path] of [
          ["POST", "/admin/providers"],
          ["PATCH", "/admin/providers/first"],
          ["GET", "/admin/models"],
          ["POST", "/admin/models"],
          ["PATCH", "/admin/models/m"],
          ["DELETE", "/admin/models/vendor%2Fm"]
        ] as const) {
          const body = method === "GET" ? {} : { body: '{"enabled":true}' }
          assert.strictEqual((yield* ask(gateway, path, { method, ...body })).status, 401, path)
          const headers = { authorization: "Bearer admin-8d1e5c7b" }
          assert.include([200, 400, 404], (yield* ask(gateway, path, { method, headers, ...body })).status, path)
        }
      })
    )
  })
}
