import * as FastCheck from "effect/FastCheck"
import type { StreamEvent } from "../../src/domain/ChatEvent.js"
import * as StreamOut from "../../src/protocol/openai/StreamOut.js"
import * as Translation from "../../src/protocol/Translation.js"
import * as Sse from "../../src/protocol/Sse.js"

const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m-1" }

/** A frame that holds this JSON. */
export const frame = (json: unknown): Buffer => Sse.encode(JSON.stringify(json))

/** A chunk of a streamed answer in OpenAI's form, of one choice. */
export const chunk = (delta: object, finish: string | null = null, more: object = {}, index = 0): Buffer =>
  frame({ ...base, choices: [{ index, delta, logprobs: null, finish_reason: finish }], ...more })

export const says = (text: string): Buffer => chunk({ content: text })

/** What a stream begins with: no output yet. */
export const role = chunk({ role: "assistant", content: "", refusal: null })

export const stop = chunk({}, "stop")

/** Three tokens in, two out. */
export const tokens = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }

export const usageOnly = frame({ ...base, choices: [], usage: tokens })

export const comment = Buffer.from(": still thinking\n\n")

export const done = StreamOut.end

/** How bytes are cut on their way: pieces of these sizes, again and again. */
export const sizes: FastCheck.Arbitrary<ReadonlyArray<number>> = FastCheck.oneof(
  FastCheck.constant([1]),
  FastCheck.array(FastCheck.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 12 })
)

export const cut = (bytes: Buffer, pieces: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const out: Array<Buffer> = []
  for (let at = 0; at < bytes.length;) {
    const end = at + (pieces[out.length % pieces.length] ?? 1)
    out.push(bytes.subarray(at, end))
    at = end
  }
  return out
}

/** The whole frames in these bytes. */
const framesOf = (bytes: Buffer): ReadonlyArray<Buffer> => new Sse.FrameSplitter().push(bytes) ?? []

/** What a reader of these frames gets. */
const eventsOf = (bytes: Buffer): ReadonlyArray<StreamEvent> =>
  framesOf(bytes).flatMap(Translation.events("openai-chat"))

export const textOf = (bytes: Buffer): string =>
  eventsOf(bytes)
    .map((event) => (event._tag === "Text" ? event.text : ""))
    .join("")
