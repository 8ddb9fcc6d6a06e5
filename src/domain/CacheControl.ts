/** What a request says of the cache, as HTTP's `cache-control` has it (RFC 9111, 5.2.1). */
export interface CacheControl {
  /** Not answered from the cache; the new answer may be kept. */
  readonly noCache: boolean
  /** Neither answered from the cache nor kept. */
  readonly noStore: boolean
  /** The oldest answer that will do, in s; `undefined`: any that is fresh. */
  readonly maxAge: number | undefined
  /** Nobody is to be asked. */
  readonly onlyIfCached: boolean
}

/**
 * What the cache had to do with an answer. `stale`: the providers failed, and an answer that had expired was served instead;
 * `bypass`: it was neither asked nor is the answer kept there.
 */
export type CacheOutcome = "hit" | "miss" | "bypass" | "stale"

/**
 * Reads the value of the header. Of what it says beyond that nothing is known. As the RFC wants, an age that is none is 0, and
 * one beyond all counting the longest there is (1.2.2).
 */
export const parse = (header: string): CacheControl => {
  const read = { noCache: false, noStore: false, maxAge: undefined as number | undefined, onlyIfCached: false }
  for (const directive of header.toLowerCase().split(",")) {
    const [name = "", value = ""] = directive.split("=").map((part) => part.trim())
    if (name === "no-cache") read.noCache = true
    else if (name === "no-store") read.noStore = true
    else if (name === "only-if-cached") read.onlyIfCached = true
    else if (name === "max-age") {
      const seconds = /^"?(\d+)"?$/.exec(value)?.[1]
      read.maxAge = Math.min(read.maxAge ?? oldest, seconds === undefined ? 0 : Number(seconds))
    }
  }
  // Nothing that is kept is that young.
  return read.maxAge === 0 ? { ...read, noCache: true } : read
}

/** In s. */
const oldest = 2 ** 31
