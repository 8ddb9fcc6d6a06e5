import * as Schema from "effect/Schema"

const tokens = Schema.Int.pipe(Schema.nonNegative())

/** Most answers have none of these, so they are left out where there are none. */
const some = Schema.optionalWith(tokens, { exact: true })

/**
 * Tokens of one answer in disjoint buckets: each token is in exactly one, so the sum is the total. Vendors differ in what
 * they count twice (cached input inside input, reasoning inside output); the protocols take that apart. There is a bucket for
 * whatever has a price of its own.
 */
export const Usage = Schema.Struct({
  /** Fresh input, but sound. */
  input: tokens,
  /** Out of a cache, but sound. */
  cacheRead: tokens,
  /** Into a cache, for five minutes or for as long as nobody says. */
  cacheWrite: tokens,
  /** Output that the caller sees. */
  output: tokens,
  /** Output spent on thinking; billed as output. */
  reasoning: tokens,
  /** Into a cache, for an hour. */
  cacheWrite1h: some,
  /** Fresh input that is sound. */
  inputAudio: some,
  /** Sound out of a cache. */
  cacheReadAudio: some,
  /** Output that the caller hears. */
  outputAudio: some
})
export type Usage = typeof Usage.Type

/** The buckets that most answers have not. */
export type Special = Pick<Usage, "cacheWrite1h" | "inputAudio" | "cacheReadAudio" | "outputAudio">

/** With those of these buckets that hold something. */
export const withSpecial = (usage: Usage, counts: Special): Usage => {
  const { cacheReadAudio, cacheWrite1h, inputAudio, outputAudio } = counts
  if (!cacheWrite1h && !inputAudio && !cacheReadAudio && !outputAudio) return usage
  return {
    ...usage,
    ...(cacheWrite1h ? { cacheWrite1h } : {}),
    ...(inputAudio ? { inputAudio } : {}),
    ...(cacheReadAudio ? { cacheReadAudio } : {}),
    ...(outputAudio ? { outputAudio } : {})
  }
}

/** Both together; what is not known adds nothing. */
export const plus = (a: Usage | undefined, b: Usage | undefined): Usage | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  const both = (bucket: keyof Special): number => (a[bucket] ?? 0) + (b[bucket] ?? 0)
  return withSpecial(
    {
      input: a.input + b.input,
      cacheRead: a.cacheRead + b.cacheRead,
      cacheWrite: a.cacheWrite + b.cacheWrite,
      output: a.output + b.output,
      reasoning: a.reasoning + b.reasoning
    },
    {
      cacheWrite1h: both("cacheWrite1h"),
      inputAudio: both("inputAudio"),
      cacheReadAudio: both("cacheReadAudio"),
      outputAudio: both("outputAudio")
    }
  )
}

/** What came out of a cache, sound and all. */
export const cacheReadTotal = ({ cacheRead, cacheReadAudio = 0 }: Usage): number => cacheRead + cacheReadAudio

/** What went into a cache, for whatever time. */
export const cacheWriteTotal = ({ cacheWrite, cacheWrite1h = 0 }: Usage): number => cacheWrite + cacheWrite1h

/** What went in: fresh, cache reads and cache writes. */
export const inputTotal = (usage: Usage): number =>
  usage.input + (usage.inputAudio ?? 0) + cacheReadTotal(usage) + cacheWriteTotal(usage)

/** What came out: visible, heard and reasoning. */
export const outputTotal = ({ output, outputAudio = 0, reasoning }: Usage): number => output + outputAudio + reasoning

/** All tokens in and out. */
export const total = (usage: Usage): number => inputTotal(usage) + outputTotal(usage)
