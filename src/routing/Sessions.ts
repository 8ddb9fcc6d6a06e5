import { LRUCache } from "lru-cache"
import { createHash } from "node:crypto"
import type { StickySettings } from "../config/Settings.js"
import type { Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { Candidate } from "./Candidate.js"

/** Which candidate served the latest request of each session: that one has its prompt in the cache. */
export class Sessions {
  private readonly served: LRUCache<string, Pick<Candidate, "instance" | "model">>

  /** `now` is Unix ms. */
  constructor(now: () => number) {
    // To the cache a time of 0 is none.
    this.served = new LRUCache({ max: mostSessions, ttlResolution: 0, perf: { now: () => now() + 1 } })
  }

  /** The name of a request's session; `undefined`: it is in none. Sessions of two tenants or models are two. */
  nameOf(request: ChatRequest, { tenant }: Caller, { by }: StickySettings): string | undefined {
    for (const key of by) {
      const named = key === "header" ? request.session : key === "user" ? request.user : promptKeyOf(request)
      if (named !== undefined && named !== "") return `${tenant}\n${request.model}\n${key}\n${shortened(named)}`
    }
    return undefined
  }

  /** Who served it last, if that was not too long ago. */
  of(name: string): Pick<Candidate, "instance" | "model"> | undefined {
    return this.served.get(name)
  }

  /** The time to live begins anew. */
  remember(name: string, { instance, model }: Candidate, { ttl }: StickySettings): void {
    this.served.set(name, { instance, model }, { ttl })
  }
}

/** OpenAI's name for requests that share a prompt. */
const promptKeyOf = ({ view }: ChatRequest): string | undefined => {
  const key = view["prompt_cache_key"]
  return typeof key === "string" ? key : undefined
}

/** A caller may name it at any length. */
const shortened = (name: string): string =>
  name.length <= 128 ? name : createHash("sha256").update(name).digest("base64")

/** The least recently used are forgotten first. */
const mostSessions = 100_000
