import * as Schema from "effect/Schema"

/** What an object and an array are called in a refusal. */
export const anObject = { identifier: "an object" }
export const anArray = { identifier: "an array" }

/** A member that may be missing or null. */
export const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(Schema.NullOr(schema))

/** Each entry is a candidate to plan for; a request is asked of a handful at most. */
export const maxCandidates = 32
export const tooMany = `Expected at most ${maxCandidates} entries`
