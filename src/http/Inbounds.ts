import { randomUUID } from "node:crypto"
import { header, type Inbound } from "./WireReply.js"

/** A request as it came in. A caller's own `x-request-id` is kept when it is harmless. */
export const make = (method: string, url: string, headers: Inbound["headers"]): Inbound => {
  const given = header({ headers }, "x-request-id")
  return {
    id: given !== undefined && harmless.test(given) ? given : randomUUID(),
    method,
    url,
    headers,
    at: performance.now()
  }
}

const harmless = /^[A-Za-z0-9._:-]{1,128}$/
