import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** What was appended at one time by one process and waits for the database, in order. */
export interface Backlog {
  readonly id: string
  /** False when the process that wrote it is gone. */
  readonly grows: boolean
  /** What follows a position, at most `batchRecords`; a batch without a step from `from` to `next` is the end for now. */
  readonly read: (from: number) => Effect.Effect<Batch, BacklogUnreadable>
  /** All before the position is in the database: it need not be kept. */
  readonly forget: (position: number) => Effect.Effect<void>
  /** Nothing more comes of it: whatever is left of it goes. */
  readonly remove: Effect.Effect<void>
  /** It stays for some later process to read: this one does not offer it again. */
  readonly setAside: Effect.Effect<void>
}

/** Positions only grow; what they count is the journal's own affair. */
export interface Batch {
  readonly from: number
  readonly next: number
  readonly records: ReadonlyArray<JournalRecord>
  /** How many more there were that nobody can read. */
  readonly damaged: number
}

export interface JournalRecord {
  readonly kind: string
  /** JSON, as it was written: the database reads it, and nobody before it. */
  readonly json: string
}

/** What was written cannot be read, this time. `message` is a safe sentence. */
export class BacklogUnreadable extends Schema.TaggedError<BacklogUnreadable>()("BacklogUnreadable", {
  message: Schema.String
}) {}

/** Records of one batch at most. */
export const batchRecords = 500

/** A record in one line, its end included; `undefined` where it is too long. */
export const encode = (kind: string, json: string): string | undefined =>
  json.length > longest ? undefined : `["${kind}",${json}]\n`

/** The record of a line; `undefined` where it does not look like one. */
export const decode = (line: string): JournalRecord | undefined => {
  const [head, kind] = /^\["(\w+)",(?!\])/.exec(line) ?? []
  if (head === undefined || kind === undefined || !line.endsWith("]")) return undefined
  return { kind, json: line.slice(head.length, -1) }
}

/** Characters of one record. */
const longest = 1024 * 1024
