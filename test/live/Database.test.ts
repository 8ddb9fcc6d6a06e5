import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Json from "../../src/protocol/Json.js"
import { eventually, launch, run } from "./support/command.js"
import { chat, get, serve } from "./support/gateway.js"
import * as Postgres from "./support/postgres.js"

/** What `/health` says of the database. */
const health = (url: string) =>
  Effect.map(get(`${url}/health`), ({ text }) => {
    const { database, status } = Json.record(Json.parsedForReading(text))
    return { database, status }
  })

const healthIs = (url: string, database: boolean, status: string) =>
  eventually(
    () => `a database that is ${database ? "up" : "down"}, and ${status}`,
    Effect.filterOrFail(health(url), (found) => found.database === database && found.status === status)
  )

const embedded = { env: { DATABASE_URL: "", ORELSE_DATA_DIR: "data" } }

describe("the embedded database", () => {
  it.scopedLive("delays no first answer, and is there a moment later", () =>
    Effect.gen(function* () {
      const gateway = yield* serve(embedded)
      assert.deepStrictEqual(yield* health(gateway.url), { database: false, status: "ok" })
      assert.strictEqual((yield* chat(gateway.url)).status, 200)
      yield* healthIs(gateway.url, true, "ok")
      assert.include(gateway.stdout(), "database: migrated (1 initial)")
    })
  )

  it.scopedLive("is had by one gateway at a time, and the other one is told who has it", () =>
    Effect.gen(function* () {
      const gateway = yield* serve(embedded)
      const second = yield* run(["start", "--port", "0"], { ...embedded, directory: gateway.directory })
      assert.strictEqual(second.code, 1)
      assert.include(second.stderr, `in use by process ${gateway.pid}, which listens on ${gateway.url}`)
      // Subcommands find it.
      const stats = yield* run(["stats"], { ...embedded, directory: gateway.directory })
      assert.strictEqual(stats.code, 0)
      assert.include(stats.stdout, "simulated-primary")
      yield* gateway.signal("SIGTERM")
      yield* gateway.ended
      const after = yield* run(["migrate"], { ...embedded, directory: gateway.directory })
      assert.strictEqual(after.code, 0, after.stderr)
    })
  )

  it.scopedLive("opens again after the gateway was killed, whatever it was doing", () =>
    Effect.gen(function* () {
      const first = yield* launch(["--version"], embedded)
      for (const ms of [300, 900, 1800]) {
        const gateway = yield* serve({ ...embedded, directory: first.directory })
        yield* Effect.sleep(ms)
        yield* gateway.signal("SIGKILL")
        yield* gateway.ended
      }
      const last = yield* serve({ ...embedded, directory: first.directory })
      yield* healthIs(last.url, true, "ok")
    })
  )

  it.scopedLive("refuses a directory that is not its own, with a sentence that says what to do", () =>
    Effect.gen(function* () {
      const refused = (prepare: (directory: string) => void) =>
        Effect.gen(function* () {
          const { directory } = yield* launch(["--version"], embedded)
          prepare(directory)
          const { code, stderr } = yield* run(["start", "--port", "0"], { ...embedded, directory })
          assert.strictEqual(code, 1)
          return stderr
        })
      const inside = (name: string, text: string) => (directory: string) => {
        mkdirSync(join(directory, "data/db"), { recursive: true })
        writeFileSync(join(directory, "data/db", name), text)
      }
      assert.match(
        yield* refused(inside("PG_VERSION", "17\n")),
        /made by Postgres 17, and this orelse brings Postgres 18/
      )
      assert.match(yield* refused(inside("notes.txt", "mine")), /holds other things than a database/)
      assert.match(
        yield* refused((directory) => writeFileSync(join(directory, "data"), "")),
        /cannot be used \(EEXIST\): name another one by ORELSE_DATA_DIR/
      )
    })
  )
})

describe.skipIf(!Postgres.hasPostgres)("a Postgres server", () => {
  const at = (url: string) => ({ env: { DATABASE_URL: url } })

  it.scopedLive("is migrated once by two gateways that start together", () =>
    Effect.gen(function* () {
      const postgres = yield* Postgres.server
      const gateways = yield* Effect.all([serve(at(postgres.url)), serve(at(postgres.url))], { concurrency: 2 })
      for (const { url } of gateways) yield* healthIs(url, true, "ok")
      const applied = gateways.filter(({ stdout }) => stdout().includes("migrated"))
      assert.strictEqual(applied.length, 1)
      const [row] = yield* postgres.ask("SELECT count(*)::int AS n FROM schema_migrations")
      assert.isTrue(Predicate.isNotUndefined(row) && Number(row["n"]) >= 1)
    })
  )

  it.scopedLive("may be away at the start and go in between: requests are answered, and it is found again", () =>
    Effect.gen(function* () {
      const postgres = yield* Postgres.server
      yield* postgres.stop
      const gateway = yield* serve(at(postgres.url))
      yield* healthIs(gateway.url, false, "degraded")
      assert.strictEqual((yield* chat(gateway.url)).status, 200)
      yield* postgres.start
      yield* healthIs(gateway.url, true, "ok")
      yield* postgres.stop
      yield* healthIs(gateway.url, false, "degraded")
      assert.strictEqual((yield* chat(gateway.url)).status, 200)
      yield* postgres.start
      yield* healthIs(gateway.url, true, "ok")
    })
  )

  it.scopedLive("that hangs does not keep a gateway from ending", () =>
    Effect.gen(function* () {
      const postgres = yield* Postgres.server
      const gateway = yield* serve(at(postgres.url))
      yield* healthIs(gateway.url, true, "ok")
      yield* postgres.pause
      // Of this the database is still to be told.
      assert.strictEqual((yield* chat(gateway.url)).status, 200)
      const circuit = `${gateway.url}/admin/providers/simulated-primary/circuit`
      yield* Effect.promise(() => fetch(circuit, { method: "PUT", body: '{"state":"open"}' }))
      yield* gateway.signal("SIGTERM")
      const startedAt = performance.now()
      const { code } = yield* gateway.ended
      yield* postgres.resume
      assert.strictEqual(code, 0)
      assert.isBelow(performance.now() - startedAt, 8_000)
    })
  )

  it.scopedLive("that takes no writes is told of, and used again when it does", () =>
    Effect.gen(function* () {
      const postgres = yield* Postgres.server
      const gateway = yield* serve(at(postgres.url))
      yield* healthIs(gateway.url, true, "ok")
      const readOnly = (value: string) =>
        Effect.zipRight(
          postgres.ask(`ALTER SYSTEM SET default_transaction_read_only = ${value}`),
          postgres.ask("SELECT pg_reload_conf()")
        )
      yield* readOnly("on")
      yield* healthIs(gateway.url, true, "degraded")
      yield* readOnly("off")
      yield* healthIs(gateway.url, true, "ok")
    })
  )

  it.scopedLive("is never named with its password", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["migrate"], at("postgres://orelse:hunter2@127.0.0.1:1/x"))
      assert.strictEqual(code, 1)
      assert.include(stderr, "the database does not answer, or refuses (ECONNREFUSED)")
      assert.notInclude(stdout + stderr, "hunter2")
    })
  )
})
