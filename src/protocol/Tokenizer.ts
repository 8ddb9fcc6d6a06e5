/** Counts the tokens of a text. */
export type Count = (text: string) => number

/** OpenAI's o200k. Its table weighs megabytes, so it is loaded when it is first needed. */
export const load = async (): Promise<Count> => {
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base")
  return (text) => countTokens(text, { disallowedSpecial: new Set() })
}

/** A long run without a space takes a tokenizer seconds, in which nobody else is served. */
export const isCostly = (text: string): boolean =>
  text.length > 50_000 || /\s{200}/.test(text) || text.split(/\s+/).some(({ length }) => length >= 200)

/** Four bytes a token, as English has it. */
export const roughly: Count = (text) => Math.ceil(Buffer.byteLength(text) / 4)
