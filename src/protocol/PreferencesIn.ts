import * as Schema from "effect/Schema"
import type { Preferences } from "../domain/Preferences.js"
import type { JsonObject } from "./Dialects.js"
import * as Json from "./Json.js"
import { anArray, anObject, maxCandidates, maybe, tooMany } from "./Members.js"

const Names = Schema.Array(Schema.String.pipe(Schema.minLength(1), Schema.maxLength(128)))
  .annotations(anArray)
  .pipe(Schema.maxItems(maxCandidates, { message: () => tooMany }))

const sorts = ["price", "latency", "throughput"] as const

const Sort = Schema.Literal(...sorts).annotations({
  message: () => ({ message: `Expected one of ${sorts.join(", ")}`, override: true })
})

/** OpenRouter also writes a price as text. */
const Price = Schema.Union(
  Schema.NonNegative,
  Schema.String.pipe(Schema.pattern(/^\d{1,9}(?:\.\d{1,12})?$/), Schema.compose(Schema.NumberFromString))
).annotations({ message: () => ({ message: "Expected a price in USD per million tokens", override: true }) })

const members = {
  order: maybe(Names),
  only: maybe(Names),
  ignore: maybe(Names),
  allow_fallbacks: maybe(Schema.Boolean),
  require_parameters: maybe(Schema.Boolean),
  sort: maybe(Schema.Union(Sort, Schema.Struct({ by: Sort }).annotations(anObject))),
  max_price: maybe(Schema.Struct({ prompt: maybe(Price), completion: maybe(Price) }).annotations(anObject))
}

/** OpenRouter's `provider` object; its other members are OpenRouter's to judge. */
export const fields = Schema.Struct(members, { key: Schema.String, value: Schema.Unknown }).annotations(anObject)

/** What it asks for. */
export const read = (provider: typeof fields.Type | null | undefined): Preferences | undefined => {
  if (provider === undefined || provider === null) return undefined
  const { allow_fallbacks, ignore, max_price, only, order, sort } = provider
  return {
    order: order ?? [],
    only: only ?? undefined,
    ignore: ignore ?? [],
    allowFallbacks: allow_fallbacks ?? true,
    sort: (typeof sort === "object" ? sort?.by : sort) ?? undefined,
    maxPrice: max_price
      ? { prompt: max_price.prompt ?? undefined, completion: max_price.completion ?? undefined }
      : undefined,
    foreign: Object.keys(provider).filter((key) => !(key in members))
  }
}

/**
 * The object as OpenRouter gets it: without the names of the instance itself; the very same one where it has none.
 * `undefined`: nothing is left of it.
 */
export const forwarded = (provider: unknown, own: ReadonlyArray<string>): JsonObject | undefined => {
  if (!Json.isRecord(provider)) return undefined
  const out: Record<string, unknown> = {}
  let changed = false
  for (const [key, value] of Object.entries(provider)) {
    const names = key === "order" || key === "only" || key === "ignore" ? Json.list(value) : undefined
    const others = names?.filter((name) => typeof name !== "string" || !own.includes(name))
    const same = others === undefined || others.length === names?.length
    if (!same) changed = true
    if (same) out[key] = value
    else if (others.length > 0) out[key] = others
  }
  if (!changed) return provider
  return Object.keys(out).length === 0 ? undefined : out
}
