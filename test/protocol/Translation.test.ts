import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import type { ChatAnswer } from "../../src/domain/ChatAnswer.js"
import type { ChatEvent } from "../../src/domain/ChatEvent.js"
import * as Anthropic from "../../src/protocol/anthropic/Anthropic.js"
import type { Back, Reading } from "../../src/protocol/Dialects.js"
import * as Fold from "../../src/protocol/Fold.js"
import * as Json from "../../src/protocol/Json.js"
import * as OpenAi from "../../src/protocol/openai/OpenAi.js"
import * as Sse from "../../src/protocol/Sse.js"
import { sizes } from "../support/chunks.js"
import { frontDialects, passed, passedWhole, type ChatFront } from "../support/passing.js"
import * as Order from "./anthropic/order.js"
import { exchanges, type Exchange } from "./exchanges.js"

const pairs = frontDialects.flatMap((front) => exchanges.map((exchange) => ({ front, exchange })))

describe.each(pairs)("what $exchange.back says to a caller of $front", ({ exchange, front }) => {
  const { back, ending, error, frames, usage, whole } = exchange
  const bytes = Buffer.concat(frames)
  const good = passed(front, back, bytes)

  it("is the same in a stream as in a whole answer: words, calls, why it ended, and what was used", () => {
    const answer = Either.getOrThrow(passedWhole(front, back, whole))
    assert.strictEqual(good.verdict, "done")
    assert.deepStrictEqual(heard(front, good.released), heardWhole(front, answer))
    assert.deepStrictEqual([good.usage, good.model], [answer.usage, answer.model])
    assert.deepStrictEqual(good.usage, usage)
    assert.deepStrictEqual(usageHeard(front, good.released), usage)
    assert.deepStrictEqual(clients[front].decode(answer.view, own)?.usage, usage)
  })

  it("is all of it", () => {
    const { blocks, finish } = heard(front, good.released)
    const said = blocks.map((block) => ("text" in block ? block.text : "input" in block ? block.input : ""))
    const thought = back === "workers-ai" ? [] : ["hm"]
    assert.deepStrictEqual(
      said.filter((each) => each !== ""),
      [...thought, "Hello 世界", { at: 1 }, { at: 2 }]
    )
    assert.strictEqual(finish, "tool_calls")
  })

  it("does not depend on how the bytes were cut", () => {
    FastCheck.assert(
      FastCheck.property(sizes, (cuts) => {
        assert.deepStrictEqual(passed(front, back, bytes, { sizes: cuts }), good)
      })
    )
  })

  it("survives frames that nobody can read: random bytes, JSON of a wrong kind, half JSON", () => {
    const noise = FastCheck.array(FastCheck.tuple(FastCheck.nat(frames.length - 1), noiseOf(exchange)), {
      maxLength: 6
    })
    FastCheck.assert(
      FastCheck.property(noise, sizes, (noises, cuts) => {
        const noisy = frames.flatMap((frame, at) => [
          ...noises.flatMap(([place, junk]) => (place === at ? [junk] : [])),
          frame
        ])
        const found = passed(front, back, Buffer.concat(noisy), { sizes: cuts })
        assert.strictEqual(found.verdict, "done")
        assert.deepStrictEqual(heard(front, found.released), heard(front, good.released))
        assert.deepStrictEqual(found.usage, usage)
      })
    )
  })

  it("is a failure and has no end where the provider reports an error, however late", () => {
    for (let at = 0; at < frames.length - 1; at++) {
      const before = frames.slice(0, at)
      const broken = passed(front, back, Buffer.concat([...before, error, ...frames.slice(at)]))
      assert.deepStrictEqual([broken.verdict, broken.category], ["failed", "provider_unavailable"], `at ${at}`)
      const until = passed(front, back, Buffer.concat(before), { ends: false })
      assert.deepStrictEqual(broken.released, until.released)
      if (at < ending - 1) assertOpen(front, broken.released)
    }
  })

  it("is a failure and has no end where the stream just stops, at whatever byte, before it said that it ended", () => {
    const enough = Buffer.concat(frames.slice(0, ending)).toString("latin1").trimEnd().length
    FastCheck.assert(
      FastCheck.property(FastCheck.nat(bytes.length), (length) => {
        const found = passed(front, back, bytes.subarray(0, length))
        if (length >= enough) return assert.strictEqual(found.verdict, "done")
        assert.deepStrictEqual([found.verdict, found.category], ["failed", "malformed_response"])
        assertOpen(front, found.released)
      })
    )
  })

  it("ends once, whatever comes in whatever order", () => {
    const any = FastCheck.array(FastCheck.oneof(FastCheck.constantFrom(...frames, error), noiseOf(exchange)), {
      maxLength: 20
    })
    FastCheck.assert(
      FastCheck.property(any, sizes, (frantic, cuts) => {
        const found = passed(front, back, Buffer.concat(frantic), { sizes: cuts })
        assert.strictEqual(found.verdict, found.category === undefined ? "done" : "failed")
        // The one end mark is the handler's to write, and only behind what ended well.
        assert.isFalse(found.released.includes(clients[front].end))
        if (found.verdict === "done" && front === "anthropic-messages" && front !== back) {
          assert.deepStrictEqual(Order.wrong([...Order.eventsIn(found.released), { type: "message_stop" }]), [])
        }
      })
    )
  })
})

// ---------------------------------------------------------------------------------------------- what a client hears

const clients: Readonly<Record<ChatFront, Back & { readonly end: Buffer }>> = {
  "openai-chat": { ...OpenAi.back, end: OpenAi.front.end },
  "anthropic-messages": { ...Anthropic.back, end: Anthropic.front.end }
}

const own = { realm: "client", fresh: (prefix: string) => prefix }

const framesIn = (bytes: Buffer): ReadonlyArray<Buffer> => new Sse.FrameSplitter().push(bytes) ?? []

/** What a client reads in the frames, seals as they are shown. */
const readingsOf = (front: ChatFront, bytes: Buffer): ReadonlyArray<Reading> => {
  const { read } = clients[front].reader(own)
  return framesIn(bytes).flatMap((frame) => read(Sse.data(frame) ?? "", Sse.eventName(frame)) ?? [])
}

const eventsIn = (front: ChatFront, bytes: Buffer) => readingsOf(front, bytes).flatMap(({ events }) => events)

const heard = (front: ChatFront, bytes: Buffer) => told(eventsIn(front, bytes), front)

const heardWhole = (front: ChatFront, { view }: ChatAnswer) =>
  told(clients[front].decode(view, own)?.events ?? [], front)

/** The one choice, with the arguments of its calls as JSON; whose a seal is, is told by its mark. */
const told = (events: ReadonlyArray<ChatEvent>, front: ChatFront) => {
  const choices = Fold.choices(events)
  assert.strictEqual(choices.length, 1, front)
  return {
    finish: choices[0]?.finish,
    blocks: (choices[0]?.blocks ?? []).map((block) => {
      const seal = "seal" in block ? block.seal?.value : undefined
      if (block._tag !== "ToolCall") return { ...block, seal }
      const { arguments: text, ...rest } = block
      return { ...rest, seal, input: Json.parsed(text) }
    })
  }
}

const usageHeard = (front: ChatFront, bytes: Buffer) =>
  readingsOf(front, bytes)
    .map((reading) => reading.usage)
    .findLast((counted) => counted !== undefined)

/** A caller who gets no more than this knows that it is not all. */
const assertOpen = (front: ChatFront, bytes: Buffer): void => {
  assert.deepStrictEqual(
    eventsIn(front, bytes).filter(({ _tag }) => _tag === "Finish"),
    []
  )
}

// ---------------------------------------------------------------------------------------------- noise

/** A line each. */
const wrongKinds = `
null
7
"words"
[[]]
{}
{"unknown":{"deep":[1]}}
{"error":null}
{"choices":7}
{"choices":[7,{"delta":7}]}
{"choices":[{"delta":{"content":7,"tool_calls":7}}]}
{"usage":"many"}
{"candidates":[null,7]}
{"candidates":[{"content":{"parts":[7,{"text":7}]}}],"usageMetadata":7}
{"message":[]}
{"message":7,"done":"yes"}
{"tool_calls":[7,{}],"usage":[]}
{"type":7}
{"type":"content_block_start"}
{"type":"content_block_delta","index":{},"delta":7}
{"type":"content_block_stop","index":99}
{"type":"message_delta"}`
  .trim()
  .split("\n")

/** A frame that no reader of this dialect can make anything of. */
const noiseOf = ({ back, frames }: Exchange): FastCheck.Arbitrary<Buffer> => {
  const isLine = back === "ollama"
  const framed = (data: Uint8Array): Buffer =>
    Buffer.concat(isLine ? [data, Buffer.from("\n")] : [Buffer.from("data: "), data, Buffer.from("\n\n")])
  const anyByte = FastCheck.integer({ min: 0, max: 255 }).filter((byte) => byte !== 0x0a && byte !== 0x0d)
  const random = FastCheck.array(anyByte, { maxLength: 30 }).map((some) => Buffer.from(some))
  const half = FastCheck.tuple(FastCheck.constantFrom(...frames), FastCheck.double({ min: 0.1, max: 0.9, noNaN: true }))
  return FastCheck.oneof(
    random.map(framed),
    FastCheck.constantFrom(...wrongKinds).map((json) => framed(Buffer.from(json))),
    half.map(([frame, share]) => {
      const text = isLine ? frame.toString().trimEnd() : (Sse.data(frame) ?? "{}")
      return framed(Buffer.from(text.slice(0, Math.ceil((text.length - 1) * share))))
    })
  )
}
