/**
 * `amount` times ten to the power of `places`, as plain decimal text without needless zeros. It moves the point in the digits,
 * so nothing is rounded. `undefined` for what is no decimal number from zero up.
 */
export const shifted = (amount: string | number, places: number): string | undefined => {
  const [, whole, fraction = "", exponent = "0"] = decimal.exec(String(amount).trim()) ?? []
  if (whole === undefined) return undefined
  const point = whole.length + places + Number(exponent)
  if (Math.abs(point) > furthest) return undefined
  const digits = (whole + fraction)
    .padEnd(point, "0")
    .padStart(whole.length + fraction.length - Math.min(0, point), "0")
  const at = Math.max(0, point)
  const before = digits.slice(0, at).replace(/^0+/, "")
  const after = digits.slice(at).replace(/0+$/, "")
  return (before === "" ? "0" : before) + (after === "" ? "" : `.${after}`)
}

const decimal = /^(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/

/** No price has its point further from its digits; text of any length could be asked for otherwise. */
const furthest = 60
