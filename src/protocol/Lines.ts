import { Splitter } from "./Splitter.js"

/**
 * Cuts a byte stream into lines, each with its LF, and drops blank ones. A CR before the LF belongs to the line: JSON takes
 * it for white space.
 */
export class LineSplitter extends Splitter {
  override push(chunk: Buffer): ReadonlyArray<Buffer> | undefined {
    return super.push(chunk)?.filter((line) => !isBlank(line))
  }

  protected endOf(chunk: Buffer, start: number): number | undefined {
    const found = chunk.indexOf(lf, start)
    return found < 0 ? undefined : found + 1
  }
}

const lf = 0x0a
const cr = 0x0d

const isBlank = (line: Buffer): boolean => line.length === 1 || (line.length === 2 && line[0] === cr)
