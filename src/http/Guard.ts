import * as Redacted from "effect/Redacted"
import { createHash, timingSafeEqual } from "node:crypto"
import { isLoopback } from "../config/Loopback.js"
import type { Settings } from "../config/Settings.js"
import * as Caller from "../domain/Caller.js"
import * as HttpRefusal from "./HttpRefusal.js"
import { header, type Inbound } from "./WireReply.js"

/** Decides who may ask for what, before anything else looks at a request. */
export type Guard = (inbound: Inbound) => Caller.Caller | HttpRefusal.HttpRefusal

/** Answered to anybody, so that load balancers and orchestrators need no key. */
export const isOpen = (path: string): boolean => open.has(path)

const open: ReadonlySet<string> = new Set(["/health", "/livez", "/readyz"])

/** The guard of a gateway that is bound to `host`. */
export const make = ({ adminKey, host }: Pick<Settings["server"], "adminKey" | "host">): Guard => {
  const bound = isLoopback(host)
  const admin = adminKey === undefined ? undefined : digest(Redacted.value(adminKey))
  const isAdmin = (key: string | undefined): boolean =>
    admin !== undefined && key !== undefined && timingSafeEqual(digest(key), admin)

  return (inbound) => {
    const path = pathOf(inbound.url)
    if (isOpen(path)) return Caller.local
    const foreign = rebinding(inbound, bound)
    if (foreign !== undefined) return foreign
    // What is matched as a route is what was authorised: no second spelling of a path gets through.
    if (!isPlain(path)) return HttpRefusal.noSuchRoute(inbound.method, path)
    const administers = /^\/admin(\/|$)/i.test(path) // the router takes a path in any case
    if (bound && (!administers || admin === undefined)) return Caller.local
    const key = credential(inbound)
    if (key instanceof HttpRefusal.HttpRefusal) return key
    if (isAdmin(key)) return Caller.local
    return HttpRefusal.unauthorized(
      administers
        ? "this route needs the admin key: Authorization: Bearer <ORELSE_ADMIN_KEY>"
        : "this gateway needs a key: Authorization: Bearer <key>, or x-api-key"
    )
  }
}

/** Path without the query. */
export const pathOf = (url: string): string => {
  const query = url.indexOf("?")
  return query < 0 ? url : url.slice(0, query)
}

/** A browser page of some other site must not reach a gateway that trusts its machine. */
const rebinding = (inbound: Inbound, bound: boolean): HttpRefusal.HttpRefusal | undefined => {
  const host = header(inbound, "host")
  if (bound && host !== undefined && !isLoopback(hostName(host))) {
    return HttpRefusal.forbidden("the Host header names another machine; this gateway answers on loopback only")
  }
  const origin = header(inbound, "origin")
  if (origin === undefined) return undefined
  const from = URL.canParse(origin) ? new URL(origin) : undefined
  if (from !== undefined && (bound ? isLoopback(bare(from.hostname)) : from.host === host)) return undefined
  return HttpRefusal.forbidden("requests from pages of another origin are not answered")
}

const hostName = (host: string): string => bare(host.replace(/:\d*$/, ""))

/** An IPv6 address without its brackets. */
const bare = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

/** Ids of models hold slashes and colons, and scopes of budgets a star; everything else is spelled plainly. */
const isPlain = (path: string): boolean =>
  /^\/[A-Za-z0-9_.~\-/:@%*]*$/.test(path) &&
  !path.includes("//") &&
  !/(^|\/)\.\.?(\/|$)/.test(path) &&
  (!path.includes("%") || naming.some((prefix) => path.startsWith(prefix)))

/** Below these an id of a model or the scope of a budget follows, which may need escapes. */
const naming = [
  "/v1/models/",
  "/admin/failover/model/",
  "/admin/failover/providers/",
  "/admin/models/",
  "/admin/budgets/"
]

/** Either header carries a key; two different ones are a mistake that must not be guessed away. */
const credential = (inbound: Inbound): string | HttpRefusal.HttpRefusal | undefined => {
  const bearer = /^bearer +(.+)$/i.exec(header(inbound, "authorization") ?? "")?.[1]?.trim()
  const apiKey = header(inbound, "x-api-key")
  if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) {
    return HttpRefusal.wrongType("authorization and x-api-key hold two different keys", "x-api-key")
  }
  return bearer ?? apiKey
}

const digest = (key: string): Buffer => createHash("sha256").update(key).digest()
