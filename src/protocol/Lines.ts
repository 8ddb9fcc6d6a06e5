/**
 * Cuts a byte stream into lines, each with its LF, and drops blank ones. A CR before the LF belongs to the line: JSON takes
 * it for white space. How the stream was cut into chunks makes no difference, and no byte is looked at twice.
 */
export class LineSplitter {
  /** The unfinished line, in the first `length` bytes. */
  private pending = nothing
  private length = 0
  private overflowed = false

  constructor(private readonly maxFrameBytes: number = 4 * 1024 * 1024) {}

  /**
   * The lines that this chunk completes; most are views of the chunk. `undefined` when a line is longer than
   * `maxFrameBytes`: the stream is given up, with all that was held of it.
   */
  push(chunk: Buffer): ReadonlyArray<Buffer> | undefined {
    const lines: Array<Buffer> = []
    let start = 0
    while (!this.overflowed) {
      const found = chunk.indexOf(lf, start)
      const end = found < 0 ? chunk.length : found + 1
      if (this.length + end - start > this.maxFrameBytes) {
        this.overflowed = true
        this.release()
      } else if (found < 0) {
        this.hold(chunk, start, end)
        return lines
      } else {
        const line = this.line(chunk, start, end)
        if (!isBlank(line)) lines.push(line)
        start = end
      }
    }
    return undefined
  }

  /** What came after the last LF. */
  rest(): Buffer {
    return this.pending.subarray(0, this.length)
  }

  private line(chunk: Buffer, start: number, end: number): Buffer {
    if (this.length === 0) return chunk.subarray(start, end)
    this.hold(chunk, start, end)
    const line = this.rest()
    this.release()
    return line
  }

  private hold(chunk: Buffer, start: number, end: number): void {
    const length = this.length + end - start
    if (length > this.pending.length) {
      // Doubling keeps the copying linear when the line comes in many small chunks.
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.pending.length, 512))
      this.pending.copy(grown, 0, 0, this.length)
      this.pending = grown
    }
    chunk.copy(this.pending, this.length, start, end)
    this.length = length
  }

  private release(): void {
    this.pending = nothing
    this.length = 0
  }
}

const lf = 0x0a
const cr = 0x0d
const nothing = Buffer.alloc(0)

const isBlank = (line: Buffer): boolean => line.length === 1 || (line.length === 2 && line[0] === cr)
