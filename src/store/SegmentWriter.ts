import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs"
import { encode, type Batch } from "./Backlog.js"
import * as Segments from "./Segments.js"
import { codeOf, quietly } from "./SystemError.js"

/** How much a journal takes on disk, in bytes. */
export interface Bounds {
  /** All segments together; when they are full, new records are refused. */
  readonly maxBytes: number
  /** One segment; it is deleted as a whole. */
  readonly segmentBytes: number
}

/** Appends the records of one process. Nothing in it throws or waits; what it could not write it keeps, to try again. */
export class SegmentWriter {
  /** Records that could not be kept. */
  dropped = 0
  /** Records that are not in the database yet. */
  pending = 0
  full = false
  /** Why nothing can be written at this moment: a code of the system. */
  trouble: string | undefined

  #id: string
  /** Bytes of other journals under the same bound. */
  #foreign = 0
  #segments: ReadonlyArray<Growing> = []
  /** The last of them, as long as it is written. */
  #current: { readonly file: number; readonly segment: Growing } | undefined
  /** Bytes of the segments. */
  #onDisk = 0
  /** Bytes written, also to segments that are gone. */
  #end = 0
  #lines = ""
  #lineBytes = 0
  #lineCount = 0
  #flushes = false
  #closed = false
  #batch: Batch | undefined

  constructor(
    readonly directory: string,
    id: string,
    readonly bounds: Bounds,
    /** Told after every write. */
    readonly written: () => void
  ) {
    this.#id = id
  }

  get id(): string {
    return this.#id
  }

  get bytes(): number {
    return this.#onDisk + this.#lineBytes + this.#foreign
  }

  /** Records that can be read again. */
  get readable(): number {
    return this.pending - this.#lineCount
  }

  append(kind: string, json: string): boolean {
    if (!this.#take(encode(kind, json))) return false
    if (!this.#flushes) {
      this.#flushes = true
      // All that is appended in this turn of the loop costs one write.
      setImmediate(this.#flushLater)
    }
    return true
  }

  appendNow(kind: string, json: string): boolean {
    const before = { lines: this.#lines, bytes: this.#lineBytes }
    if (!this.#take(encode(kind, json))) return false
    if (this.flush()) return true
    this.#lines = before.lines
    this.#lineBytes = before.bytes
    this.#lineCount--
    this.pending--
    this.dropped++
    return false
  }

  /** Writes what was collected; false: it is still collected, and `trouble` says why. */
  flush(): boolean {
    if (this.#lines === "") return true
    const bytes = Buffer.from(this.#lines)
    const segment = this.#place(bytes)
    if (segment === undefined) return false
    segment.size += bytes.length
    this.#onDisk += bytes.length
    this.#end += bytes.length
    if (segment.size >= this.bounds.segmentBytes) this.#seal()
    this.#lines = ""
    this.#lineBytes = 0
    this.#lineCount = 0
    this.written()
    return true
  }

  /** Tries whether there is room again, with what was collected or else with nothing that stays. */
  retry(): boolean {
    if (this.#lines !== "") return this.flush()
    const segment = this.#place(blank)
    if (segment === undefined) return false
    if (this.#current !== undefined) truncate(this.#current.file, segment.size)
    return true
  }

  /** So many bytes of other journals more, or less, under the same bound. */
  count(bytes: number): void {
    this.#foreign += bytes
    if (bytes < 0) this.full = false
  }

  async read(from: number): Promise<Batch> {
    this.#batch = await Segments.read(
      this.#segments.map((segment) => ({ ...segment })),
      from
    )
    return this.#batch
  }

  forget(position: number): void {
    if (this.#batch?.next === position) {
      this.pending = Math.max(this.#lineCount, this.pending - this.#batch.records.length - this.#batch.damaged)
      this.#batch = undefined
    }
    if (position >= this.#end) {
      this.pending = this.#lineCount
      const size = this.#segments.at(-1)?.size ?? 0
      if (this.full || size >= this.bounds.segmentBytes / 8) this.#seal()
    }
    const kept = this.#segments.filter(
      (segment) => segment === this.#current?.segment || segment.base + segment.size > position
    )
    if (kept.length === this.#segments.length) return
    for (const segment of this.#segments) {
      if (kept.includes(segment)) continue
      remove(segment.path)
      this.#onDisk -= segment.size
    }
    this.#segments = kept
    this.full = false
  }

  /** The files are somebody else's now, or gone: what was not written yet begins a journal of another name. */
  restart(id: string): void {
    this.#seal()
    this.#id = id
    this.#segments = []
    this.#onDisk = 0
    this.#foreign = 0
    this.#end = 0
    this.#batch = undefined
    this.pending = this.#lineCount
    this.full = false
  }

  /** Nothing is taken any more. True: all was in the database, and there are no files left. */
  close(): boolean {
    this.flush()
    this.#closed = true
    this.#seal()
    if (this.pending > 0) return false
    for (const { path } of this.#segments) remove(path)
    return true
  }

  readonly #flushLater = (): void => {
    this.#flushes = false
    this.flush()
  }

  #take(line: string | undefined): boolean {
    const size = line === undefined ? 0 : Buffer.byteLength(line)
    if (line === undefined || this.trouble !== undefined || this.#closed || !this.#hasRoom(size)) {
      this.dropped++
      return false
    }
    this.#lines += line
    this.#lineBytes += size
    this.#lineCount++
    this.pending++
    return true
  }

  #hasRoom(size: number): boolean {
    this.full = this.bytes + size > this.bounds.maxBytes
    if (this.full && this.pending === 0) {
      // What is left is in the database, and stays only to be written on.
      this.forget(this.#end)
      this.full = this.bytes + size > this.bounds.maxBytes
    }
    return !this.full
  }

  /** Writes at the end of the segment without a step forward; `undefined`: it failed. */
  #place(bytes: Uint8Array): Growing | undefined {
    try {
      const { file, segment } = this.#current ?? this.#open()
      try {
        for (let done = 0; done < bytes.length;) {
          // At its place, so that the next try writes over what a failed one left.
          done += writeSync(file, bytes, done, bytes.length - done, segment.size + done)
        }
      } catch (error) {
        truncate(file, segment.size)
        throw error
      }
      this.trouble = undefined
      return segment
    } catch (error) {
      this.trouble = codeOf(error)
      return undefined
    }
  }

  #open(): { readonly file: number; readonly segment: Growing } {
    const path = Segments.pathOf(this.directory, this.#id, this.#end)
    const segment = { path, base: this.#end, size: 0 }
    this.#current = { file: openSync(path, "w", 0o600), segment }
    this.#segments = [...this.#segments, segment]
    return this.#current
  }

  /** The next write begins a new segment. */
  #seal(): void {
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    quietly(() => closeSync(current.file))
  }
}

interface Growing {
  readonly path: string
  readonly base: number
  size: number
}

/** What is tried where nothing waits to be written: it is no line, and so no record. */
const blank = Buffer.alloc(64 * 1024, " ")

/** A file that cannot go costs room, and at the next start a look at what the database has already. */
const remove = (path: string): void => quietly(() => unlinkSync(path))

/** The next write goes to the same place, so this is only tidy. */
const truncate = (file: number, size: number): void => quietly(() => ftruncateSync(file, size))
