import * as Context from "effect/Context"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { LRUCache } from "lru-cache"
import type { Outcome } from "../provider/Call.js"
import * as TokenBucket from "./TokenBucket.js"

/** So much of one bucket. One that nobody has heard of is full. */
export interface Take {
  readonly bucket: string
  readonly rate: TokenBucket.Rate
  readonly amount: number
}

/** What became of some takes: all of them were granted, or none. */
export interface Taken {
  readonly granted: boolean
  /** One for each, in their order: afterwards where they were granted. `wait` is for its amount. */
  readonly levels: ReadonlyArray<TokenBucket.Level>
}

/**
 * Where the buckets are. In memory an answer is there at once. One that is shared by several gateways answers later, by its own
 * clock, takes in one step, and judges by itself when it cannot be reached: it never fails. Times are Unix ms.
 */
export class RateLimitStore extends Context.Tag("orelse/RateLimitStore")<
  RateLimitStore,
  {
    /** Takes from several buckets, each of them another one: from all or from none. */
    readonly take: (takes: ReadonlyArray<Take>, now: number) => Outcome<Taken, never>
    /** Takes more of what was taken before, although there may be less; negative amounts bring something back. */
    readonly correct: (takes: ReadonlyArray<Take>, now: number) => void
    /** How the buckets are, as far as that is known here. */
    readonly peek: (takes: ReadonlyArray<Take>, now: number) => ReadonlyArray<TokenBucket.Level>
    /** Names of buckets that are known here, the latest used first. Those that are full may be missing. */
    readonly known: () => Iterable<string>
  }
>() {
  /** In this process: at most `most` buckets, of which the ones that were not used for longest are forgotten first. */
  static readonly memory = (most = mostBuckets): Layer.Layer<RateLimitStore> =>
    Layer.sync(RateLimitStore, () => new Memory(most))
}

/** Some 20 MB. */
const mostBuckets = 100_000

class Memory {
  private readonly buckets: LRUCache<string, Kept>

  constructor(max: number) {
    this.buckets = new LRUCache({ max })
  }

  readonly take = (takes: ReadonlyArray<Take>, now: number): Outcome<Taken, never> => {
    for (const { amount, bucket, rate } of takes) {
      if (TokenBucket.level(this.of(bucket), rate, amount, now).wait > 0) {
        return Either.right({ granted: false, levels: this.peek(takes, now) })
      }
    }
    this.correct(takes, now)
    return Either.right({ granted: true, levels: this.peek(takes, now) })
  }

  readonly correct = (takes: ReadonlyArray<Take>, now: number): void => {
    for (const { amount, bucket, rate } of takes) {
      const kept = this.buckets.get(bucket)
      if (kept === undefined) {
        this.forgetFull(now)
        this.buckets.set(bucket, { rate, bucket: TokenBucket.take(TokenBucket.full, rate, amount, now) })
      } else {
        kept.bucket = TokenBucket.take(kept.bucket, rate, amount, now)
        kept.rate = rate
      }
    }
  }

  readonly peek = (takes: ReadonlyArray<Take>, now: number): ReadonlyArray<TokenBucket.Level> =>
    takes.map(({ amount, bucket, rate }) => TokenBucket.level(this.of(bucket), rate, amount, now))

  readonly known = (): Iterable<string> => this.buckets.keys()

  private of(name: string): TokenBucket.Bucket {
    return this.buckets.peek(name)?.bucket ?? TokenBucket.full
  }

  /** A full one says as much as none. For each newcomer two of the oldest are looked at, so that they never pile up. */
  private forgetFull(now: number): void {
    // To delete the only one, the library clears its room for all.
    if (this.buckets.size < 2) return
    let looked = 0
    for (const name of this.buckets.rkeys()) {
      const kept = this.buckets.peek(name)
      if (kept === undefined || ++looked > 2) return
      if (TokenBucket.level(kept.bucket, kept.rate, 0, now).reset > 0) return
      this.buckets.delete(name)
      if (this.buckets.size < 2) return
    }
  }
}

interface Kept {
  bucket: TokenBucket.Bucket
  /** It was last used with. */
  rate: TokenBucket.Rate
}
