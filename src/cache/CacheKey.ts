import { LRUCache } from "lru-cache"
import { hash } from "node:crypto"
import type { Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import * as Canonical from "./Canonical.js"

/**
 * Names what is asked, by whom, as a hash of all that may change the answer:
 *
 * - who asks: tenant, gateway key and user, so that nobody ever gets an answer that was given to somebody else;
 * - the dialect, the headers that belong to it (`anthropic-version`, `anthropic-beta`), and whether it is a stream: a stream is
 *   answered by a stream, byte for byte, and a whole answer by a whole one, so the two are two entries;
 * - `chain`: who serves the model as things are configured now, so that an answer does not outlive a change of that;
 * - all of the body, whatever the order of its keys and its white space. That includes `user` and `metadata`, which name the
 *   end user, whose answers are nobody else's, and the request's own `models`, `fallback` and `provider`, which decide who
 *   answers. Only `stream` is left out, which is told above, and the `stream_options` of what is no stream.
 *
 * The trace, the session and the request's id come as headers; they are not in it.
 */
export class CacheKeys {
  /** Hash of a body's bytes -> hash of what it says, so that the same bytes are read once. */
  private known: LRUCache<string, string> | undefined = undefined

  /** `streamed`: it is answered by a stream, whatever it says itself. `undefined`: a body that cannot be told from others. */
  of(
    { body, dialect, headers, model }: ChatRequest,
    caller: Caller,
    chain: string,
    streamed: boolean
  ): string | undefined {
    const said = this.said(body, streamed)
    if (said === undefined) return undefined
    const scope = [version, dialect, streamed, caller.tenant, caller.key, caller.user, chain, model, headersOf(headers)]
    return sha256(JSON.stringify(scope) + said)
  }

  private said(body: Uint8Array, streamed: boolean): string | undefined {
    this.known ??= new LRUCache({ max: mostKnown })
    const bytes = `${sha256(body)}${streamed ? "s" : "w"}`
    const known = this.known.get(bytes)
    if (known !== undefined) return known
    const canonical = Canonical.of(body, streamed ? unsaidOfStreams : unsaid)
    if (canonical === undefined) return undefined
    const said = sha256(canonical)
    this.known.set(bytes, said)
    return said
  }
}

const sha256 = (data: string | Uint8Array): string => hash("sha256", data, "base64url")

const headersOf = (headers: ChatRequest["headers"]): ReadonlyArray<readonly [string, string]> =>
  Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1))

/** Of what is hashed, for stores that outlive a process. */
const version = 1

const unsaid = new Set(["stream", "stream_options"])
const unsaidOfStreams = new Set(["stream"])

/** Some 200 bytes each. */
const mostKnown = 10_000
