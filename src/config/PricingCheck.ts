import * as Predicate from "effect/Predicate"
import type { Issue, Path } from "./Issue.js"

/** What no single field of an instance's `pricing` shows. Works on the file before it is decoded. */
export const check = (pricing: unknown, path: Path): ReadonlyArray<Issue> => {
  if (!Predicate.isReadonlyRecord(pricing)) return []
  const { completion, models, prompt, ...others } = pricing
  const named = Predicate.isReadonlyRecord(models) ? Object.entries(models) : []
  return [
    ...doubledTiers(pricing, path),
    ...named.flatMap(([model, prices]) => doubledTiers(prices, [...path, "models", model])),
    ...(prompt === undefined && completion === undefined
      ? withoutPrices(named.length > 0, others, path)
      : [
          ...(prompt === undefined ? [{ path: [...path, "prompt"], message: "is required with completion" }] : []),
          ...(completion === undefined ? [{ path: [...path, "completion"], message: "is required with prompt" }] : [])
        ])
  ]
}

const withoutPrices = (
  hasModels: boolean,
  others: Readonly<Record<string, unknown>>,
  path: Path
): ReadonlyArray<Issue> =>
  hasModels
    ? Object.keys(others)
        .filter((field) => fields.has(field))
        .map((field) => ({ path: [...path, field], message: "does nothing without prompt and completion" }))
    : [{ path, message: "needs prompt and completion, or models" }]

/** Of other fields it is said that nobody knows them. */
const fields: ReadonlySet<string> = new Set(
  "cacheRead cacheWrite cacheWrite1h reasoning audioInput audioOutput request tiers".split(" ")
)

const doubledTiers = (prices: unknown, path: Path): ReadonlyArray<Issue> => {
  const tiers = Predicate.isReadonlyRecord(prices) ? prices["tiers"] : undefined
  if (!Array.isArray(tiers)) return []
  const seen = new Set<number>()
  return tiers.flatMap((tier: unknown, place) => {
    const above = Predicate.isReadonlyRecord(tier) ? Number(tier["above"]) : Number.NaN
    const again = seen.has(above)
    seen.add(above)
    return again && !Number.isNaN(above)
      ? [{ path: [...path, "tiers", place, "above"], message: "is the start of another tier already" }]
      : []
  })
}
