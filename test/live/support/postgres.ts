import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn, spawnSync, type ChildProcess } from "node:child_process"
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Client } from "pg"
import { eventually } from "./command.js"
import { freePort } from "./gateway.js"

/** A Postgres server of a test's own. */
export interface Server {
  readonly url: string
  /** Runs a statement, and gives its rows. */
  readonly ask: (text: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>>
  readonly start: Effect.Effect<void>
  /** At once, and its connections with it. */
  readonly stop: Effect.Effect<void>
  /** It hangs, and its connections stay open. */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

/** Where a Debian package puts them. */
const binaries = (() => {
  const root = "/usr/lib/postgresql"
  const [newest] = existsSync(root)
    ? readdirSync(root)
        .toSorted((a, b) => Number(b) - Number(a))
        .map((version) => join(root, version, "bin"))
        .filter((path) => existsSync(join(path, "postgres")))
    : []
  return newest
})()

/** Can there be one on this machine? */
export const hasPostgres = binaries !== undefined

/** A server that runs with these flags, on a free port; it goes with the scope. */
export const make = (more: ReadonlyArray<string> = []): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "orelse-postgres-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const user = owner()
    if (user !== undefined) chownSync(directory, user.uid, user.gid)
    const data = join(directory, "data")
    const made = spawnSync(join(binaries ?? "", "initdb"), ["-D", data, "-A", "trust", "-U", "orelse", "--no-sync"], {
      ...user,
      cwd: directory
    })
    if (made.status !== 0) throw new Error(`initdb: ${String(made.stderr)}`)
    const port = yield* freePort
    const url = `postgres://orelse@127.0.0.1:${port}/postgres`

    let child: ChildProcess | undefined
    const start = Effect.gen(function* () {
      const flags = ["-D", data, "-p", String(port), "-k", directory, "-c", "listen_addresses=127.0.0.1", ...more]
      child = spawn(join(binaries ?? "", "postgres"), flags, { ...user, cwd: directory, stdio: "ignore" })
      yield* eventually(
        () => "Postgres to answer",
        Effect.tryPromise(() => query(url, "SELECT 1"))
      )
    })
    const signal = (name: NodeJS.Signals): void => {
      const { pid } = child ?? {}
      if (pid === undefined) return
      // A backend is a process group of its own.
      const children = String(spawnSync("pgrep", ["-P", String(pid)]).stdout).split("\n")
      for (const each of [...children.filter((line) => line !== ""), String(pid)]) {
        try {
          process.kill(Number(each), name)
        } catch {
          // It ended by itself.
        }
      }
    }
    const stop = Effect.promise(async () => {
      const running = child
      child = undefined
      if (running === undefined || running.exitCode !== null) return
      await new Promise((resolve) => {
        running.once("exit", resolve)
        running.kill("SIGCONT")
        // Its fast shutdown.
        running.kill("SIGINT")
      })
    })
    yield* Effect.acquireRelease(start, () =>
      Effect.zipRight(
        Effect.sync(() => signal("SIGCONT")),
        stop
      )
    )
    return {
      url,
      ask: (text) => Effect.promise(() => query(url, text)),
      start,
      stop,
      pause: Effect.sync(() => signal("SIGSTOP")),
      resume: Effect.sync(() => signal("SIGCONT"))
    }
  })

/** The same as it is without flags. */
export const server = make()

const id = (flag: string): number => Number(String(spawnSync("id", [flag, "postgres"]).stdout))

/** Postgres does not run as root. */
const owner = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  return { uid: id("-u"), gid: id("-g") }
}

const query = async (url: string, text: string): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}
