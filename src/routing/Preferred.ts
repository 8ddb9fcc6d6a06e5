import type { Snapshot } from "../catalog/Catalog.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import * as Money from "../domain/Money.js"
import type { Preferences } from "../domain/Preferences.js"
import type * as PerMillion from "../ledger/PerMillion.js"
import { vendors } from "../provider/Vendor.js"
import type { Inability } from "./Ability.js"
import type { Candidate } from "./Candidate.js"

/** Candidates that the caller's preferences leave out. */
export const unwanted = (
  { preferences }: ChatRequest,
  chain: ReadonlyArray<Candidate>,
  snapshot: Snapshot,
  prices: (candidate: Candidate) => PerMillion.Prices | undefined
): ReadonlyArray<Inability> => {
  if (preferences === undefined) return nobody
  const known = (name: string): boolean =>
    snapshot.find(name) !== undefined || snapshot.find(vendorOf(name)) !== undefined
  const refused = (candidate: Candidate): Pick<Inability, "detail" | "reason"> | undefined => {
    if (!isAllowed(candidate, preferences, known)) return { reason: "not_wanted", detail: "'provider' leaves it out" }
    return isAffordable(candidate, preferences, prices)
      ? undefined
      : { reason: "price", detail: "it costs more than 'provider.max_price', or nobody knows its price" }
  }
  return chain.flatMap((candidate) => {
    const why = refused(candidate)
    return why === undefined ? [] : [{ candidate, ...why }]
  })
}

const nobody: ReadonlyArray<Inability> = []

/** Those that the caller named first, in its order, before those that it did not. */
export const named = (candidates: ReadonlyArray<Candidate>, order: ReadonlyArray<string>): ReadonlyArray<Candidate> => {
  if (order.length === 0) return candidates
  const place = (candidate: Candidate): number => {
    const at = order.findIndex((name) => isCalled(candidate, name))
    return at < 0 ? order.length : at
  }
  return candidates.toSorted((a, b) => a.stage - b.stage || place(a) - place(b))
}

const isAllowed = (
  candidate: Candidate,
  { allowFallbacks, ignore, only, order }: Preferences,
  known: (name: string) => boolean
): boolean => {
  if (ignore.some((name) => isCalled(candidate, name))) return false
  if (only !== undefined && !isOneOf(candidate, only, known)) return false
  if (allowFallbacks) return true
  // Without an order it is the first of those that are left.
  return order.length === 0 || isOneOf(candidate, order, known)
}

/** Names of providers that nobody here is are OpenRouter's own, which only OpenRouter can ask. */
const isOneOf = (candidate: Candidate, names: ReadonlyArray<string>, known: (name: string) => boolean): boolean =>
  names.some((name) => isCalled(candidate, name)) ||
  (vendors[candidate.instance.provider].quirks.preferences === true && names.some((name) => !known(name)))

/** OpenRouter writes variants of a provider as `deepinfra/turbo`. */
const vendorOf = (name: string): string => name.toLowerCase().split("/", 1)[0] ?? name

const isCalled = ({ instance }: Candidate, name: string): boolean =>
  name === instance.id || vendorOf(name) === instance.provider

/** OpenRouter is told of the cap, and keeps to it itself. */
const isAffordable = (
  candidate: Candidate,
  { maxPrice }: Preferences,
  prices: (candidate: Candidate) => PerMillion.Prices | undefined
): boolean => {
  if (maxPrice === undefined || vendors[candidate.instance.provider].quirks.preferences === true) return true
  const price = prices(candidate)
  if (price === undefined) return false
  return within(price.prompt, maxPrice.prompt) && within(price.completion, maxPrice.completion)
}

const within = (cost: Money.Money, cap: number | undefined): boolean => cap === undefined || cost <= Money.fromUsd(cap)
