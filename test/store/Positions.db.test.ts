import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import * as Positions from "../../src/store/Positions.js"
import { migrated } from "../support/database.js"

layer(migrated, { timeout: "60 seconds" })("the positions of journals", (it) => {
  it.effect("are forgotten where no gateway has had the journal for long", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [here, young, old] = [randomUUID(), randomUUID(), randomUUID()]
      const ages = JSON.stringify([
        { id: here, days: 31 },
        { id: young, days: 29 },
        { id: old, days: 31 }
      ])
      yield* sql`INSERT INTO journals (id, position, updated_at)
        SELECT id, 7, now() - make_interval(days => days) FROM jsonb_to_recordset(${ages}::jsonb) AS given(id uuid, days int)`
      assert.strictEqual(yield* Positions.prune([here], 30), 1)
      const left = yield* sql<{ id: string; position: string; days: number }>`
        SELECT id, position, extract(day FROM now() - updated_at)::int AS days FROM journals`
      assert.sameDeepMembers(
        [...left],
        [
          { id: here, position: "7", days: 0 },
          { id: young, position: "7", days: 29 }
        ]
      )
    })
  )
})
