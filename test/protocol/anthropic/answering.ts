import * as FastCheck from "effect/FastCheck"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import type { Seal } from "../../../src/domain/Prompt.js"
import type { Usage } from "../../../src/domain/Usage.js"
import * as Anthropic from "../../../src/protocol/anthropic/Anthropic.js"
import type { AnswerContext, JsonObject, Reading } from "../../../src/protocol/Dialects.js"
import * as Fold from "../../../src/protocol/Fold.js"
import * as Json from "../../../src/protocol/Json.js"
import * as Seals from "../../../src/protocol/Seals.js"
import * as Sse from "../../../src/protocol/Sse.js"
import * as ToolIds from "../../../src/protocol/ToolIds.js"

/** New ids count from 1. */
export const answering = (): AnswerContext => {
  let made = 0
  return { model: "m-1", includeUsage: true, created: 1, fresh: (prefix) => `${prefix}${++made}` }
}

export const nothingUsed: Usage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 }

/** A whole stream as Anthropic's clients get it. */
export const streamed = (readings: ReadonlyArray<Reading>, usage?: Usage): Buffer => {
  const writer = Anthropic.front.writer(answering())
  return Buffer.concat([...readings.flatMap(writer.write), ...writer.close(usage), Anthropic.front.end])
}

/** A client's own realm: what is sealed by others is marked. */
const incoming = { realm: "anthropic", fresh: (prefix: string) => prefix }

/** What a client reads in the bytes of a stream. */
export const readBack = (bytes: Buffer): ReadonlyArray<Reading> => {
  const { read } = Anthropic.back.reader(incoming)
  return (new Sse.FrameSplitter().push(bytes) ?? []).flatMap((frame) => {
    const data = Sse.data(frame)
    const found = data === undefined ? undefined : read(data, Sse.eventName(frame))
    return found === undefined ? [] : [{ ...found, events: found.events.map(withOwnId) }]
  })
}

/** What a client reads in a whole answer. */
export const decoded = (json: JsonObject) => {
  const found = Anthropic.back.decode(json, incoming)
  return found && { ...found, events: found.events.map(withOwnId) }
}

/** Ids that Anthropic would refuse are shown in another form. */
const withOwnId = (event: ChatEvent): ChatEvent =>
  event._tag === "ToolCall" && event.id !== undefined ? { ...event, id: ToolIds.read(event.id) } : event

/** Part of an answer, in a form in which two answers that mean the same are equal. */
type Told = Omit<Fold.Block, "arguments" | "call"> & { readonly input?: unknown }

/**
 * The first choice as far as Anthropic's dialect has words for it: a refusal is text, moderation is a refusal, the seal of a
 * call is an empty thought before it, arguments are JSON.
 */
export const told = (events: ReadonlyArray<ChatEvent>) => {
  const own = events.flatMap((event): ReadonlyArray<ChatEvent> => {
    if (event.index !== 0) return []
    return [event._tag === "Refusal" ? { ...event, _tag: "Text" } : event]
  })
  const [choice] = Fold.choices(own)
  const refuses = events.some(({ _tag, index: place }) => place === 0 && _tag === "Refusal")
  const refused = choice?.finish === "content_filter" || (choice?.finish === "stop" && refuses)
  return {
    finish: refused ? "refusal" : choice?.finish,
    sequence: choice?.sequence,
    blocks: withCallSeals((choice?.blocks ?? []).map(unmarked)).map(plain)
  }
}

const unmarked = (block: Fold.Block): Fold.Block => {
  if (block._tag === "Sealed") return { ...block, seal: original(block.seal) }
  if (block._tag !== "Reasoning" || block.seal === undefined) return block
  const seal = original(block.seal)
  return { ...block, seal: seal.value === "" ? undefined : seal }
}

const original = (seal: Seal): Seal => (seal.origin === "anthropic" ? Seals.read(seal.value, "anthropic") : seal)

const withCallSeals = (blocks: ReadonlyArray<Fold.Block>): ReadonlyArray<Fold.Block> => {
  const out: Array<Fold.Block> = []
  for (const block of blocks) {
    const before = out.at(-1)
    const seals = before?._tag === "Reasoning" && before.text === "" && before.seal?.origin !== "anthropic"
    if (block._tag === "ToolCall" && block.seal === undefined && seals) {
      out.splice(-1, 1, { ...block, seal: before.seal })
    } else out.push(block)
  }
  return out
}

const plain = (block: Fold.Block): Told => {
  if (block._tag !== "ToolCall") return block
  const { arguments: text, call: _, ...rest } = block
  return { ...rest, input: text === "" ? {} : Json.parsed(text) }
}

// ---------------------------------------------------------------------------------------------- any answer

const words = FastCheck.string({ unit: "grapheme", minLength: 1, maxLength: 8 })
const value = FastCheck.stringMatching(/^[A-Za-z0-9+/]{1,8}={0,2}$/)

const seal = (...origins: ReadonlyArray<string>) =>
  FastCheck.record({ origin: FastCheck.constantFrom(...origins), value })
const anySeal = seal("anthropic", "gemini", "an-instance")

const index = FastCheck.constantFrom(0, 0, 0, 0, 0, 1)

const said: FastCheck.Arbitrary<ChatEvent> = FastCheck.oneof(
  FastCheck.record({
    _tag: FastCheck.constantFrom(...(["Text", "Text", "Reasoning", "Refusal"] as const)),
    index,
    text: words
  }),
  FastCheck.record({ _tag: FastCheck.constantFrom(...(["Signature", "Sealed"] as const)), index, seal: anySeal })
)

const jsonValue = FastCheck.oneof(
  words,
  FastCheck.integer(),
  FastCheck.boolean(),
  FastCheck.constant(null),
  FastCheck.array(FastCheck.integer(), { maxLength: 3 })
)

/** Of tools; Anthropic signs none. */
const calls = FastCheck.array(
  FastCheck.record({
    id: FastCheck.oneof(
      FastCheck.stringMatching(/^call_[a-z]{4}$/),
      FastCheck.constantFrom("functions.look:0", "orelse_", "é".repeat(300))
    ),
    name: FastCheck.stringMatching(/^[a-z]{1,5}$/),
    text: FastCheck.option(
      FastCheck.dictionary(FastCheck.stringMatching(/^[a-z]{1,3}$/), jsonValue, { maxKeys: 3 }).map((input) =>
        JSON.stringify(input)
      ),
      { nil: "" }
    ),
    seal: FastCheck.option(seal("gemini", "an-instance"), { nil: undefined }),
    piece: FastCheck.integer({ min: 1, max: 9 })
  }),
  { maxLength: 3 }
)

const finish: FastCheck.Arbitrary<ChatEvent> = FastCheck.oneof(
  FastCheck.record({
    _tag: FastCheck.constant("Finish" as const),
    index: FastCheck.constant(0),
    reason: FastCheck.constantFrom(
      ...(["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "context_length"] as const)
    )
  }),
  words.map((sequence) => ({ _tag: "Finish", index: 0, reason: "stop_sequence", sequence }) as const)
)

/**
 * The events of any answer: things said and pieces of calls in any order. A seal comes with a call's first piece, as every
 * vendor has it.
 */
export const anyEvents: FastCheck.Arbitrary<ReadonlyArray<ChatEvent>> = FastCheck.tuple(
  calls,
  FastCheck.array(FastCheck.oneof(said, FastCheck.nat(2)), { maxLength: 16 }),
  finish
).map(([made, steps, last]) => {
  const order: Array<number> = []
  const at = new Map<number, number>()
  const pieceOf = (position: number): ReadonlyArray<ChatEvent> => {
    const call = made[position]
    if (call === undefined) return []
    const from = at.get(position)
    if (from === undefined) {
      order.push(position)
      at.set(position, 0)
      const { id, name, seal: sealed } = call
      const first = { _tag: "ToolCall", index: 0, call: order.length - 1, id, name, arguments: "" } as const
      return [sealed === undefined ? first : { ...first, seal: sealed }]
    }
    const text = call.text.slice(from, from + call.piece)
    at.set(position, from + call.piece)
    const rest = { _tag: "ToolCall", index: 0, call: order.indexOf(position), id: undefined, name: undefined } as const
    return text === "" ? [] : [{ ...rest, arguments: text }]
  }
  const events = steps.flatMap((step) => (typeof step === "number" ? pieceOf(step) : [step]))
  const rest = made.flatMap((call, position) =>
    Array.from({ length: 2 + Math.ceil(call.text.length / call.piece) }, () => pieceOf(position)).flat()
  )
  return [...events, ...rest, last]
})

export const anyUsage: FastCheck.Arbitrary<Usage | undefined> = FastCheck.option(
  FastCheck.record(
    {
      input: FastCheck.nat(),
      cacheRead: FastCheck.nat(),
      cacheWrite: FastCheck.nat(),
      output: FastCheck.nat(),
      reasoning: FastCheck.nat(),
      cacheWrite1h: FastCheck.integer({ min: 1, max: 1_000_000 })
    },
    { requiredKeys: ["input", "cacheRead", "cacheWrite", "output", "reasoning"] }
  ),
  { nil: undefined }
)
