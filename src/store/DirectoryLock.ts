import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { isAlive, startOf } from "./ProcessLife.js"
import { codeOf } from "./SystemError.js"

/** Who holds a directory, and where it listens as soon as it does. */
export class Holder extends Schema.Class<Holder>("Holder")({
  host: Schema.String,
  pid: Schema.Int,
  /** When the process started, as its system counts; tells a reused pid from the old one. */
  started: Schema.NullOr(Schema.String),
  url: Schema.NullOr(Schema.String)
}) {}

/** The directory is somebody else's, or no lock can be written. */
export class LockFailed extends Schema.TaggedError<LockFailed>()("LockFailed", {
  message: Schema.String,
  holder: Schema.NullOr(Holder)
}) {}

/** A lock that is held. */
export interface DirectoryLock {
  /** Says where the holder listens. */
  readonly announce: (url: string) => void
}

/** Takes the lock file, for as long as the scope lasts; one whose holder is gone is taken over. */
export const take = (path: string): Effect.Effect<DirectoryLock, LockFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => acquire(path)),
    ({ release }) => Effect.sync(release)
  )

/** Who holds it now; `undefined`: nobody who lives. */
export const holderOf = (path: string): Holder | undefined => {
  const holder = read(path)
  return holder !== undefined && lives(holder, path) ? holder : undefined
}

interface Held extends DirectoryLock {
  readonly release: () => void
}

const acquire = (path: string): Effect.Effect<Held, LockFailed> => {
  const own = new Holder({ host: hostname(), pid: process.pid, started: startOf(process.pid) ?? null, url: null })
  // The second time for who finds a lock whose holder is gone.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, JSON.stringify(own), { flag: "wx", mode: 0o600 })
      return Effect.succeed(held(path, own))
    } catch (error) {
      if (codeOf(error) !== "EEXIST")
        return Effect.fail(new LockFailed({ message: unwritable(path, error), holder: null }))
    }
    const holder = holderOf(path)
    if (holder !== undefined) return Effect.fail(new LockFailed({ message: taken(holder), holder }))
    clear(path)
  }
  return Effect.fail(new LockFailed({ message: "somebody else is taking it at this moment", holder: null }))
}

/** Takes an abandoned lock away. Who is slow may find the lock of somebody who was faster there, and gives it back. */
const clear = (path: string): void => {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (holderOf(aside) !== undefined) linkSync(aside, path)
  } catch {
    // Nobody has it any more, or the next one has it already.
  }
  rmSync(aside, { force: true })
}

const held = (path: string, own: Holder): Held => {
  const beating = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date())
    } catch {
      // A heartbeat tells other hosts only; the next one may do.
    }
  }, beat).unref()
  return {
    announce: (url) => {
      const aside = `${path}.${process.pid}`
      try {
        writeFileSync(aside, JSON.stringify({ ...own, url }), { mode: 0o600 })
        renameSync(aside, path)
      } catch {
        // Subcommands then need `--url`, and say so.
      }
    },
    release: () => {
      clearInterval(beating)
      const holder = read(path)
      if (holder?.host === own.host && holder.pid === own.pid) rmSync(path, { force: true })
    }
  }
}

/** In ms. */
const beat = 5_000

const taken = ({ host, pid, url }: Holder): string =>
  `it is in use by process ${pid}${host === hostname() ? "" : ` on ${host}`}${url === null ? "" : `, which listens on ${url}`}`

const unwritable = (path: string, error: unknown): string => `${path} cannot be written (${codeOf(error)})`

const read = (path: string): Holder | undefined => {
  try {
    return Schema.decodeUnknownSync(Schema.parseJson(Holder))(readFileSync(path, "utf8"))
  } catch {
    return undefined
  }
}

const lives = (holder: Holder, path: string): boolean => {
  // Its pids mean nothing here, its heartbeat does.
  if (holder.host !== hostname()) {
    return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 4 * beat
  }
  return isAlive(holder.pid, holder.started)
}
