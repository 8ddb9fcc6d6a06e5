import type { InstanceSettings } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import type { Pricing } from "./Pricing.js"

/** What a million tokens cost at the lowest tier. */
export interface Prices {
  readonly prompt: Money.Money
  readonly completion: Money.Money
}

/** The prices of a model of an instance at a time (Unix ms); `undefined` is unknown. */
export const of = (
  pricing: Pricing["Type"],
  instance: InstanceSettings,
  model: string,
  now: number
): Prices | undefined => {
  const cost = (tokens: { readonly input?: number; readonly output?: number }): Money.Money | undefined =>
    pricing.cost(instance, [model], { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0, ...tokens }, now)
  const prompt = perMillion((input) => cost({ input }))
  const completion = perMillion((output) => cost({ output }))
  return prompt === undefined || completion === undefined ? undefined : { prompt, completion }
}

/** What a thousand tokens more cost, times a thousand: few enough for the lowest tier, and without a fee by the request. */
const perMillion = (cost: (tokens: number) => Money.Money | undefined): Money.Money | undefined => {
  const [some, more] = [cost(1_000), cost(2_000)]
  return some === undefined || more === undefined ? undefined : Money.Money.make((more - some) * 1_000n)
}
