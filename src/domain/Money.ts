import * as Schema from "effect/Schema"

/**
 * An exact amount in pico-dollars (1e-12 USD), so that a single token of the cheapest model is a whole number and sums
 * never drift.
 */
export const Money = Schema.BigIntFromSelf.pipe(Schema.brand("Money"))
export type Money = typeof Money.Type

/** Branding is a type matter only; validation would cost on every answer. */
const money = (amount: bigint): Money => Money.make(amount, true)

const picoPerUsd = 1_000_000_000_000n

export const zero: Money = money(0n)

/** `tokens` at a price in USD per million tokens. Prices are rounded once, to a millionth of a dollar per million. */
export const ofTokens = (tokens: number, usdPerMillion: number): Money =>
  money(BigInt(tokens) * BigInt(Math.round(usdPerMillion * 1_000_000)))

/** An amount in USD as some vendors report it: a JSON number, rounded once to a pico-dollar. */
export const fromUsd = (usd: number): Money => {
  const whole = Math.trunc(usd)
  return money(BigInt(whole) * picoPerUsd + BigInt(Math.round((usd - whole) * 1e12)))
}

/** An amount in plain decimal USD, as `toUsd` and a database write it; rounded to a pico-dollar. `undefined` for other text. */
export const fromText = (usd: string): Money | undefined => {
  const [, sign, whole = "", fraction = "", rest] = plain.exec(usd) ?? []
  if (sign === undefined) return undefined
  const amount = BigInt(whole + fraction.padEnd(12, "0")) + (rest !== undefined && rest >= "5" ? 1n : 0n)
  return money(sign === "-" ? -amount : amount)
}

const plain = /^(-?)(\d{1,40})(?:\.(\d{1,12})(\d*))?$/

export const sum = (amounts: Iterable<Money>): Money => {
  let total = 0n
  for (const amount of amounts) total += amount
  return money(total)
}

/** Plain decimal USD without trailing zeros: `0.00041`. */
export const toUsd = (amount: Money): string => {
  const sign = amount < 0n ? "-" : ""
  const digits = (amount < 0n ? -amount : amount).toString().padStart(13, "0")
  const fraction = digits.slice(-12).replace(/0+$/, "")
  return sign + digits.slice(0, -12) + (fraction === "" ? "" : `.${fraction}`)
}
