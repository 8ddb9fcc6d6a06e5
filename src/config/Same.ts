import * as Equal from "effect/Equal"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/** Do two settings say the same? Keys are looked into; a field that is absent is as good as an `undefined` one. */
export const same = (one: unknown, other: unknown): boolean => {
  if (Object.is(one, other)) return true
  if (Redacted.isRedacted(one)) return Redacted.isRedacted(other) && Equal.equals(one, other)
  if (Array.isArray(one)) {
    return (
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((item, place) => same(item, other[place] as unknown))
    )
  }
  if (!Predicate.isReadonlyRecord(one) || !Predicate.isReadonlyRecord(other) || Redacted.isRedacted(other)) return false
  return [...Object.keys(one), ...Object.keys(other)].every((key) => same(one[key], other[key]))
}
