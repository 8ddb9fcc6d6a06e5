import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { closeSync, openSync, watch, type FSWatcher } from "node:fs"
import { basename, dirname } from "node:path"

/** Hears of changes of files as soon as the system tells, which it does not always. */
export interface Watcher {
  /** Watches these from now on. */
  readonly follow: (files: ReadonlyArray<string>) => void
}

/**
 * Watches the directories of files, since editors and Kubernetes put a new file in the place of the old one. With the scope it
 * ends.
 */
export const make = (changed: () => void): Effect.Effect<Watcher, never, Scope.Scope> => {
  const watchers = new Map<string, FSWatcher>()
  let names: ReadonlySet<string> = new Set()
  const hear = (name: string | null): void => {
    // Kubernetes moves a link that is called `..data`.
    if (name === null || name.startsWith("..") || names.has(name)) changed()
  }
  const leave = (directory: string): void => {
    watchers.get(directory)?.close()
    watchers.delete(directory)
  }
  const follow = (files: ReadonlyArray<string>): void => {
    names = new Set(files.map((file) => basename(file)))
    const directories = new Set(files.map((file) => dirname(file)))
    for (const directory of watchers.keys()) if (!directories.has(directory)) leave(directory)
    for (const directory of directories) {
      if (watchers.has(directory)) continue
      try {
        const watcher = watch(directory, { persistent: false }, (_, name) => hear(name))
        watcher.on("error", () => leave(directory))
        watchers.set(directory, watcher)
      } catch {
        // No such directory, or too many are watched already: whoever looks now and then finds the change as well.
      }
    }
  }
  return Effect.acquireRelease(Effect.succeed({ follow }), () =>
    Effect.sync(() => {
      for (const watcher of watchers.values()) watcher.close()
    })
  )
}

/**
 * Hears SIGHUP for as long as the scope lasts. It means that the settings are to be read again, unless the terminal that the
 * process was started from is gone: then the process ends with it, as it would without a listener.
 */
export const onHangUp = (wished: () => void): Effect.Effect<void, never, Scope.Scope> => {
  const hadTerminal = hasTerminal()
  const hear = (): void => {
    if (!hadTerminal || hasTerminal()) return wished()
    process.off("SIGHUP", hear)
    process.kill(process.pid, "SIGHUP")
  }
  return Effect.acquireRelease(
    Effect.sync(() => {
      process.on("SIGHUP", hear)
    }),
    () =>
      Effect.sync(() => {
        process.off("SIGHUP", hear)
      })
  )
}

const hasTerminal = (): boolean => {
  try {
    closeSync(openSync("/dev/tty", "r"))
    return true
  } catch {
    return false
  }
}
