import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { join } from "node:path"
import * as Json from "../../src/protocol/Json.js"
import { atLast, launch } from "./support/command.js"
import { chat, get, serve, type Serving } from "./support/gateway.js"
import { embedded } from "./support/kills.js"
import { paced } from "./support/load.js"
import * as Provider from "./support/provider.js"
import * as Remembered from "./support/remembered.js"

const config = (first: Provider.Provider, second: Provider.Provider): string => {
  const of = (id: string, baseUrl: string) => ({ id, provider: "openai-compatible", baseUrl, apiKey: "sk-test" })
  return JSON.stringify({
    instances: [of("first", first.url), of("second", second.url)],
    models: [{ id: "gpt-4o-mini", targets: ["first", "second"].map((instance) => ({ instance, model: "m" })) }],
    health: { checkOnStart: false },
    log: { level: "info", format: "json" }
  })
}

/** A data directory, and gateways on it, one after the other. */
const house = (first: Provider.Provider, second: Provider.Provider) =>
  Effect.gen(function* () {
    const { directory } = yield* launch(["--version"], { files: { "orelse.yaml": config(first, second) } })
    const dataDir = join(directory, "data")
    const setting = { directory, env: { DATABASE_URL: "", ORELSE_DATA_DIR: dataDir } }
    return { dataDir, start: Effect.tap(serve(setting, ["--config", join(directory, "orelse.yaml")]), isUp) }
  })

/** To make one takes seconds. */
const isUp = (gateway: Serving) =>
  atLast(
    () => `a database that is up: ${gateway.stdout()}`,
    Effect.filterOrFail(get(`${gateway.url}/health`), ({ text }) => text.includes('"database":true'))
  )

const told = (gateway: Serving, path: string) =>
  Effect.map(get(`${gateway.url}/admin/${path}`), ({ text }) => Json.record(Json.parsedForReading(text)))

describe("a gateway on its embedded database", () => {
  it.scopedLive(
    "knows its events, requests and open circuits after a restart",
    () =>
      Effect.gen(function* () {
        const [ill, well] = [yield* Provider.make(Provider.fails(500)), yield* Provider.make()]
        const { start } = yield* house(ill, well)
        const before = yield* start
        const ids: Array<string> = []
        for (let asked = 0; asked < 4; asked++) {
          const { headers, status } = yield* chat(before.url)
          assert.strictEqual(status, 200)
          ids.push(headers.get("x-request-id") ?? "")
        }
        const rows = yield* Effect.forEach(ids, (id) => told(before, `requests/${id}`))
        yield* before.signal("SIGTERM")
        assert.strictEqual((yield* before.ended).code, 0)

        const after = yield* start
        yield* after.says(/circuits from before: first is open/)
        const { calls } = ill
        assert.strictEqual((yield* chat(after.url)).headers.get("x-orelse-instance"), "second")
        assert.strictEqual(ill.calls, calls)
        const { events } = yield* told(after, "events")
        assert.deepStrictEqual(
          (Array.isArray(events) ? events : []).map((event) => Json.record(event)["event_type"]),
          ["failover", "circuit_open", "failover", "failover"]
        )
        assert.deepInclude(rows[0], { status: 200, instance: "second", fallback: true })
        assert.deepStrictEqual(yield* Effect.forEach(ids, (id) => told(after, `requests/${id}`)), rows)
      }),
    { timeout: 180_000 }
  )

  it.scopedLive(
    "that is told to stop under load loses nothing that it answered",
    () =>
      Effect.gen(function* () {
        const log = new Remembered.Log()
        const shaky = yield* Provider.make(log.of("first", (call) => call % 20 === 19))
        const steady = yield* Provider.make(log.of("second", () => false))
        const { dataDir, start } = yield* house(shaky, steady)
        const gateway = yield* start
        let ended = false
        let answered = 0
        const loading = yield* Effect.fork(
          paced(gateway.url, {
            model: "gpt-4o-mini",
            rate: 200,
            goesOn: () => !ended,
            answered: () => void answered++
          })
        )
        yield* atLast(
          () => `400 answers: ${answered}`,
          Effect.suspend(() => (answered >= 400 ? Effect.void : Effect.fail("few")))
        )
        yield* gateway.signal("SIGTERM")
        assert.strictEqual((yield* gateway.ended).code, 0)
        ended = true
        const served = (yield* Fiber.join(loading)).filter(({ complete, status }) => status === 200 && complete)
        assert.isAtLeast(served.length, 400)
        assert.deepStrictEqual(Remembered.journal(dataDir), [])

        yield* Remembered.assertWhole(embedded(dataDir), served, log)
      }),
    { timeout: 180_000 }
  )
})
