/**
 * The JSON of the latest 1,000 rows, each of which begins with its `id`. They are kept as bytes and not as objects: those would
 * outlive the youth of the heap, which costs more than all else about them.
 */
export class LatestRows {
  private readonly bytes = Buffer.alloc(remembered * usual)
  private readonly lengths = new Int32Array(remembered)
  /** By their places, those that are too long. */
  private readonly long = new Map<number, { readonly id: string; readonly text: string }>()
  private next = 0

  write(id: string, text: string): void {
    const at = this.next
    this.next = (at + 1) % remembered
    this.long.delete(at)
    const length = Buffer.byteLength(text)
    this.lengths[at] = length > usual ? 0 : this.bytes.write(text, at * usual, usual)
    if (length > usual) this.long.set(at, { id, text })
  }

  /** Of two with one id the earlier one. */
  find(id: string): string | undefined {
    const start = Buffer.from(`{"id":${JSON.stringify(id)},`)
    for (let passed = 0; passed < remembered; passed++) {
      const at = (this.next + passed) % remembered
      const other = this.long.get(at)
      if (other?.id === id) return other.text
      const row = this.bytes.subarray(at * usual, at * usual + (this.lengths[at] ?? 0))
      if (row.subarray(0, start.length).equals(start)) return row.toString("utf8")
    }
    return undefined
  }
}

const remembered = 1_000

/** In bytes; few rows are longer. */
const usual = 2_048
