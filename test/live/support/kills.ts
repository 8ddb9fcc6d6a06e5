import { assert, describe, it } from "@effect/vitest"
import { PGlite } from "@electric-sql/pglite"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { join } from "node:path"
import { atLast, launch } from "./command.js"
import { serve } from "./gateway.js"
import { paced, type Answered } from "./load.js"
import * as Postgres from "./postgres.js"
import * as Provider from "./provider.js"
import * as Remembered from "./remembered.js"

/** Where a gateway remembers. */
interface Store {
  /** As `DATABASE_URL`. */
  readonly url: string
  /** Asks the tables while no gateway runs. */
  readonly ask: Remembered.Ask
}

/** In requests a second. */
const rate = 200

const config = (shaky: Provider.Provider, steady: Provider.Provider): string => {
  const of = (id: string, baseUrl: string) => ({ id, provider: "openai-compatible", baseUrl, apiKey: "sk-test" })
  return JSON.stringify({
    instances: [of("shaky", shaky.url), of("steady", steady.url)],
    models: [{ id: "chain", targets: ["shaky", "steady"].map((instance) => ({ instance, model: "m" })) }],
    health: { checkOnStart: false },
    log: { level: "warn", format: "json" }
  })
}

/** The database in a data directory that no gateway holds. */
export const embedded =
  (dataDir: string): Remembered.Ask =>
  (text) =>
    Effect.promise(async () => {
      const db = await PGlite.create(join(dataDir, "db"))
      try {
        return (await db.query<Record<string, unknown>>(text)).rows
      } finally {
        await db.close()
      }
    })

/** So many ends in the middle of a steady load, on either database. */
export const prove = (kills: number): void => {
  describe.skipIf(!Postgres.hasPostgres)("a gateway on Postgres", () => {
    test(kills, () => Effect.map(Postgres.server, ({ ask, url }) => ({ url, ask })))
  })
  describe("a gateway on its embedded database", () => {
    test(kills, (dataDir) => Effect.succeed({ url: "", ask: embedded(dataDir) }))
  })
}

const test = (kills: number, storeOf: (dataDir: string) => Effect.Effect<Store, never, Scope.Scope>): void => {
  it.scopedLive(
    `that is killed ${kills} times under load starts each time, and remembers all that it answered, once and whole`,
    () =>
      Effect.gen(function* () {
        const log = new Remembered.Log()
        // Too seldom for a circuit, often enough for failovers.
        const shaky = yield* Provider.make(log.of("shaky", (call) => call % 20 === 19))
        const steady = yield* Provider.make(log.of("steady", () => false))
        const { directory } = yield* launch(["--version"], { files: { "orelse.yaml": config(shaky, steady) } })
        const dataDir = join(directory, "data")
        const store = yield* storeOf(dataDir)
        const start = serve({ directory, env: { DATABASE_URL: store.url, ORELSE_DATA_DIR: dataDir } }, [
          "--config",
          join(directory, "orelse.yaml")
        ])

        const due: Array<Answered> = []
        let asked = 0
        for (let kill = 0; kill < kills; kill++) {
          const gateway = yield* start
          let dead = false
          const loading = yield* Effect.fork(
            paced(gateway.url, { model: "chain", rate, from: asked, goesOn: () => !dead })
          )
          // Also while the database is still opened, and while it is written to.
          yield* Effect.sleep(400 + ((kill * 683) % 2_400))
          yield* gateway.signal("SIGKILL")
          yield* gateway.ended
          dead = true
          const answers = yield* Fiber.join(loading)
          asked += answers.length
          due.push(...answers.filter(({ complete, status }) => status === 200 && complete))
          // What is cut off is no answer; all the others are good ones.
          assert.deepStrictEqual(
            answers.filter(({ status }) => status !== 200 && status !== 0),
            []
          )
        }
        assert.isAbove(due.length, kills * 10)

        const last = yield* start
        yield* atLast(
          () => `a journal of its own alone: ${Remembered.journal(dataDir).join(", ")}\n${last.stdout()}`,
          Effect.filterOrFail(
            Effect.sync(() => Remembered.journal(dataDir)),
            (files) => files.length === 2 && files.every((name) => /\.(?:run|by-.*)$/.test(name))
          )
        )
        yield* last.signal("SIGTERM")
        assert.strictEqual((yield* last.ended).code, 0)
        assert.deepStrictEqual(Remembered.journal(dataDir), [])

        const rows = yield* Remembered.requests(store.ask)
        const missing = due.filter(({ id = "" }) => !rows.has(id))
        assert.deepStrictEqual(missing, [], `${missing.length} of ${due.length}`)
        for (const { id = "", mark } of due) {
          const row = rows.get(id)
          assert.deepStrictEqual(row && Remembered.callsOf(row), log.calls.get(mark), `request ${mark}`)
        }
        // A failover is told before its request ends, so the last ones of each run may have no request, and none is told twice.
        const told = yield* Remembered.failovers(store.ask)
        assert.strictEqual(new Set(told).size, told.length)
        const known = new Set(told)
        assert.deepStrictEqual(
          Remembered.failoversOf(rows.values()).filter((each) => !known.has(each)),
          []
        )
        // Calls are counted every few seconds, and never more often than they were made.
        for (const [what, count] of yield* Remembered.counts(store.ask)) {
          assert.isAtMost(count, log.counts.get(what) ?? 0, what)
        }
      }),
    { timeout: 60_000 + 15_000 * kills }
  )
}
