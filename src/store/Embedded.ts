import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { Pool } from "pg"
import { OpenFailed, Refused } from "./DatabaseError.js"
import * as DirectoryLock from "./DirectoryLock.js"
import { create, Engine, WorkerSocket } from "./Engine.js"
import { codeOf } from "./SystemError.js"

/** Postgres without a server, in a directory on a local disk. */
export interface Embedded {
  readonly lock: DirectoryLock.DirectoryLock
  /** Opens it, and creates it first where there is none yet, which takes seconds. */
  readonly open: Effect.Effect<Pool, OpenFailed, Scope.Scope>
}

/** The file that says who holds a data directory. */
export const lockFile = (dataDir: string): string => resolve(dataDir, "db.lock")

/** Takes the data directory, or says at once why it cannot be had. Nothing is opened yet. */
export const make = (dataDir: string): Effect.Effect<Embedded, Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const root = resolve(dataDir)
    yield* attempt(root, () => {
      mkdirSync(root, { recursive: true, mode: 0o700 })
      accessSync(root, constants.W_OK)
    })
    const lock = yield* Effect.mapError(
      DirectoryLock.take(lockFile(root)),
      ({ message }) =>
        new Refused({
          message: `the data directory ${root} cannot be had: ${message}; stop that one, or name another directory by ORELSE_DATA_DIR, or DATABASE_URL`
        })
    )
    const directory = join(root, "db")
    const problem = yield* attempt(root, () => problemOf(directory))
    if (problem !== undefined) return yield* new Refused({ message: `${directory} ${problem}` })
    return { lock, open: opened(directory) }
  })

/** Of the Postgres that PGlite is. */
const version = "18"

/** What Postgres itself would say much later and less clearly. */
const problemOf = (directory: string): string | undefined => {
  if (!existsSync(directory)) return undefined
  const marker = join(directory, "PG_VERSION")
  if (!existsSync(marker)) return readdirSync(directory).length === 0 ? undefined : "holds other things than a database"
  const found = readFileSync(marker, "utf8").trim()
  return found === version
    ? undefined
    : `was made by Postgres ${found}, and this orelse brings Postgres ${version}: use the orelse that made it, or another ORELSE_DATA_DIR`
}

const opened = (directory: string): Embedded["open"] =>
  Effect.gen(function* () {
    if (!existsSync(join(directory, "PG_VERSION"))) yield* created(directory)
    const engine = yield* Effect.acquireRelease(
      Effect.sync(() => new Engine(directory)),
      (running) => Effect.promise(() => running.stop(patience))
    )
    yield* Effect.tryPromise({ try: () => engine.worker(), catch: failedTo("opened", directory) }).pipe(
      // It recovers what a crash left behind, which may take its time; but it can also hang for ever.
      Effect.timeoutFail({
        duration: longestRecovery,
        onTimeout: () => new OpenFailed({ message: `the embedded database in ${directory} did not open in time` })
      })
    )
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        const pool = new Pool({
          stream: () => new WorkerSocket(engine),
          user: "postgres",
          database: "postgres",
          // One backend is one session.
          max: 1,
          idleTimeoutMillis: 0
        })
        // Without a process id nobody tries to cancel a query over a second connection, which there cannot be.
        pool.on("connect", (client) => Object.assign(client, { processID: undefined }))
        pool.on("error", () => {})
        return pool
      }),
      (pool) => Effect.promise(() => pool.end()).pipe(Effect.interruptible, Effect.timeoutOption(patience))
    )
  })

/** In ms; what is not over by then is recovered at the next start. */
const patience = 5_000
const longestRecovery = "5 minutes"

const created = (directory: string): Effect.Effect<void, OpenFailed> =>
  Effect.tryPromise({ try: () => create(directory), catch: failedTo("created", directory) })

const failedTo =
  (what: string, directory: string) =>
  (cause: unknown): OpenFailed =>
    new OpenFailed({
      message: `the embedded database in ${directory} could not be ${what}: ${cause instanceof Error ? cause.message : "unknown reason"}`
    })

const attempt = <A>(root: string, run: () => A): Effect.Effect<A, Refused> =>
  Effect.try({
    try: run,
    catch: (error) =>
      new Refused({
        message: `the data directory ${root} cannot be used (${codeOf(error)}): name another one by ORELSE_DATA_DIR, or DATABASE_URL, or DATABASE_URL=none for no database at all`
      })
  })
