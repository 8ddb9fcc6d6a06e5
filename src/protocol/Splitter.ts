/**
 * Cuts a byte stream into whole frames and changes no byte. How the stream was cut into chunks makes no difference, and no
 * byte is looked at twice.
 */
export abstract class Splitter {
  /** The unfinished frame, in the first `length` bytes. */
  private pending = nothing
  private length = 0
  private overflowed = false

  constructor(private readonly maxFrameBytes: number = 4 * 1024 * 1024) {}

  /** Reads on from `start`; gives the offset at which the current frame is whole, if it becomes so in this chunk. */
  protected abstract endOf(chunk: Buffer, start: number): number | undefined

  /**
   * The frames that this chunk completes; most are views of the chunk. `undefined` when a frame is longer than
   * `maxFrameBytes`: the stream is given up, with all that was held of it.
   */
  push(chunk: Buffer): ReadonlyArray<Buffer> | undefined {
    const frames: Array<Buffer> = []
    let start = 0
    while (!this.overflowed) {
      const end = this.endOf(chunk, start)
      if (this.length + (end ?? chunk.length) - start > this.maxFrameBytes) {
        this.overflowed = true
        this.release()
      } else if (end === undefined) {
        this.hold(chunk, start, chunk.length)
        return frames
      } else {
        frames.push(this.frame(chunk, start, end))
        start = end
      }
    }
    return undefined
  }

  /** What came after the last whole frame. */
  rest(): Buffer {
    return this.pending.subarray(0, this.length)
  }

  private frame(chunk: Buffer, start: number, end: number): Buffer {
    if (this.length === 0) return chunk.subarray(start, end)
    this.hold(chunk, start, end)
    const frame = this.rest()
    this.release()
    return frame
  }

  private hold(chunk: Buffer, start: number, end: number): void {
    const length = this.length + end - start
    if (length > this.pending.length) {
      // Doubling keeps the copying linear when the frame comes in many small chunks.
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

const nothing = Buffer.alloc(0)
