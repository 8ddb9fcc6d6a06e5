import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Money } from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import type { Cancel } from "../provider/Timers.js"

/** An answer as it is kept. Plain data, so that it can be kept elsewhere. */
export interface StoredAnswer {
  /** The whole answer's JSON, or all frames of the stream. */
  readonly body: Uint8Array
  /** Of a stream the length of each frame, in bytes. */
  readonly frames: Uint32Array | undefined
  /** Vendor slug. */
  readonly provider: string
  readonly instance: string
  /** The provider's own id of the model. */
  readonly model: string
  /** What of the request the provider was not told. */
  readonly dropped: ReadonlyArray<string>
  /** What the provider calls the model that answered, where it was read. */
  readonly answered: string | undefined
  readonly usage: Usage | undefined
  /** What the request cost that it was the answer to, as far as it is known. */
  readonly cost: Money | undefined
  /** From the request to the answer's end. */
  readonly ms: number
  /** Unix ms. */
  readonly storedAt: number
}

/** What a store knows of itself. */
export interface StoreStats {
  readonly entries: number
  /** As they are kept. */
  readonly bytes: number
  /** Answers that went because others came. */
  readonly evictions: number
  /** Answers that went because their time was over. */
  readonly expirations: number
}

/**
 * Keeps answers by their keys. It never fails: what cannot be read is not there, and what cannot be kept is not kept. In
 * memory or elsewhere; nobody else knows which.
 */
export class CacheStore extends Context.Tag("orelse/CacheStore")<
  CacheStore,
  {
    /** Tells what there is, at once where that can be: then it costs a request no fiber. Never after it was cancelled. */
    readonly get: (key: string, found: (answer: StoredAnswer | undefined) => void) => Cancel
    /** Replaces what is there. It is to be forgotten after `ttl` ms. */
    readonly set: (key: string, answer: StoredAnswer, ttl: number) => void
    /** How many answers went. */
    readonly clear: Effect.Effect<number>
    readonly stats: Effect.Effect<StoreStats>
  }
>() {}
