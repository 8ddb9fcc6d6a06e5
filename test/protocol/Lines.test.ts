import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { LineSplitter } from "../../src/protocol/Lines.js"

const split = (chunks: ReadonlyArray<Buffer>) => {
  const splitter = new LineSplitter()
  const lines = chunks.flatMap((chunk) => splitter.push(chunk) ?? assert.fail("overflow"))
  return { lines: lines.map(String), rest: splitter.rest().toString() }
}

const cut = (bytes: Buffer, at: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const chunks: Array<Buffer> = []
  let from = 0
  for (const size of at) chunks.push(bytes.subarray(from, (from += size)))
  return [...chunks, bytes.subarray(from)]
}

/** By the definition: a line ends with its LF, and one without anything in it is none. */
const reference = (text: string) => {
  const all = text.split(/(?<=\n)/)
  const rest = all.at(-1)?.endsWith("\n") === false ? (all.at(-1) ?? "") : ""
  return { lines: all.filter((line) => line.endsWith("\n") && !/^\r?\n$/.test(line)), rest }
}

const stream = FastCheck.array(
  FastCheck.constantFrom("\n", "\r\n", "\r", "\n\n", '{"a":1}', '{"done":true}', "é€😀", " "),
  { maxLength: 24 }
).map((pieces) => pieces.join(""))

const sizes = FastCheck.array(FastCheck.nat({ max: 5 }), { maxLength: 60 })

describe("LineSplitter", () => {
  it("finds the same lines however the stream is cut", () => {
    FastCheck.assert(
      FastCheck.property(stream, sizes, (text, at) => {
        assert.deepStrictEqual(split(cut(Buffer.from(text), at)), reference(text))
      }),
      { numRuns: 2000 }
    )
  })

  it("finds the same lines a byte at a time", () => {
    FastCheck.assert(
      FastCheck.property(stream, (text) => {
        const bytes = Array.from(Buffer.from(text), (byte) => Buffer.from([byte]))
        assert.deepStrictEqual(split(bytes), reference(text))
      })
    )
  })

  it("loses no byte but those of blank lines", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.uint8Array({ maxLength: 200 }), sizes, (bytes, at) => {
        const splitter = new LineSplitter()
        const lines = cut(Buffer.from(bytes), at).flatMap((chunk) => splitter.push(chunk) ?? [])
        const kept = Buffer.concat([...lines, splitter.rest()]).toString("latin1")
        const whole = Buffer.from(bytes).toString("latin1")
        assert.strictEqual(kept, whole.replaceAll(/(?<=^|\n)\r?\n/g, ""))
      })
    )
  })

  it("gives views of a chunk that holds whole lines", () => {
    const chunk = Buffer.from("1\n2\r\n\n")
    const lines = new LineSplitter().push(chunk) ?? []
    assert.deepStrictEqual(lines.map(String), ["1\n", "2\r\n"])
    for (const line of lines) assert.strictEqual(line.buffer, chunk.buffer)
  })

  it("keeps what it holds when the caller's buffer is used again", () => {
    const splitter = new LineSplitter()
    const chunk = Buffer.from("abc")
    splitter.push(chunk)
    chunk.fill(0)
    assert.deepStrictEqual(splitter.push(Buffer.from("d\n"))?.map(String), ["abcd\n"])
  })

  it("gives up on a line that is too long, in one chunk or in many, and holds nothing of it", () => {
    const line = Buffer.from(`${"x".repeat(100)}\n`)
    assert.lengthOf(new LineSplitter(line.length).push(line) ?? [], 1)
    assert.isUndefined(new LineSplitter(line.length - 1).push(line))

    const splitter = new LineSplitter(50)
    const results = Array.from(line, (byte) => splitter.push(Buffer.from([byte])))
    assert.strictEqual(results.indexOf(undefined), 50)
    assert.isTrue(results.slice(50).every((result) => result === undefined))
    assert.lengthOf(splitter.rest(), 0)
  })

  it("counts a line's length from its own start", () => {
    const splitter = new LineSplitter(3)
    for (let index = 0; index < 100; index++) assert.lengthOf(splitter.push(Buffer.from("12\n\n")) ?? [], 1)
  })

  it("moves a long line that comes in many small chunks a few times at most", () => {
    const splitter = new LineSplitter()
    const places = new Set<ArrayBufferLike>()
    for (let index = 0; index < 20_000; index++) {
      splitter.push(Buffer.from("12345678"))
      places.add(splitter.rest().buffer)
    }
    assert.isBelow(places.size, 12)
    assert.lengthOf(splitter.push(Buffer.from("\n"))?.[0] ?? "", 160_001)
  })
})
