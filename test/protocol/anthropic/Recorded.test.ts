import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import * as FastCheck from "effect/FastCheck"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import { total, type Usage } from "../../../src/domain/Usage.js"
import * as Json from "../../../src/protocol/Json.js"
import * as Sse from "../../../src/protocol/Sse.js"
import * as AnswerIn from "../../../src/protocol/anthropic/AnswerIn.js"
import * as StreamIn from "../../../src/protocol/anthropic/StreamIn.js"
import { cut, sizes } from "../../support/chunks.js"
import { incoming, usageOf } from "../../support/turns.js"
import { merged, spoken } from "./answers.js"

const shared = new URL("../../../../shared/wire/", import.meta.url)
const here = existsSync(shared)

interface Recorded {
  readonly file: string
  readonly dialect: string
  readonly status: number
  readonly streaming: boolean
  readonly special: ReadonlyArray<string>
}

const index: ReadonlyArray<Recorded> = here ? JSON.parse(readFileSync(new URL("index.json", shared), "utf8")) : []
const good = index.filter(({ dialect, status }) => dialect === "anthropic-messages" && status === 200)
const bytes = ({ file }: Recorded): Buffer => readFileSync(new URL(file, shared))
const breaks = ({ special }: Recorded): boolean =>
  special.includes("error_mid_stream") || special.includes("spliced_message_start")

/** What an answer says and takes, in one line a block. */
const lines = (events: ReadonlyArray<ChatEvent>, usage: Usage | undefined) => [
  ...merged(events).map((event) => {
    switch (event._tag) {
      case "Text":
      case "Reasoning":
      case "Refusal":
        return `${event._tag} ${event.text}`
      case "Signature":
      case "Sealed":
        return `${event._tag} ${event.seal.value}`
      case "ToolCall":
        return `ToolCall ${event.call} ${event.id} ${event.name} ${JSON.stringify(JSON.parse(event.arguments))}`
      case "Finish":
        return `Finish ${event.reason}`
    }
  }),
  `Usage ${usage && total(usage)}`
]

const reasons: Readonly<Record<string, string>> = {
  end_turn: "stop",
  tool_use: "tool_calls",
  max_tokens: "length",
  refusal: "refusal",
  pause_turn: "pause"
}

// JSON as it came, read with nothing of the gateway's: it has no types.
type Doc = ReturnType<typeof JSON.parse>

/** The same lines of a whole message. */
const expected = (message: Doc): ReadonlyArray<string> => {
  let calls = 0
  const said: ReadonlyArray<string> = message.content.flatMap((block: Doc) => {
    if (block.type === "text") return block.text === "" ? [] : [`Text ${block.text}`]
    if (block.type === "redacted_thinking") return [`Sealed ${block.data}`]
    if (block.type === "tool_use") {
      return [`ToolCall ${calls++} ${block.id} ${block.name} ${JSON.stringify(block.input)}`]
    }
    if (block.type !== "thinking") return []
    const thought = block.thinking === "" ? [] : [`Reasoning ${block.thinking}`]
    return block.signature ? [...thought, `Signature ${block.signature}`] : thought
  })
  const { iterations = [], ...usage } = message.usage
  const counted = [usage, ...iterations.filter(({ type }: Doc) => type === "compaction")]
  const tokens = counted
    .flatMap((count: Doc) => [
      count.input_tokens,
      count.output_tokens,
      count.cache_creation_input_tokens,
      count.cache_read_input_tokens
    ])
    .reduce((sum, count) => sum + (count ?? 0), 0)
  // Texts with nothing between them that is shown are one.
  const joined: Array<string> = []
  for (const line of said) {
    const last = joined.at(-1)
    if (line.startsWith("Text ") && last?.startsWith("Text ")) {
      joined.splice(-1, 1, `${last}${line.slice("Text ".length)}`)
    } else joined.push(line)
  }
  return [...joined, `Finish ${reasons[message.stop_reason]}`, `Usage ${tokens}`]
}

/** The message that a stream brings, put together as Anthropic's documents say. */
const assembled = (body: Buffer): Doc => {
  const message: Doc = { content: [], usage: {} }
  for (const [, data = ""] of body.toString().matchAll(/^data: (.*)$/gm)) {
    const { content_block, delta = {}, index: at, message: start, type, usage } = JSON.parse(data)
    const block = message.content[at]
    if (type === "message_start") Object.assign(message, start)
    if (type === "content_block_start") message.content[at] = { ...content_block, json: "" }
    if (delta.text !== undefined) block.text += delta.text
    if (delta.thinking !== undefined) block.thinking += delta.thinking
    if (delta.signature !== undefined) block.signature = delta.signature
    if (delta.partial_json !== undefined) block.json += delta.partial_json
    if (type === "content_block_stop" && block.json !== "") block.input = JSON.parse(block.json)
    if (type === "message_delta") Object.assign(message, delta, { usage: { ...message.usage, ...usage } })
  }
  return message
}

const read = (body: Buffer, pieces: ReadonlyArray<number>) => {
  const reader = StreamIn.reader(incoming())
  const splitter = new Sse.FrameSplitter()
  return cut(body, pieces)
    .flatMap((chunk) => splitter.push(chunk) ?? [])
    .flatMap((frame) => {
      const data = Sse.data(frame)
      return data === undefined ? [] : (reader.read(data, Sse.eventName(frame)) ?? [])
    })
}

const cuts: ReadonlyArray<ReadonlyArray<number>> = [
  [Number.MAX_SAFE_INTEGER],
  [1],
  ...FastCheck.sample(sizes, { numRuns: 2, seed: 7 })
]

describe.skipIf(!here)(`Recorded answers of Anthropic${here ? "" : " (skipped: ../shared/wire is not here)"}`, () => {
  it.each(good.filter(({ streaming }) => !streaming))("$file is read to all that it says and takes", (recorded) => {
    const body = bytes(recorded).toString()
    const completion = AnswerIn.decode(Json.record(Json.parse(body)), incoming())
    assert.deepStrictEqual(lines(completion?.events ?? [], completion?.usage), expected(JSON.parse(body)))
    assert.strictEqual(completion?.model, JSON.parse(body).model)
  })

  it.each(good.filter((recorded) => recorded.streaming && !breaks(recorded)))(
    "$file is read to all that it says and takes, however its bytes are cut",
    (recorded) => {
      const body = bytes(recorded)
      const message = assembled(body)
      for (const pieces of cuts) {
        const all = read(body, pieces)
        assert.deepStrictEqual(lines(spoken(all), usageOf(all)), expected(message))
        assert.deepInclude(all[0], { id: message.id, model: message.model })
        assert.isTrue(all.at(-1)?.done)
        assert.isTrue(all.every(({ failure }) => failure === undefined))
      }
    }
  )

  it.each(good.filter(breaks))("$file is a failure where it breaks", (recorded) => {
    const failures = read(bytes(recorded), [Number.MAX_SAFE_INTEGER]).flatMap(({ failure }) => failure ?? [])
    assert.include(["provider_unavailable", "malformed_response"], failures[0]?.category)
  })

  it("are there in both ways", () => {
    assert.isAbove(good.filter(({ streaming }) => streaming).length, 10)
    assert.isAbove(good.filter(({ streaming }) => !streaming).length, 5)
  })
})
