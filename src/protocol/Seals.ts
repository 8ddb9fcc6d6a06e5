import type { Seal } from "../domain/Prompt.js"

/**
 * A seal as it goes to a caller. One of the dialect's own vendor (`native`) goes as it is; every other is marked with
 * its origin, so that it is known when the caller sends it back.
 */
export const mark = ({ origin, value }: Seal, native: string): string =>
  origin === native ? value : `${prefix}${origin}~${value}`

/** A seal as a caller sent it back. */
export const read = (value: string, native: string): Seal => {
  const end = value.indexOf("~", prefix.length)
  return value.startsWith(prefix) && end > 0
    ? { origin: value.slice(prefix.length, end), value: value.slice(end + 1) }
    : { origin: native, value }
}

/** Are there marked seals in these bytes? */
export const marked = (body: Buffer): boolean => body.includes(prefixBytes)

const prefix = "orelse~"
const prefixBytes = Buffer.from(prefix)
