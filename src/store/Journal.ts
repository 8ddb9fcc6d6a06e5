import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import type { Backlog, BacklogUnreadable } from "./Backlog.js"
import * as FileJournal from "./FileJournal.js"
import * as MemoryJournal from "./MemoryJournal.js"

/**
 * All that is to be written to the database, in the order in which it came. Nobody waits for the database: `Replay` brings
 * the records there, each exactly once.
 */
export class Journal extends Context.Tag("orelse/Journal")<
  Journal,
  {
    /** A UUID that tells this process from others that write to the same database. */
    readonly id: string
    /**
     * Keeps a record, within this turn of the event loop. `json` is text as `JSON.stringify` makes it, and never what a prompt
     * or an answer says. False: it is not kept, because the journal is full or its disk takes nothing.
     */
    readonly append: (kind: string, json: string) => boolean
    /** The same, and written before it returns, with all before it: it outlives the process, though not the machine. */
    readonly appendNow: (kind: string, json: string) => boolean
    readonly stats: () => JournalStats
    /** What waits for the database: of processes that are gone, the oldest first, and at last of this one. */
    readonly backlogs: () => ReadonlyArray<Backlog>
    /** All that are where this one is, also those of other processes. */
    readonly ids: Effect.Effect<ReadonlyArray<string>, BacklogUnreadable>
    /** Succeeds as soon as so many records wait, or something that a process left that is gone. */
    readonly waiting: (records: number) => Effect.Effect<void>
  }
>() {
  /** In files of a directory, which several processes may share. What cannot be opened now is tried again and again. */
  static readonly layer = (
    options: Partial<FileJournal.Options> & Pick<FileJournal.Options, "directory">
  ): Layer.Layer<Journal> =>
    Layer.scoped(Journal, Effect.map(FileJournal.make({ ...FileJournal.defaults, ...options }), Journal.of))

  /** In memory, for as long as the process lives, and so many records at most. */
  static readonly memory = (maxRecords: number): Layer.Layer<Journal> =>
    Layer.sync(Journal, () => Journal.of(MemoryJournal.make(maxRecords)))

  /** For who has no database by choice: there is nobody to keep anything for. */
  static readonly none: Layer.Layer<Journal> = Layer.sync(Journal, () =>
    Journal.of({
      id: randomUUID(),
      append: () => true,
      appendNow: () => true,
      stats: () => ({ pending: 0, adopted: 0, bytes: 0, dropped: 0, writable: true }),
      backlogs: () => [],
      ids: Effect.succeed([]),
      waiting: () => Effect.never
    })
  )
}

export interface JournalStats {
  /** Records of this process that are not in the database yet. */
  readonly pending: number
  /** Journals of other processes that wait. */
  readonly adopted: number
  /** What all of them take. */
  readonly bytes: number
  /** Records that were not kept. */
  readonly dropped: number
  /** Is a record kept at this moment? */
  readonly writable: boolean
}
