import type { JsonObject } from "../Dialects.js"

/** The object with these members; the very same object where it has them already. */
export const merged = (json: JsonObject, members: JsonObject): JsonObject =>
  Object.entries(members).every(([key, value]) => json[key] === value) ? json : { ...json, ...members }

/** The list with each item mapped; the very same list where all stay. */
export const mapped = (
  items: ReadonlyArray<unknown>,
  map: (item: unknown, at: number) => unknown
): ReadonlyArray<unknown> => {
  const out = items.map(map)
  return out.every((item, at) => item === items[at]) ? items : out
}

/** The object without a member. */
export const without = (json: JsonObject, key: string): JsonObject => {
  const { [key]: _, ...rest } = json
  return rest
}
