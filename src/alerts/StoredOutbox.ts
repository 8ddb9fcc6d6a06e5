import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import * as AlertTables from "./AlertTables.js"
import type { Outbox } from "./Outbox.js"

/** The alerts of all replicas, in the database. */
export interface StoredOutbox extends Outbox {
  /** Takes away what is older than 30 days, and gives up what nobody delivers any more. */
  readonly tidy: Effect.Effect<void>
}

export const make: Effect.Effect<StoredOutbox, never, Database> = Effect.map(Database, ({ status, use }) => {
  let complained = false
  /** None while the database is away, or where it refuses: what is not written down is done again. */
  const ask = <A>(asked: Effect.Effect<A, SqlError, SqlClient.SqlClient>): Effect.Effect<Option.Option<A>> =>
    status() !== "up"
      ? Effect.succeedNone
      : use(asked).pipe(
          Effect.timeoutOption(patience),
          Effect.tap(() => Effect.sync(() => void (complained = false))),
          Effect.catchAll((error) => {
            const silent = complained || error._tag === "DatabaseUnavailable"
            if (error._tag === "SqlError") complained = true
            return Effect.as(
              silent ? Effect.void : Effect.logWarning(`alerts wait: the database refuses (${describe(error)})`),
              Option.none<A>()
            )
          })
        )
  return {
    claim: (target, now, until) => Effect.map(ask(AlertTables.claim(target, now, until)), Option.getOrUndefined),
    delivered: (delivery, now) => Effect.asVoid(ask(AlertTables.delivered(delivery, now))),
    failed: (delivery, now, failure) => Effect.asVoid(ask(AlertTables.failed(delivery, now, failure))),
    latest: (limit) =>
      Effect.map(
        ask(AlertTables.latest(limit)),
        Option.getOrElse(() => [])
      ),
    undelivered: Effect.suspend(() =>
      Effect.map(
        ask(AlertTables.undelivered),
        Option.getOrElse(() => 0)
      )
    ),
    tidy: Effect.clockWith((clock) =>
      Effect.flatMap(clock.currentTimeMillis, (now) =>
        Effect.asVoid(ask(AlertTables.tidy(now, now - untouchedFor, now - keptFor)))
      )
    )
  }
})

/** What takes longer waits for the next time. */
const patience = "5 seconds"

/** In ms. */
const untouchedFor = 2 * 3_600_000
const keptFor = 30 * 24 * 3_600_000
