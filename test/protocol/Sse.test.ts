import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Sse from "../../src/protocol/Sse.js"

/** All frames of a stream that comes in these chunks, and the rest. */
const split = (chunks: ReadonlyArray<Buffer>) => {
  const splitter = new Sse.FrameSplitter()
  const frames = chunks.flatMap((chunk) => splitter.push(chunk) ?? assert.fail("overflow"))
  return { frames: frames.map(String), rest: splitter.rest().toString() }
}

const cut = (bytes: Buffer, sizes: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const chunks: Array<Buffer> = []
  let at = 0
  for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)))
  return [...chunks, bytes.subarray(at)]
}

/** By the definition: a CR followed by a LF is one line end, and two line ends in a row, or one at the start, end a frame. */
const reference = (text: string) => {
  const frames: Array<string> = []
  let frame = ""
  let blank = true
  for (const [piece] of text.matchAll(/\r\n|\r|\n|[^\r\n]+/g)) {
    frame += piece
    const isEnd = /^[\r\n]/.test(piece)
    if (isEnd && blank) {
      frames.push(frame)
      frame = ""
    }
    blank = isEnd
  }
  // The stream's last CR still waits for its LF.
  return frame === "" && text.endsWith("\r")
    ? { frames: frames.slice(0, -1), rest: frames.at(-1) ?? "" }
    : { frames, rest: frame }
}

const stream = FastCheck.array(
  FastCheck.constantFrom(
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "\r\n\r\n",
    "data: x",
    "data: é€😀",
    "event: error",
    ": ping",
    " "
  ),
  { maxLength: 24 }
).map((pieces) => pieces.join(""))

const sizes = FastCheck.array(FastCheck.nat({ max: 5 }), { maxLength: 60 })

describe("FrameSplitter", () => {
  it("finds the same frames however the stream is cut", () => {
    FastCheck.assert(
      FastCheck.property(stream, sizes, (text, at) => {
        assert.deepStrictEqual(split(cut(Buffer.from(text), at)), reference(text))
      }),
      { numRuns: 3000 }
    )
  })

  it("finds the same frames a byte at a time", () => {
    FastCheck.assert(
      FastCheck.property(stream, (text) => {
        const bytes = Buffer.from(text)
        assert.deepStrictEqual(
          split(
            cut(
              bytes,
              Array.from(bytes, () => 1)
            )
          ),
          reference(text)
        )
      }),
      { numRuns: 1000 }
    )
  })

  it("loses and adds no byte, and each frame ends with a blank line", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.uint8Array({ maxLength: 200 }), sizes, (bytes, at) => {
        const splitter = new Sse.FrameSplitter()
        const frames = cut(Buffer.from(bytes), at).flatMap((chunk) => splitter.push(chunk) ?? [])
        assert.deepStrictEqual(Buffer.concat([...frames, splitter.rest()]), Buffer.from(bytes))
      })
    )
  })

  it("gives views of a chunk that holds whole frames", () => {
    const chunk = Buffer.from("data: 1\n\ndata: 2\n\n")
    const frames = new Sse.FrameSplitter().push(chunk) ?? []
    assert.deepStrictEqual(frames.map(String), ["data: 1\n\n", "data: 2\n\n"])
    for (const frame of frames) assert.strictEqual(frame.buffer, chunk.buffer)
  })

  it("keeps what it holds when the caller's buffer is used again", () => {
    const splitter = new Sse.FrameSplitter()
    const chunk = Buffer.from("data: abc")
    splitter.push(chunk)
    chunk.fill(0)
    assert.deepStrictEqual(splitter.push(Buffer.from("d\n\n"))?.map(String), ["data: abcd\n\n"])
  })

  it("leaves a blank line's CR waiting for its LF, and takes it from the next chunk", () => {
    assert.deepStrictEqual(split([Buffer.from("data: x\r\n\r")]), { frames: [], rest: "data: x\r\n\r" })
    assert.deepStrictEqual(split([Buffer.from("data: x\r\n\r"), Buffer.from("\ndata: y")]), {
      frames: ["data: x\r\n\r\n"],
      rest: "data: y"
    })
    assert.deepStrictEqual(split([Buffer.from("data: x\r\r"), Buffer.from("data: y")]), {
      frames: ["data: x\r\r"],
      rest: "data: y"
    })
  })

  it("gives up on a frame that is too long, in one chunk or in many, and holds nothing of it", () => {
    const frame = Buffer.from(`data: ${"x".repeat(100)}\n\n`)
    assert.lengthOf(new Sse.FrameSplitter(frame.length).push(frame) ?? [], 1)
    assert.isUndefined(new Sse.FrameSplitter(frame.length - 1).push(frame))

    const splitter = new Sse.FrameSplitter(50)
    const results = Array.from(frame, (byte) => splitter.push(Buffer.from([byte])))
    assert.strictEqual(results.indexOf(undefined), 50)
    assert.isTrue(results.slice(50).every((result) => result === undefined))
    assert.lengthOf(splitter.rest(), 0)
  })

  it("counts a frame's length from its own start", () => {
    const splitter = new Sse.FrameSplitter(9)
    for (let index = 0; index < 100; index++) assert.lengthOf(splitter.push(Buffer.from("data: 1\n\n")) ?? [], 1)
  })
})

describe("data, eventName and encode", () => {
  const line = FastCheck.string().map((text) => text.replaceAll(/[\r\n]/g, " "))

  it("give back what was encoded, line by line", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(line, { minLength: 1 }),
        line.filter((name) => name !== ""),
        (lines, name) => {
          const frame = Sse.encode(lines.join("\n"), name)
          assert.strictEqual(Sse.data(frame), lines.join("\n"))
          assert.strictEqual(Sse.eventName(frame), name)
          assert.deepStrictEqual(new Sse.FrameSplitter().push(frame), [frame])
        }
      )
    )
  })

  it("read the same with every line end", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(line, { minLength: 1 }),
        FastCheck.constantFrom("\n", "\r\n", "\r"),
        (lines, end) => {
          const frame = Buffer.from(`event: e${end}${lines.map((text) => `data: ${text}${end}`).join("")}${end}`)
          assert.strictEqual(Sse.data(frame), lines.join("\n"))
          assert.strictEqual(Sse.eventName(frame), "e")
        }
      )
    )
  })

  const cases: ReadonlyArray<readonly [frame: string, data: string | undefined, event: string | undefined]> = [
    ["data: [DONE]\n\n", "[DONE]", undefined],
    ["data:x\n\n", "x", undefined],
    ["data:  x \n\n", " x ", undefined],
    ["data\n\n", "", undefined],
    ["data:\n\n", "", undefined],
    ["data\n data: x\n\n", "", undefined],
    ["data: a\nid: 1\ndata: b\n\n", "a\nb", undefined],
    ["database: x\ndat: y\n\n", undefined, undefined],
    [": OPENROUTER PROCESSING\n\n", undefined, undefined],
    ["\uFEFFdata: x\n\n", "x", undefined],
    ["event: ping\n\n", undefined, "ping"],
    ["event:\ndata: x\n\n", "x", undefined],
    ["event: a\nevent: b\r\ndata: x\r\n\r\n", "x", "b"],
    ["data: é€😀\n\n", "é€😀", undefined],
    ["\n", undefined, undefined],
    ["data: cut", "cut", undefined]
  ]
  for (const [frame, data, event] of cases) {
    it(`reads ${JSON.stringify(frame)}`, () => {
      assert.strictEqual(Sse.data(Buffer.from(frame)), data)
      assert.strictEqual(Sse.eventName(Buffer.from(frame)), event)
    })
  }
})
