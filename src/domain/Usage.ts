import * as Schema from "effect/Schema"

const tokens = Schema.Int.pipe(Schema.nonNegative())

/**
 * Tokens of one answer in disjoint buckets: each token is in exactly one, so the sum is the total. Vendors differ in what
 * they count twice (cached input inside input, reasoning inside output); the protocols take that apart.
 */
export const Usage = Schema.Struct({
  /** Fresh input. */
  input: tokens,
  cacheRead: tokens,
  cacheWrite: tokens,
  /** Output that the caller sees. */
  output: tokens,
  /** Output spent on thinking; billed as output. */
  reasoning: tokens
})
export type Usage = typeof Usage.Type

/** Both together; what is not known adds nothing. */
export const plus = (a: Usage | undefined, b: Usage | undefined): Usage | undefined =>
  a === undefined || b === undefined
    ? (a ?? b)
    : {
        input: a.input + b.input,
        cacheRead: a.cacheRead + b.cacheRead,
        cacheWrite: a.cacheWrite + b.cacheWrite,
        output: a.output + b.output,
        reasoning: a.reasoning + b.reasoning
      }

/** What went in: fresh, cache reads and cache writes. */
export const inputTotal = (usage: Usage): number => usage.input + usage.cacheRead + usage.cacheWrite

/** What came out: visible and reasoning. */
export const outputTotal = (usage: Usage): number => usage.output + usage.reasoning

/** All tokens in and out. */
export const total = (usage: Usage): number => inputTotal(usage) + outputTotal(usage)
