import { LRUCache } from "lru-cache"
import { randomUUID } from "node:crypto"
import { header, type Inbound } from "./WireReply.js"

/** A request as it came in. */
export type InboundOf = (method: string, url: string, headers: Inbound["headers"]) => Inbound

/**
 * Names the requests of one server. A caller's own `x-request-id` is kept when it is harmless; one that was seen before gets
 * an ending of its own, so that no request is taken for another.
 */
export const naming = (): InboundOf => {
  const seen = new LRUCache<string, true>({ max: remembered })
  const idOf = (given: string | undefined): string => {
    if (given === undefined || !harmless.test(given)) return randomUUID()
    if (seen.has(given)) return `${given.slice(0, longest - 9)}-${randomUUID().slice(0, 8)}`
    seen.set(given, true)
    return given
  }
  return (method, url, headers) => ({
    id: idOf(header({ headers }, "x-request-id")),
    method,
    url,
    headers,
    at: performance.now()
  })
}

const longest = 128

const harmless = /^[A-Za-z0-9._:-]{1,128}$/

const remembered = 10_000
