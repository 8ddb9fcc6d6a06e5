import { open, readdir, stat, type FileHandle } from "node:fs/promises"
import { join } from "node:path"
import { batchRecords, decode, type Batch, type JournalRecord } from "./Backlog.js"

/**
 * A file of a journal: lines of JSON. A position in a journal is the number of bytes before it, and a file's name holds the
 * position that it begins at, so that one that is damaged or gone moves nothing that follows.
 */
export interface Segment {
  readonly path: string
  readonly base: number
  /** In bytes. */
  readonly size: number
}

export const pathOf = (directory: string, journal: string, base: number): string =>
  join(directory, `${journal}-${base}.ndjson`)

/** The segments of a journal that nobody writes any more, in order. */
export const find = async (directory: string, journal: string): Promise<ReadonlyArray<Segment>> => {
  const found: Array<Segment> = []
  for (const name of await readdir(directory)) {
    const base = name.startsWith(`${journal}-`) ? /-(\d+)\.ndjson$/.exec(name)?.[1] : undefined
    if (base === undefined) continue
    const path = join(directory, name)
    found.push({ path, base: Number(base), size: (await stat(path)).size })
  }
  return found.toSorted((one, other) => one.base - other.base)
}

/** The records that follow a position, from one segment at most. A last line that was never finished is none. */
export const read = async (segments: ReadonlyArray<Segment>, from: number): Promise<Batch> => {
  for (const [index, segment] of segments.entries()) {
    const following = segments[index + 1]?.base
    // Behind the start of the next one there is only what a failed write left.
    const end = Math.min(segment.base + segment.size, following ?? Number.POSITIVE_INFINITY)
    const start = Math.max(from, segment.base)
    if (start >= end) continue
    const lines = await readLines(segment, start, end)
    return { from, ...lines, next: lines.whole ? lines.next : (following ?? end) }
  }
  return { from, next: from, records: [], damaged: 0 }
}

interface Lines {
  readonly records: ReadonlyArray<JournalRecord>
  readonly damaged: number
  readonly next: number
  /** False where there was no end of a line up to the end of the segment. */
  readonly whole: boolean
}

const readLines = async (segment: Segment, start: number, end: number): Promise<Lines> => {
  const file = await open(segment.path, "r")
  try {
    for (let size = chunk; ; size *= 2) {
      const bytes = await readBytes(file, start - segment.base, Math.min(size, end - start))
      const lines = parse(bytes, start)
      if (lines.whole || start + bytes.length >= end || bytes.length < size) return lines
    }
  } finally {
    await file.close()
  }
}

const readBytes = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

const parse = (bytes: Buffer, start: number): Lines => {
  const records: Array<JournalRecord> = []
  let [damaged, at] = [0, 0]
  while (records.length + damaged < batchRecords) {
    const lineEnd = bytes.indexOf(newline, at)
    if (lineEnd === -1) break
    const record = decode(bytes.toString("utf8", at, lineEnd))
    if (record === undefined) damaged++
    else records.push(record)
    at = lineEnd + 1
  }
  return { records, damaged, next: start + at, whole: at > 0 }
}

/** Bytes that are read at once: more would keep everybody waiting while they are parsed. */
const chunk = 256 * 1024

const newline = 10
