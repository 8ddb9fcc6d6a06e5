import * as Effect from "effect/Effect"
import { LRUCache } from "lru-cache"
import { constants, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib"
import type { CacheSettings } from "../config/Settings.js"
import type { Cancel, Timers } from "../provider/Timers.js"
import type { CacheStore, StoredAnswer } from "./CacheStore.js"

/** Bounds of what is kept, in bytes. */
export type Limits = Pick<CacheSettings, "compressAbove" | "maxBytes" | "maxEntries">

/**
 * Keeps answers in memory, the least recently used going first. Long ones are compressed when there is time: a request never
 * waits for that, and it takes a twentieth of the time at most. Limits that change hold from the next answer on.
 */
export const make = (limits: () => Limits, timers: Timers): CacheStore["Type"] => {
  const store = new MemoryStore(limits, timers)
  return {
    get: store.get,
    set: store.set,
    clear: Effect.sync(() => store.clear()),
    stats: Effect.sync(() => store.stats())
  }
}

/** An answer whose body is packed; the body of `answer` itself is empty. */
class Packed {
  constructor(
    readonly answer: StoredAnswer,
    readonly bytes: Uint8Array
  ) {}
}

/** Mostly the answer itself: each object more is one that outlives the heap's youth. */
type Kept = StoredAnswer | Packed

class MemoryStore {
  /** None before there is an answer to keep: the library makes room for all of them at once. */
  private entries: LRUCache<string, Kept> | undefined = undefined
  private bounds: Limits
  private evictions = 0
  private expirations = 0
  /** Keys of answers that are to be packed. Their bytes are in the entries alone, so that no flood is held twice. */
  private readonly unpacked = new Set<string>()
  private packing = false

  constructor(
    private readonly limits: () => Limits,
    private readonly timers: Timers
  ) {
    this.bounds = limits()
  }

  readonly get = (key: string, found: (answer: StoredAnswer | undefined) => void): Cancel => {
    const kept = this.entries?.get(key)
    if (!(kept instanceof Packed)) {
      found(kept)
      return nothing
    }
    const { answer, bytes } = kept
    if (bytes.length <= shortPacked) {
      found({ ...answer, body: inflateRawSync(bytes) })
      return nothing
    }
    let left = false
    inflateRaw(bytes, (error, body) => {
      if (!left) found(error === null ? { ...answer, body } : undefined)
    })
    return () => {
      left = true
    }
  }

  readonly set = (key: string, answer: StoredAnswer, ttl: number): void => {
    keep(this.current(), key, answer, ttl)
    if (answer.body.length <= this.bounds.compressAbove) return
    this.unpacked.add(key)
    this.packSoon()
  }

  clear(): number {
    const { entries } = this
    entries?.purgeStale()
    const size = entries?.size ?? 0
    entries?.clear()
    this.unpacked.clear()
    return size
  }

  stats() {
    const { entries, evictions } = this
    entries?.purgeStale()
    return {
      entries: entries?.size ?? 0,
      bytes: entries?.calculatedSize ?? 0,
      evictions,
      expirations: this.expirations
    }
  }

  /** To the library a time of 0 is none. */
  private readonly now = (): number => this.timers.now() + 1

  private empty(): LRUCache<string, Kept> {
    const { maxBytes, maxEntries } = this.bounds
    return new LRUCache<string, Kept>({
      max: maxEntries,
      maxSize: maxBytes,
      ttlResolution: 0,
      perf: { now: this.now },
      dispose: (_, key, reason) => {
        if (reason === "evict") this.evictions++
        if (reason === "expire") this.expirations++
        if (reason !== "set") this.unpacked.delete(key)
      }
    })
  }

  /** The library's limits are fixed; when ours change, what fits moves. */
  private current(): LRUCache<string, Kept> {
    const { bounds, entries } = this
    this.bounds = this.limits()
    const { maxBytes, maxEntries } = this.bounds
    if (entries !== undefined && bounds.maxBytes === maxBytes && bounds.maxEntries === maxEntries) return entries
    this.entries = this.empty()
    for (const [key, kept] of [...(entries?.entries() ?? [])].toReversed()) {
      keep(this.entries, key, kept, entries?.getRemainingTTL(key) ?? 0)
    }
    return this.entries
  }

  private packSoon(): void {
    if (this.packing) return
    this.packing = true
    this.timers.after(pause, () => {
      this.packing = false
      this.pack()
    })
  }

  /** In this thread, as long as an answer is short: to ask another one costs ten times as much. */
  private pack(): void {
    const until = this.timers.now() + busy
    for (const key of this.unpacked) {
      this.unpacked.delete(key)
      const kept = this.entries?.peek(key)
      if (kept === undefined || kept instanceof Packed) continue
      const { body } = kept
      if (body.length > longBody) {
        this.packing = true
        deflateRaw(body, fast, (_, small) => {
          this.packing = false
          // Another one may have come meanwhile.
          if (this.entries?.peek(key) === kept) this.repack(key, kept, small)
          if (this.unpacked.size > 0) this.packSoon()
        })
        return
      }
      this.repack(key, kept, deflateRawSync(body, fast))
      if (this.timers.now() >= until) break
    }
    if (this.unpacked.size > 0) this.packSoon()
  }

  private repack(key: string, answer: StoredAnswer, small: Uint8Array): void {
    const { entries } = this
    if (small.length > worthwhile * answer.body.length || entries === undefined) return
    const bytes = new Uint8Array(small.length)
    bytes.set(small)
    keep(entries, key, new Packed({ ...answer, body: none }, bytes), entries.getRemainingTTL(key))
  }
}

const keep = (entries: LRUCache<string, Kept>, key: string, kept: Kept, ttl: number): void => {
  entries.set(key, kept, { size: sizeOf(key, kept), ttl: Math.max(1, Math.ceil(ttl)) })
}

/** What it holds, also where its bytes are a piece of more. */
const sizeOf = (key: string, kept: Kept): number => {
  const [answer, { buffer }] = kept instanceof Packed ? [kept.answer, kept.bytes] : [kept, kept.body]
  let size = overhead + key.length + buffer.byteLength + (answer.frames?.byteLength ?? 0)
  if (answer.answered !== undefined) size += textSize(answer.answered)
  for (const name of answer.dropped) size += textSize(name)
  return size
}

/** Of an entry besides its bytes: the objects that hold them. */
const overhead = 512

/** Its characters may take two bytes each. */
const textSize = (text: string): number => 24 + 2 * text.length

/** What is longer is left to another thread, in bytes: packed, and before. */
const shortPacked = 32 * 1024
const longBody = 256 * 1024

/** Between two rounds of packing, and how long a round may take, in ms. */
const pause = 20
const busy = 1

/** What shrinks less is kept as it is: numbers, pictures. */
const worthwhile = 0.9

const fast = { level: constants.Z_BEST_SPEED }
const none = new Uint8Array(0)
const nothing = (): void => {}
