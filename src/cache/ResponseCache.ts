import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { defaultCache } from "../config/ConfigFile.js"
import { LiveSettings } from "../config/LiveSettings.js"
import type { CacheSettings } from "../config/Settings.js"
import type { CacheControl } from "../domain/CacheControl.js"
import type { Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import * as Money from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import * as Timers from "../provider/Timers.js"
import { CacheKeys } from "./CacheKey.js"
import * as CachePolicy from "./CachePolicy.js"
import { CacheStore, type StoredAnswer, type StoreStats } from "./CacheStore.js"
import * as MemoryStore from "./MemoryStore.js"

/** An answer that was found. */
export interface Found {
  readonly answer: StoredAnswer
  /** In ms. */
  readonly age: number
  /** It may be given for any reason; else only where it is that or none (`staleIfError`). */
  readonly fresh: boolean
}

/** An answer that was given without asking anybody. */
export interface Given {
  /** `coalesced`: it was asked for an identical request. */
  readonly how: "hit" | "stale" | "coalesced"
  readonly request: ChatRequest
  readonly caller: Caller
  /** Of the request, where it has one. */
  readonly id: string | undefined
  /** Who made the answer once, and what it took. */
  readonly provider: string
  readonly instance: string
  readonly model: string
  readonly usage: Usage | undefined
  /** What it would have cost; `undefined` where nobody knows. */
  readonly saved: Money.Money | undefined
  /** What it would have taken longer. */
  readonly savedMs: number
}

/** What the cache has done since this process began. */
export interface CacheStats extends StoreStats {
  readonly enabled: boolean
  readonly hits: number
  /** Requests that were looked for, and nothing was kept that was fresh enough; some were answered together, or refused. */
  readonly misses: number
  readonly staleHits: number
  readonly coalesced: number
  /** What all that was given would have cost, as far as it is known. */
  readonly saved: Money.Money
  /** And how long it would have taken. */
  readonly savedMs: number
}

/** Answers that were given before, to be given again to whoever asks the same. */
export class ResponseCache extends Context.Tag("orelse/ResponseCache")<
  ResponseCache,
  {
    /** As they are at this moment. */
    readonly settings: () => CacheSettings
    /** Names a request of a caller; `chain` says who would serve it. `undefined`: it is not for the cache. */
    readonly keyOf: (request: ChatRequest, caller: Caller, chain: string, streamed: boolean) => string | undefined
    /** Looks for an answer and tells, at once where the store can. Never after it was cancelled. */
    readonly find: (
      key: string,
      control: CacheControl | undefined,
      found: (found: Found | undefined) => void
    ) => Timers.Cancel
    /** Keeps an answer, unless it is too long. */
    readonly keep: (key: string, answer: StoredAnswer) => void
    /** Counts an answer that was given, and tells those who listen. */
    readonly given: (given: Given) => void
    /** Whoever keeps books hears of every answer that was given. It must not throw. */
    readonly listen: (listener: (given: Given) => void) => void
    /** Counts a request that was looked for in vain. */
    readonly missed: () => void
    readonly stats: Effect.Effect<CacheStats>
    /** How many answers went. */
    readonly clear: Effect.Effect<number>
  }
>() {
  /** As the live settings say, on any store. */
  static readonly layer: Layer.Layer<ResponseCache, never, CacheStore | LiveSettings> = Layer.effect(
    ResponseCache,
    Effect.gen(function* () {
      const { current } = yield* LiveSettings
      return make(() => current().cache, yield* CacheStore, Timers.ofClock(yield* Effect.clock))
    })
  )

  /** As the live settings say, in memory. */
  static readonly layerInMemory: Layer.Layer<ResponseCache, never, LiveSettings> = Layer.provide(
    ResponseCache.layer,
    Layer.effect(
      CacheStore,
      Effect.gen(function* () {
        const { current } = yield* LiveSettings
        return MemoryStore.make(() => current().cache, Timers.ofClock(yield* Effect.clock))
      })
    )
  )

  /** In memory, for a program that has no configuration. What is not said is as in the config file, and it is enabled. */
  static readonly layerMemory = (options: Partial<CacheSettings> = {}): Layer.Layer<ResponseCache> =>
    Layer.effect(
      ResponseCache,
      Effect.map(Effect.clock, (clock) => {
        const settings: CacheSettings = { ...usual, ...options }
        const timers = Timers.ofClock(clock)
        return make(
          () => settings,
          MemoryStore.make(() => settings, timers),
          timers
        )
      })
    )
}

const make = (
  settings: () => CacheSettings,
  store: CacheStore["Type"],
  { now }: Timers.Timers
): ResponseCache["Type"] => {
  const keys = new CacheKeys()
  const listeners: Array<(given: Given) => void> = []
  const counted = { hit: 0, stale: 0, coalesced: 0, missed: 0, saved: Money.zero, savedMs: 0 }
  return {
    settings,
    keyOf: (request, caller, chain, streamed) =>
      CachePolicy.covers(settings().policy, request) ? keys.of(request, caller, chain, streamed) : undefined,
    find: (key, control, found) =>
      store.get(key, (answer) => {
        const { staleIfError = 0, ttl } = settings()
        const age = answer === undefined ? 0 : Math.max(0, now() - answer.storedAt)
        const oldest = control?.maxAge === undefined ? Number.POSITIVE_INFINITY : control.maxAge * 1000
        found(
          answer === undefined || age >= ttl + staleIfError || age > oldest
            ? undefined
            : { answer, age, fresh: age < ttl }
        )
      }),
    keep: (key, answer) => {
      const { maxEntryBytes, staleIfError = 0, ttl } = settings()
      if (answer.body.length <= maxEntryBytes) store.set(key, answer, ttl + staleIfError)
    },
    given: (given) => {
      const { how, saved, savedMs } = given
      counted[how]++
      counted.savedMs += savedMs
      if (saved !== undefined) counted.saved = Money.sum([counted.saved, saved])
      for (const listener of listeners) listener(given)
    },
    listen: (listener) => {
      listeners.push(listener)
    },
    missed: () => {
      counted.missed++
    },
    stats: Effect.map(store.stats, (kept) => ({
      ...kept,
      enabled: settings().enabled,
      hits: counted.hit,
      misses: counted.missed,
      staleHits: counted.stale,
      coalesced: counted.coalesced,
      saved: counted.saved,
      savedMs: Math.round(counted.savedMs)
    })),
    clear: store.clear
  }
}

const usual: CacheSettings = { staleIfError: undefined, ...defaultCache, enabled: true }
