import * as SqlClient from "@effect/sql/SqlClient"
import * as Statement from "@effect/sql/Statement"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as Maintenance from "../../src/store/Maintenance.js"
import { server } from "../support/database.js"
import { until } from "../support/journals.js"

layer(server, { timeout: "60 seconds" })("an embedded database", (it) => {
  it.scoped("is swept five minutes after it was opened, and every hour from then on", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      let sweeps = 0
      yield* Effect.forkScoped(Maintenance.forever).pipe(
        Statement.withTransformer((statement) =>
          Effect.sync(() => {
            if (!statement.compile()[0].includes("VACUUM")) return statement
            sweeps++
            return sql`SELECT 1`
          })
        )
      )
      const swept = (times: number) => until(() => sweeps === times)
      yield* TestClock.adjust("299 seconds")
      // Whatever was due by then is answered before this.
      yield* sql`SELECT 1`
      assert.strictEqual(sweeps, 0)
      yield* TestClock.adjust("1 second")
      yield* swept(1)
      yield* sql`SELECT 1`
      yield* TestClock.adjust("1 hour")
      yield* swept(2)
    })
  )
})
