import { ownPrices } from "../config/OwnPrices.js"
import type { InstanceSettings, Price } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import type { Size } from "../provider/SimulatedSize.js"

/** What a simulated provider writes down of one call, whatever the gateway makes of it. */
export interface Bill {
  /** The request's own number; `undefined`: nobody's request, as of a check. */
  readonly request: string | undefined
  readonly instance: string
  /** The provider's own id. */
  readonly model: string
  /** When it was called, in ms from the start. */
  readonly at: number
  /** `refused`: it was not answered. `answered`: all of it has left, with its usage. `cut`: it ended before. */
  readonly end: "refused" | "answered" | "cut"
  /** Tokens that were read and made until it ended. */
  readonly used: Size
  /** Of these, at the prices of the instance; 0 where it has none. */
  readonly cost: Money.Money
  /** Characters of a stream that have left. */
  readonly said: number
}

/** What an instance takes for tokens of a model: only what each of them costs, as a provider's machine counts. */
export const priceOf = (
  { pricing }: Pick<InstanceSettings, "pricing">,
  model: string,
  { answer, prompt }: Size
): Money.Money => {
  const prices = ownPrices(pricing, [model])
  return prices === undefined
    ? Money.zero
    : Money.sum([tokens(prompt, prices.prompt), tokens(answer, prices.completion)])
}

/** So many at a price for a million. */
const tokens = (count: number, price: Price): Money.Money =>
  Money.Money.make((BigInt(count) * (Money.fromText(String(price)) ?? 0n)) / 1_000_000n)
