/**
 * Names that callers make up may be long, or hold what no database takes. This is such a text as it may be kept: of no more
 * than `longest` UTF-16 units, without control characters and halves of surrogate pairs.
 */
export const of = (text: string, longest = longestName): string =>
  isPlain(text, longest) ? text : text.slice(0, longest).replace(odd, "\ufffd")

/** May it be kept as it is? */
export const isPlain = (text: string, longest = longestName): boolean => text.length <= longest && text.search(odd) < 0

const odd = /[\p{Cc}\p{Cs}]/gu

const longestName = 256
