/**
 * The candidate that was probably meant: the same but for case, `_` and `-`, or at most two slips of the pen away (one, if
 * the word is short). `undefined` when none is near.
 */
export const nearest = (written: string, candidates: ReadonlyArray<string>): string | undefined => {
  const allowed = written.length <= 4 ? 1 : 2
  let best: string | undefined
  let least = allowed + 1
  const word = bare(written)
  for (const candidate of candidates) {
    const other = bare(candidate)
    // Not only faster: what was written may be of any length.
    if (Math.abs(other.length - word.length) > allowed) continue
    const away = distance(word, other)
    if (away < least) {
      least = away
      best = candidate
    }
  }
  return best
}

const bare = (text: string): string => text.replace(/[_-]/g, "").toLowerCase()

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) from one word to the other. */
const distance = (from: string, to: string): number => {
  let before: ReadonlyArray<number> = []
  let row: ReadonlyArray<number> = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let index = 0; index < from.length; index++) {
    const next = [index + 1]
    for (let column = 0; column < to.length; column++) {
      const same = from[index] === to[column]
      const swapped = index > 0 && column > 0 && from[index] === to[column - 1] && from[index - 1] === to[column]
      next.push(
        Math.min(
          at(row, column) + (same ? 0 : 1),
          at(row, column + 1) + 1,
          at(next, column) + 1,
          swapped ? at(before, column - 1) + 1 : Infinity
        )
      )
    }
    before = row
    row = next
  }
  return at(row, to.length)
}

const at = (row: ReadonlyArray<number>, column: number): number => row[column] ?? Infinity
