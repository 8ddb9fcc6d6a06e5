import type { EventFields, OutageKind } from "./ScenarioFile.js"

/** The fields that say what happens. */
const kinds = [
  "outage",
  "flap",
  "rateLimit",
  "slow",
  "keyRevoked",
  "quotaSpent",
  "errors",
  "breaks",
  "malformed"
] as const satisfies ReadonlyArray<keyof EventFields>

export const kindsOf = (event: EventFields): ReadonlyArray<(typeof kinds)[number]> =>
  kinds.filter((kind) => event[kind] !== undefined)

/** Is it on at this time, in ms from the start? */
export const isOn = ({ at, for: length }: EventFields, now: number): boolean =>
  now >= at && (length === undefined || now < at + length)

/** How nobody is answered at this time, because of this event. */
export const outageOf = ({ at, flap, outage }: EventFields, now: number): OutageKind | undefined => {
  if (flap === undefined) return outage
  return (now - at) % (flap.up + flap.down) < flap.up ? undefined : flap.how
}

/** How many times longer everything takes at this time. */
export const slowness = ({ at, for: length, slow }: EventFields, now: number): number => {
  if (slow === undefined) return 1
  const over = slow.over ?? length ?? 0
  const grown = over === 0 ? 1 : Math.min(1, (now - at) / over)
  return 1 + (slow.factor - 1) * grown
}

/** What happens, in a few words. */
export const describe = (event: EventFields): string => {
  const { breaks, errors, flap, malformed, outage, rateLimit, slow } = event
  if (outage !== undefined) return `out (${outage})`
  if (flap !== undefined) return `flapping (${flap.how})`
  if (rateLimit !== undefined) return `${rateLimit.requestsPerMinute} requests a minute`
  if (slow !== undefined) return `up to ${slow.factor} times slower`
  if (event.keyRevoked === true) return "key revoked"
  if (event.quotaSpent === true) return "quota spent"
  if (errors !== undefined) return `${percent(errors.share)} errors (${errors.how})`
  if (breaks !== undefined) return `${percent(breaks)} of streams break`
  return `${percent(malformed ?? 0)} of answers malformed`
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`
