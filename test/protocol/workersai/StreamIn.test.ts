import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { existsSync, readFileSync } from "node:fs"
import * as Fold from "../../../src/protocol/Fold.js"
import * as Json from "../../../src/protocol/Json.js"
import * as Sse from "../../../src/protocol/Sse.js"
import { back } from "../../../src/protocol/workersai/WorkersAi.js"
import { eventsOf, finish, hostile, incoming, readAll, said, usageOf } from "../../support/turns.js"

const read = (...frames: ReadonlyArray<unknown>) =>
  readAll(
    back.reader(incoming()),
    frames.map((frame) => (typeof frame === "string" ? frame : JSON.stringify(frame)))
  )

/** The frames of a stream that comes in pieces of this size. */
const framesOf = (bytes: Buffer, size: number): ReadonlyArray<string> => {
  const splitter = new Sse.FrameSplitter()
  const frames: Array<Buffer> = []
  for (let at = 0; at < bytes.length; at += size) frames.push(...(splitter.push(bytes.subarray(at, at + size)) ?? []))
  return frames.flatMap((frame) => Sse.data(frame) ?? [])
}

const done = "[DONE]"
const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const buckets = { input: 7, cacheRead: 0, cacheWrite: 0, output: 3, reasoning: 0 }

describe("a stream of Workers AI", () => {
  it("finishes at its end mark, because nothing else says so", () => {
    const readings = read({ response: "4", p: "abc" }, { response: "2" }, { response: "", usage }, done)
    assert.deepStrictEqual(eventsOf(readings), [said("4"), said("2"), finish("stop")])
    assert.deepStrictEqual(usageOf(readings), buckets)
    assert.deepStrictEqual(
      readings.map((reading) => reading.done),
      [false, false, false, true]
    )
  })

  it("finishes once, when it says why", () => {
    const readings = read({ response: "4" }, { finish_reason: "length" }, { finish_reason: "stop", usage }, done)
    assert.deepStrictEqual(eventsOf(readings), [said("4"), finish("length")])
  })

  it("has not answered when only its end mark came", () => {
    assert.deepStrictEqual(eventsOf(read({ usage }, done)), [])
  })

  it("holds a call in pieces, of which an empty one is none", () => {
    const piece = (more: object) => ({ tool_calls: [{ index: 0, ...more }] })
    const readings = read(
      piece({ id: "c1", type: "function", function: { name: "look" } }),
      piece({ function: { arguments: '{"a' } }),
      piece({ function: { arguments: '":1}' } }),
      piece({ id: null, type: null, function: { name: null, arguments: "" } }),
      done
    )
    assert.deepStrictEqual(eventsOf(readings).length, 4)
    assert.deepStrictEqual(Fold.choices(eventsOf(readings)), [
      {
        index: 0,
        blocks: [{ _tag: "ToolCall", call: 0, id: "c1", name: "look", arguments: '{"a":1}', seal: undefined }],
        finish: "tool_calls",
        sequence: undefined
      }
    ])
  })

  it("holds whole calls in the flat form, each of its own", () => {
    const readings = read({ tool_calls: [{ name: "a", arguments: { at: 1 } }] }, { tool_calls: [{ name: "a" }] }, done)
    assert.deepStrictEqual(
      eventsOf(readings).map((event) => (event._tag === "ToolCall" ? [event.call, event.arguments] : event)),
      [[0, '{"at":1}'], [1, "{}"], finish("tool_calls")]
    )
  })

  it("may come in OpenAI's chunks", () => {
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      id: "a-1",
      model: "m-1",
      choices: [{ index: 0, delta, finish_reason }]
    })
    const readings = read(
      chunk({ role: "assistant", content: "" }),
      chunk({ reasoning_content: "hm" }),
      chunk({ content: "hi" }),
      chunk({}, "stop"),
      { id: "a-1", choices: [], usage },
      done
    )
    const thought = { _tag: "Reasoning", index: 0, text: "hm" } as const
    assert.deepStrictEqual(eventsOf(readings), [thought, said("hi"), finish("stop")])
    assert.deepStrictEqual(usageOf(readings), buckets)
    assert.strictEqual(readings[0]?.id, "a-1")
    assert.deepStrictEqual(eventsOf(read(chunk({ content: "hi" }), done)), [said("hi"), finish("stop")])
  })

  it("reads a token that came as a number or another value", () => {
    const events = eventsOf(read({ response: 42 }, { response: true }, { response: { a: 1 } }, { response: null }))
    assert.deepStrictEqual(events, [said("42"), said("true"), said('{"a":1}')])
  })

  it("fails on a frame that holds an error", () => {
    const failing = [
      { errors: [{ code: 3040, message: "AiError: Capacity temporarily exceeded" }] },
      { error: "internal" },
      { finish_reason: "error" },
      { choices: [{ index: 0, delta: {}, finish_reason: "error" }] }
    ]
    for (const frame of failing) assert.isDefined(read({ response: "4" }, frame)[1]?.failure, JSON.stringify(frame))
  })

  it("goes on over frames that are none of its own", () => {
    assert.lengthOf(read("", "hello", "[1]", "null", "3", '{"ping":1}'), 0)
  })

  it("never throws, whatever its frames", () => {
    const members = ["response", "tool_calls", "function", "arguments", "index", "choices", "delta", "usage", "errors"]
    FastCheck.assert(
      FastCheck.property(FastCheck.array(hostile(members), { maxLength: 5 }), (frames) => {
        assert.isTrue(read(...frames, done).at(-1)?.done)
      })
    )
  })

  const answers = FastCheck.record({
    response: FastCheck.string(),
    tools: FastCheck.array(
      FastCheck.record({ name: FastCheck.string({ minLength: 1 }), arguments: FastCheck.object() }),
      { maxLength: 3 }
    )
  })
  const count = FastCheck.nat({ max: 1_000_000 })

  it("means what the same answer means when it comes whole, however it is cut", () => {
    FastCheck.assert(
      FastCheck.property(
        answers,
        count,
        count,
        count,
        FastCheck.integer({ min: 1, max: 40 }),
        (answer, a, b, c, size) => {
          const { response, tools } = answer
          const counts = { prompt_tokens: a, completion_tokens: b, prompt_tokens_details: { cached_tokens: c } }
          const whole = back.decode({ result: { response, tool_calls: tools, usage: counts } }, incoming())
          const frames = [
            ...Array.from(response, (letter) => ({ response: letter })),
            ...tools.map((each) => ({ tool_calls: [each] })),
            { response: "", usage: counts }
          ]
          const bytes = Buffer.concat([...frames.map((frame) => Sse.encode(JSON.stringify(frame))), Sse.encode(done)])
          const readings = read(...framesOf(bytes, size))
          assert.deepStrictEqual(usageOf(readings), whole?.usage)
          assert.deepStrictEqual(Fold.choices(eventsOf(readings)), Fold.choices(whole?.events ?? []))
          assert.isTrue(readings.at(-1)?.done)
        }
      )
    )
  })
})

const shared = new URL("../../../../shared/wire/cloudflare-workers-ai/", import.meta.url)

describe.skipIf(!existsSync(shared))("recorded streams of Workers AI (skipped where ../shared/wire is not)", () => {
  const recorded = (file: string) => {
    const frames = framesOf(readFileSync(new URL(file, shared)), 7)
    const jsons = frames.flatMap((frame) => (frame === done ? [] : [Json.record(Json.parse(frame))]))
    return { jsons, readings: read(...frames) }
  }

  it("are text and usage", () => {
    const { jsons, readings } = recorded("run-native-text.sse")
    const whole = jsons.map((json) => Json.text(json["response"]) ?? "").join("")
    const counts = Json.record(jsons.at(-1)?.["usage"])
    assert.isAbove(whole.length, 5)
    assert.deepStrictEqual(Fold.choices(eventsOf(readings)), [
      { index: 0, blocks: [{ _tag: "Text", text: whole }], finish: "stop", sequence: undefined }
    ])
    assert.strictEqual(usageOf(readings)?.input, counts["prompt_tokens"])
    assert.isTrue(readings.at(-1)?.done)
  })

  it("are calls side by side", () => {
    const { jsons, readings } = recorded("run-native-parallel-tools.sse")
    const ids = jsons.flatMap((json) => Json.records(json["tool_calls"])).map((call) => call["id"])
    assert.lengthOf(ids, 2)
    assert.deepStrictEqual(
      eventsOf(readings).map((event) => (event._tag === "ToolCall" ? [event.call, event.id] : event)),
      [...ids.map((id, place) => [place, id]), finish("tool_calls")]
    )
  })
})
