import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Backlog, BacklogUnreadable, JournalRecord } from "../../src/store/Backlog.js"

/** A directory that is gone with the scope. */
export const directory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "orelse-journal-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const filesOf = (path: string, ending: string): ReadonlyArray<string> =>
  readdirSync(path)
    .filter((name) => name.endsWith(ending))
    .map((name) => join(path, name))

/** The one file of that kind, or the first. */
export const fileOf = (path: string, ending: string): string => {
  const [file] = filesOf(path, ending)
  if (file === undefined) throw new Error(`there is no *${ending}`)
  return file
}

/** All that journal there now look as if they had been killed. */
export const killAll = (path: string): void => {
  for (const file of filesOf(path, ".run")) {
    const owner: unknown = JSON.parse(readFileSync(file, "utf8"))
    writeFileSync(file, JSON.stringify(Object.assign({}, owner, { pid: beyondAllPids })))
  }
}

const beyondAllPids = 2 ** 22 + 1

/** What a killed process leaves that appended nothing; its id. */
export const abandon = (path: string): string => {
  const id = randomUUID()
  writeFileSync(join(path, `${id}.by-${id}`), "")
  return id
}

/** Lets the event loop turn until it is so. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (const start = performance.now(); !condition(); await new Promise((resolve) => setImmediate(resolve))) {
      if (performance.now() - start > patience) throw new Error(`it did not come to that: ${String(condition)}`)
    }
  })

/** In ms. */
const patience = 15_000

/** A record as it was appended. */
export interface Appended {
  readonly kind: string
  readonly data: unknown
}

const read = ({ json, kind }: JournalRecord): Appended => ({ kind, data: JSON.parse(json) })

/** What is left of a backlog, by the way of who drains it. */
export const drain = (backlog: Backlog): Effect.Effect<ReadonlyArray<Appended>, BacklogUnreadable> =>
  Effect.gen(function* () {
    const records: Array<Appended> = []
    let from = 0
    while (true) {
      const batch = yield* backlog.read(from)
      if (batch.next === from) break
      records.push(...batch.records.map(read))
      from = batch.next
      yield* backlog.forget(from)
    }
    yield* backlog.remove
    return records
  })
