import * as Effect from "effect/Effect"

/** Who waits until there is enough. */
export class Waiting {
  #waiting: Array<{ readonly records: number; readonly wake: () => void }> = []

  /** Succeeds as soon as so many are there; `count` says how many are there already. */
  readonly until = (records: number, count: () => number): Effect.Effect<void> =>
    Effect.async<void>((resume) => {
      if (count() >= records) return resume(Effect.void)
      const entry = { records, wake: () => resume(Effect.void) }
      this.#waiting.push(entry)
      return Effect.sync(() => {
        this.#waiting = this.#waiting.filter((other) => other !== entry)
      })
    })

  /** So many are there now. */
  tell(count: number): void {
    if (this.#waiting.length === 0) return
    const enough = this.#waiting.filter(({ records }) => count >= records)
    if (enough.length === 0) return
    this.#waiting = this.#waiting.filter(({ records }) => count < records)
    for (const { wake } of enough) wake()
  }
}
