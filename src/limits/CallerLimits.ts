import type { CallerLimitSettings, InstanceSettings, RateSettings } from "../config/Settings.js"
import type { Caller } from "../domain/Caller.js"
import type { Limit } from "./Claim.js"
import type { Rate } from "./TokenBucket.js"

/** The limits that hold a caller. */
export type LimitsOf = (caller: Caller) => ReadonlyArray<Limit>

/** Finds the limits of callers in what is configured. `undefined`: there are none for anybody. */
export const make = (settings: ReadonlyArray<CallerLimitSettings>): LimitsOf | undefined => {
  if (settings.length === 0) return undefined
  const of = new Map(settings.map((one) => [one.scope, { ...ratesOf(one), scope: one.scope, queue: one.queue }]))
  const [everybody, each] = [of.get("global"), of.get("caller")]
  return (caller) => {
    const limits: Array<Limit> = []
    if (everybody !== undefined) limits.push({ id: "global", ...everybody })
    if (each !== undefined) limits.push({ id: `caller:${nameOf(caller)}`, ...each })
    for (const kind of kinds) {
      const id = caller[kind]
      if (id === undefined) continue
      const name = `${kind}:${id}`
      // Who is called `*` is not everybody.
      const found = (id === "*" ? undefined : of.get(name)) ?? of.get(`${kind}:*`)
      if (found !== undefined) limits.push({ id: name, ...found })
    }
    return limits
  }
}

/** The same for settings that may change: they are looked into when they have. */
export const live = (settingsNow: () => ReadonlyArray<CallerLimitSettings>): (() => LimitsOf | undefined) => {
  let settings = settingsNow()
  let limitsOf = make(settings)
  return () => {
    const now = settingsNow()
    if (now !== settings) {
      settings = now
      limitsOf = make(now)
    }
    return limitsOf
  }
}

/** The limits that one of these settings makes, for whoever of those that are known it holds. */
export const madeBy = (
  own: CallerLimitSettings,
  all: ReadonlyArray<CallerLimitSettings>,
  known: ReadonlyArray<string>
): ReadonlyArray<Limit> => {
  const { scope } = own
  const named = new Set(all.map((each) => each.scope))
  const prefix = scope === "caller" ? "caller:" : scope.endsWith(":*") ? scope.slice(0, -1) : undefined
  const ids =
    prefix === undefined ? [scope] : known.filter((id) => id.startsWith(prefix) && (id === scope || !named.has(id)))
  return ids.map((id) => ({ id, scope, ...ratesOf(own), queue: own.queue }))
}

const kinds = ["tenant", "key", "user"] as const

/** Tells callers apart; no two of them have the same. */
export const nameOf = ({ key, tenant, user }: Caller): string => JSON.stringify([tenant, key ?? null, user ?? null])

/** The limit of an instance; `undefined`: it has none. */
export const ofInstance = ({ id, rateLimit }: InstanceSettings): Limit | undefined =>
  rateLimit === undefined
    ? undefined
    : { id: `instance:${id}`, scope: `instance:${id}`, ...ratesOf(rateLimit), queue: outward }

/** No plan waits for longer. */
const outward = { max: 1_000, timeout: 5_000 }

const ratesOf = (
  settings: RateSettings & { readonly burst?: number | undefined }
): Pick<Limit, "requests" | "tokens"> => ({
  requests: rateOf(settings.requestsPerMinute, settings.burst),
  tokens: rateOf(settings.tokensPerMinute, undefined)
})

const rateOf = (perMinute: number | undefined, burst: number | undefined): Rate | undefined =>
  perMinute === undefined ? undefined : { perMinute, capacity: burst ?? perMinute }
