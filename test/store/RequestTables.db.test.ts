import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { Journal } from "../../src/store/Journal.js"
import { Replay } from "../../src/store/Replay.js"
import { RequestLog, type AttemptRow, type RequestRow } from "../../src/store/RequestLog.js"
import * as RequestTables from "../../src/store/RequestTables.js"
import { migrated, switched } from "../support/database.js"

const attempt: AttemptRow = {
  instance: "a",
  provider: "openai",
  model: "gpt-4o-mini",
  outcome: "failure",
  category: "rate_limit",
  status: 429,
  ms: 12.5,
  cost: null,
  message: "slow down",
  started_at: "2026-01-31T12:00:00.000Z"
}

const row = (id: string, more: Partial<RequestRow> = {}): RequestRow => ({
  id,
  timestamp: "2026-01-31T12:00:00.123Z",
  tenant: "default",
  user: "ann",
  path: "/v1/chat/completions",
  status: 200,
  ms: 1_234.5,
  model: "m",
  instance: "b",
  provider: "anthropic",
  provider_model_id: "claude",
  stream: true,
  fallback: true,
  failure: null,
  input_tokens: 2 ** 40,
  output_tokens: 0,
  cost_usd: "0.0000001",
  attempts: [attempt, { ...attempt, instance: "b", outcome: "success", category: null, status: 200, cost: "0.5" }],
  ...more
})

const bare: Partial<RequestRow> = {
  tenant: null,
  user: null,
  model: null,
  instance: null,
  provider: null,
  provider_model_id: null,
  failure: "no_candidates",
  input_tokens: null,
  output_tokens: null,
  cost_usd: null,
  attempts: []
}

/** The log of one run at the database; `drained` when all that it took is there. */
const run = (state = { away: false }) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(
      Layer.merge(RequestTables.layer, Replay.layer(RequestTables.appliers)).pipe(
        Layer.provideMerge(Journal.memory(10_000)),
        Layer.provide(switched(() => state.away))
      )
    )
    const journal = Context.get(context, Journal)
    return {
      state,
      log: Context.get(context, RequestLog),
      replay: Context.get(context, Replay),
      drained: Effect.repeat(
        Effect.zipRight(
          TestClock.adjust("1 second"),
          Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        ),
        { until: () => journal.stats().pending === 0 }
      )
    }
  })

const tidy = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`TRUNCATE requests, journals`)

layer(migrated, { timeout: "60 seconds" })("requests in the tables", (it) => {
  it.scoped("are found at once in memory, and by a later run as they were", () =>
    Effect.gen(function* () {
      yield* tidy
      const rows = [row("full"), row("bare", bare)]
      const first = yield* run()
      for (const each of rows) {
        first.log.write(each)
        assert.deepStrictEqual(yield* first.log.find(each.id), Option.some(each))
      }
      yield* first.drained
      const later = yield* run()
      for (const each of rows) assert.deepStrictEqual(yield* later.log.find(each.id), Option.some(each))
      assert.deepStrictEqual(yield* later.log.find("another"), Option.none())
    })
  )

  it.scoped("are kept once, the first of an id", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const [first, second] = [yield* run(), yield* run()]
      first.log.write(row("same", { status: 200 }))
      yield* first.drained
      second.log.write(row("same", { status: 500 }))
      yield* second.drained
      assert.deepStrictEqual(yield* sql`SELECT id, status FROM requests`, [{ id: "same", status: 200 }])
    })
  )

  it.scoped("that no table takes keep no others back", () =>
    Effect.gen(function* () {
      yield* tidy
      const sql = yield* SqlClient.SqlClient
      const { drained, log, replay } = yield* run()
      log.write(row("good-1"))
      log.write(row("bad-time", { timestamp: "yesterday evening" }))
      log.write(row("bad-text", { model: "a\u0000b" }))
      log.write(row("bad-ms", { ms: -1 }))
      log.write(row("good-2"))
      yield* drained
      assert.deepStrictEqual(yield* sql`SELECT id FROM requests ORDER BY id`, [{ id: "good-1" }, { id: "good-2" }])
      assert.deepInclude(replay.stats(), { applied: 2, poisoned: 3 })
      // As long as this run lasts they are found all the same.
      assert.isTrue(Option.isSome(yield* log.find("bad-ms")))
    })
  )

  it.scoped("wait for a database that is away; what only it knows is not found meanwhile", () =>
    Effect.gen(function* () {
      yield* tidy
      const earlier = yield* run()
      earlier.log.write(row("earlier"))
      yield* earlier.drained
      const { drained, log, state } = yield* run({ away: true })
      log.write(row("now"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* log.find("earlier"), Option.none())
      assert.isTrue(Option.isSome(yield* log.find("now")))
      state.away = false
      yield* drained
      assert.isTrue(Option.isSome(yield* log.find("earlier")))
      assert.isTrue(Option.isSome(yield* (yield* run()).log.find("now")))
    })
  )
})
