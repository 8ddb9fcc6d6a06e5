import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Database, type DatabaseStatus } from "../../src/store/Database.js"
import { Journal } from "../../src/store/Journal.js"
import { doors, serve } from "../support/server.js"
import { settings } from "../support/settings.js"
import { ask, at } from "./asking.js"

const found = (status: DatabaseStatus) =>
  Layer.succeed(Database, Database.of({ ...Database.closed("it is a test's"), status: () => status }))

const taking = Journal.memory(1)
const full = Journal.memory(0)

for (const door of doors) {
  describe(`${door}: GET /health`, () => {
    for (const [status, journal, said] of [
      ["starting", taking, ["ok", false, true]],
      ["up", taking, ["ok", true, true]],
      ["down", taking, ["degraded", false, true]],
      ["read_only", taking, ["degraded", true, true]],
      ["up", full, ["degraded", true, false]],
      ["starting", full, ["degraded", false, false]],
      ["off", Journal.none, ["ok", false, false]]
    ] as const) {
      const journaled = journal === full ? "a journal that takes nothing" : "a journal"
      it.scopedLive(`says ${said[0]} of a database that is ${status}, with ${journaled}`, () =>
        Effect.gen(function* () {
          const gateway = yield* serve(door, settings(), Layer.merge(found(status), journal))
          const health = yield* ask(gateway, "/health")
          assert.strictEqual(health.status, 200)
          assert.deepStrictEqual(
            ["status", "database", "journal"].map((field) => at(health, field)),
            [...said]
          )
        })
      )
    }
  })
}
