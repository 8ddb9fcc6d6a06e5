import * as Schema from "effect/Schema"
import type { CacheStats } from "../cache/ResponseCache.js"
import * as Money from "../domain/Money.js"

/** What `GET /admin/cache/stats` answers: what the cache holds now, and has done since the gateway began. */
export const CacheBody = Schema.Struct({
  enabled: Schema.Boolean,
  entries: Schema.Int,
  /** As they are kept, compressed or not. */
  bytes: Schema.Int,
  hits: Schema.Int,
  /**
   * Requests for which nothing was kept that was fresh enough; `coalesced` and `stale_hits` are among them, and what asks for
   * kept answers only and was refused. Who says `no-cache` looks for none.
   */
  misses: Schema.Int,
  /** Of all that were looked for; null before the first. */
  hit_ratio: Schema.NullOr(Schema.Number),
  /** Answers that had expired, given where all providers failed. */
  stale_hits: Schema.Int,
  /** Requests that got a part of the answer to an identical one in flight. */
  coalesced: Schema.Int,
  evictions: Schema.Int,
  expirations: Schema.Int,
  /** What all that was given without a call would have cost, as far as it is known. */
  saved_usd: Schema.String,
  /** And how much longer it would have taken, in all. */
  saved_ms: Schema.Int
}).annotations({ identifier: "CacheStats" })
export type CacheBody = typeof CacheBody.Type

/** What `DELETE /admin/cache` has taken away. */
export const ClearedBody = Schema.Struct({ cleared: Schema.Int }).annotations({ identifier: "CacheCleared" })

export const make = (stats: CacheStats): CacheBody => {
  const looked = stats.hits + stats.misses
  return {
    enabled: stats.enabled,
    entries: stats.entries,
    bytes: stats.bytes,
    hits: stats.hits,
    misses: stats.misses,
    hit_ratio: looked === 0 ? null : Math.round((stats.hits / looked) * 10_000) / 10_000,
    stale_hits: stats.staleHits,
    coalesced: stats.coalesced,
    evictions: stats.evictions,
    expirations: stats.expirations,
    saved_usd: Money.toUsd(stats.saved),
    saved_ms: stats.savedMs
  }
}
