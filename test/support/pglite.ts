import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { PGlite } from "@electric-sql/pglite"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Duplex } from "node:stream"
import { Pool } from "pg"
import * as Migrations from "../../src/store/Migrations.js"

/** Postgres in this process behind `pg`, with the tables of orelse. */
export interface TestPostgres {
  readonly sql: SqlClient.SqlClient
  /** The next `COMMIT` is done, or not, and either way the connection breaks before anybody hears of it. */
  readonly loseCommit: (done: boolean) => void
}

export const make: Effect.Effect<TestPostgres, never, Scope.Scope> = Effect.gen(function* () {
  const faults: Faults = { commit: undefined }
  const context = yield* Layer.build(PgClient.layerFromPool({ acquire: pool(faults) }))
  yield* Effect.provide(Migrations.run(Migrations.bundled()), context)
  return {
    sql: Context.get(context, SqlClient.SqlClient),
    loseCommit: (done: boolean) => {
      faults.commit = done ? "done" : "lost"
    }
  }
}).pipe(Effect.orDie)

/** What can go wrong on the way. */
interface Faults {
  commit: "done" | "lost" | undefined
}

/** Connects to a PGlite of its own, one connection at a time. */
export const pool = (faults: Faults = { commit: undefined }): Effect.Effect<Pool, never, Scope.Scope> =>
  Effect.gen(function* () {
    const postgres = yield* Effect.acquireRelease(
      Effect.promise(() => PGlite.create()),
      (opened) => Effect.promise(() => opened.close())
    )
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        const opened = new Pool({
          stream: () => new Wire(postgres, faults),
          user: "postgres",
          database: "postgres",
          max: 1,
          idleTimeoutMillis: 0
        })
        opened.on("error", () => {})
        // There is one session, and so no second connection to cancel an interrupted query over.
        opened.on("connect", (client) => Object.assign(client, { processID: undefined }))
        return opened
      }),
      (opened) => Effect.promise(() => opened.end())
    )
  })

/** What `pg` takes for a socket. */
class Wire extends Duplex {
  #started = false
  #received = Buffer.alloc(0)

  constructor(
    readonly postgres: PGlite,
    readonly faults: Faults
  ) {
    super()
  }

  connect(): this {
    // The session is the same as before: what a broken connection left open in it ends now.
    void this.postgres.exec("ROLLBACK").then(() => this.emit("connect"))
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#received = Buffer.concat([this.#received, chunk])
    void this.#answer(done)
  }

  override _final(done: () => void): void {
    this.push(null)
    done()
  }

  async #answer(done: (error?: Error) => void): Promise<void> {
    try {
      await this.#answerAll()
      done()
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #answerAll(): Promise<void> {
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      if (message[0] === terminate) {
        this.push(null)
        return
      }
      const fault = message.includes("COMMIT") ? this.faults.commit : undefined
      if (fault !== "lost") {
        const reply: Array<Buffer> = []
        // `execProtocolRaw` would keep what it parsed for ever.
        await this.postgres.execProtocolRawStream(message, {
          syncToFs: false,
          onRawData: (bytes) => {
            reply.push(Buffer.from(bytes))
          }
        })
        // Not within the write that asked: no socket answers so.
        if (fault === undefined) for (const bytes of reply) this.push(bytes)
      }
      if (fault !== undefined) {
        this.faults.commit = undefined
        this.destroy(Object.assign(new Error("the connection broke"), { code: "ECONNRESET" }))
        return
      }
    }
  }

  /** Only the first message has no letter in front of its length. */
  #next(): Buffer | undefined {
    const head = this.#started ? 1 : 0
    if (this.#received.length < head + 4) return undefined
    const length = head + this.#received.readUInt32BE(head)
    if (this.#received.length < length) return undefined
    const message = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    this.#started = true
    return message
  }
}

const terminate = "X".charCodeAt(0)
