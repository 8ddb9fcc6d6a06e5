import * as Money from "../domain/Money.js"
import { isAnthropic, type Facts, type Inbound } from "./WireReply.js"

/** The headers that every answer carries, success or error. */
export const make = (inbound: Inbound, facts: Facts): Record<string, string> => {
  const headers: Record<string, string> = {
    "x-request-id": inbound.id,
    "x-orelse-attempts": String(facts.attempts.length),
    "x-orelse-fallback": String(facts.fallback),
    "x-orelse-cache": facts.cache,
    "server-timing": `orelse;dur=${ownShare(inbound, facts).toFixed(2)}`
  }
  // Where Anthropic's SDK looks for it.
  if (isAnthropic(inbound)) headers["request-id"] = inbound.id
  if (facts.provider !== undefined) headers["x-orelse-provider"] = headerSafe(facts.provider)
  if (facts.instance !== undefined) headers["x-orelse-instance"] = headerSafe(facts.instance)
  if (facts.model !== undefined) headers["x-orelse-model"] = headerSafe(facts.model)
  if (facts.dropped.length > 0) headers["x-orelse-dropped"] = headerSafe(facts.dropped.join(",").slice(0, maxDropped))
  if (facts.age !== undefined) headers["age"] = String(Math.floor(facts.age / 1000))
  // RFC 9111 has no such header any more, and no other one that says it.
  if (facts.cache === "stale") headers["warning"] = '110 orelse "Response is Stale"'
  if (facts.cost !== undefined) headers["x-orelse-cost-usd"] = Money.toUsd(facts.cost)
  return headers
}

/** What the gateway itself took, in ms: everything before the first call to a provider and after the last. */
const ownShare = (inbound: Inbound, { attempts }: Facts): number => {
  const elapsed = performance.now() - inbound.at
  const [first] = attempts
  const last = attempts.at(-1)
  if (first === undefined || last === undefined) return elapsed
  return Math.max(0, elapsed - (last.startedAt + last.ms - first.startedAt))
}

/** Names of members come from callers. */
const maxDropped = 256

/** A model's name may come from a caller; a header holds printable ASCII only, and not much of it. */
const headerSafe = (value: string): string =>
  /^[\x20-\x7e]{0,256}$/.test(value) ? value : encodeURIComponent(wellFormed(value.slice(0, 256)))

/** Half a surrogate pair cannot be encoded. */
const wellFormed = (text: string): string => Buffer.from(text).toString("utf8")
